/**
 * Output of each command with `--json`: the contract, from which packaging/schemas.mjs makes the installed files.
 * Loaded by the build and by tests only: the program does not validate its own output.
 */
import { z } from 'zod'
import { VERSION } from '../../version'
import { apply } from './apply'
import { capture } from './capture'
import { configCheck } from './config-check'
import { configSet, configUnset } from './config-set'
import { drift } from './drift'
import { explain } from './explain'
import {
  hostMaxFiles,
  hostSetQueues,
  hostUndo,
  hostUndoList,
  hostZerocopyOff,
  hostZerocopyOn,
} from './host-change'
import { hostCheck } from './host-check'
import { hostZerocopyProbe } from './host-zerocopy-probe'
import { hostZerocopyStatus } from './host-zerocopy-status'
import { plan } from './plan'
import { report } from './report'
import { rollback, rollbackDryRun, rollbackIrqbalance } from './rollback'
import { status } from './status'
import { trial, trialProgress } from './trial'

/** By command: `host check` is host-check. */
export const SCHEMAS = {
  status,
  plan,
  apply,
  rollback,
  'rollback-dry-run': rollbackDryRun,
  'rollback-irqbalance': rollbackIrqbalance,
  drift,
  explain,
  report,
  trial,
  'trial-progress': trialProgress,
  capture,
  'config-check': configCheck,
  'config-set': configSet,
  'config-unset': configUnset,
  'host-check': hostCheck,
  'host-set-queues': hostSetQueues,
  'host-max-files': hostMaxFiles,
  'host-zerocopy-status': hostZerocopyStatus,
  'host-zerocopy-on': hostZerocopyOn,
  'host-zerocopy-off': hostZerocopyOff,
  'host-zerocopy-probe': hostZerocopyProbe,
  'host-undo': hostUndo,
  'host-undo-list': hostUndoList,
}
export type SchemaName = keyof typeof SCHEMAS

/**
 * One of them as JSON Schema, draft 2020-12.
 * @param fields open: other fields are allowed, for later versions; closed: only these
 */
export function jsonSchema(name: SchemaName, fields: 'open' | 'closed' = 'open'): object {
  const made = z.toJSONSchema(SCHEMAS[name], {
    // zod's input objects are open, its output objects closed.
    io: fields === 'open' ? 'input' : 'output',
    override: ({ jsonSchema: part }) => {
      // zod limits integers to those that JavaScript represents exactly; kernel counters have 64 bits.
      if (part.minimum === Number.MIN_SAFE_INTEGER) delete part.minimum
      if (part.maximum === Number.MAX_SAFE_INTEGER) delete part.maximum
    },
  })
  const { $schema, title, ...rest } = made
  // The installed path: a unique identifier that can be followed on any guest.
  const $id = `file:///usr/share/vqtune/schema/${name}.schema.json`
  return { $schema, $id, $comment: `of vqtune ${VERSION}`, title, ...rest }
}
