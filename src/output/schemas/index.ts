/**
 * What each verb prints with `--json`: the contract, from which packaging/schemas.mjs makes the files that are installed.
 * Only the build and tests load this: checking its own output would teach the program nothing.
 */
import { z } from 'zod'
import { VERSION } from '../../version'
import { apply } from './apply'
import { configCheck } from './config-check'
import { drift } from './drift'
import { explain } from './explain'
import { hostCheck } from './host-check'
import { hostZerocopyProbe } from './host-zerocopy-probe'
import { hostZerocopyStatus } from './host-zerocopy-status'
import { plan } from './plan'
import { report } from './report'
import { rollback, rollbackDryRun } from './rollback'
import { status } from './status'
import { trial } from './trial'

/** By the words of the verb: `host check` is host-check. */
export const SCHEMAS = {
  status,
  plan,
  apply,
  rollback,
  'rollback-dry-run': rollbackDryRun,
  drift,
  explain,
  report,
  trial,
  'config-check': configCheck,
  'host-check': hostCheck,
  'host-zerocopy-status': hostZerocopyStatus,
  'host-zerocopy-probe': hostZerocopyProbe,
}
export type SchemaName = keyof typeof SCHEMAS

/**
 * One of them as JSON Schema, draft 2020-12.
 * @param fields open: others may be there, too, as in later versions; closed: only those that it has
 */
export function jsonSchema(name: SchemaName, fields: 'open' | 'closed' = 'open'): object {
  const made = z.toJSONSchema(SCHEMAS[name], {
    // What zod would let in, or let out: objects are open in the one, closed in the other.
    io: fields === 'open' ? 'input' : 'output',
    override: ({ jsonSchema: part }) => {
      // zod means numbers that JavaScript holds exactly; counters of the kernel have 64 bits.
      if (part.minimum === Number.MIN_SAFE_INTEGER) delete part.minimum
      if (part.maximum === Number.MAX_SAFE_INTEGER) delete part.maximum
    },
  })
  const { $schema, title, ...rest } = made
  // Where it is installed: an identifier of its own in every guest, and there it can be followed.
  const $id = `file:///usr/share/vqtune/schema/${name}.schema.json`
  return { $schema, $id, $comment: `of vqtune ${VERSION}`, title, ...rest }
}
