/** The registry: what vqtune tunes, in the order in which it must be written, and how each step is written. */
import type { Plan, SetChannels, Skip, Step, TunableName } from '../model'
import type { System } from '../system/system'
import { channels, setChannels } from './channels'
import { irqAffinity, setIrqAffinity } from './irq-affinity'
import type { NicContext, Tunable } from './tunable'
import { setXps, xps } from './xps'

/**
 * Plans one NIC. New channels come alone: setting them makes the kernel write affinity and XPS anew
 * (virtnet_set_affinity), so those are judged in the next round, against what the kernel then chose.
 */
export function planTunables(context: NicContext): Plan {
  const first = channels.plan(context)
  if (first.steps.length > 0) return first
  const rest = [irqAffinity, xps].map((tunable) => tunable.plan(context))
  const skips: Skip[] = [...first.skips]
  const steps: Step[] = []
  for (const part of rest) {
    steps.push(...part.steps)
    skips.push(...part.skips)
  }
  return { steps, skips }
}

interface StepKind<S extends Step> {
  readonly tunable: Tunable<S>
  readonly execute: (system: System, step: S) => Promise<void> | void
}

/** A kind of step that is missing here does not compile. */
const STEP_KINDS: { readonly [K in Step['kind']]: StepKind<Extract<Step, { kind: K }>> } = {
  'set-channels': { tunable: channels, execute: setChannels },
  'set-irq-affinity': { tunable: irqAffinity, execute: setIrqAffinity },
  'set-xps': { tunable: xps, execute: setXps },
}

/** Does one step. @throws StepRefused, VqtuneError */
export async function execute(system: System, step: Step): Promise<void> {
  // The table is typed per kind; TypeScript cannot follow the pairing through an index.
  await (STEP_KINDS[step.kind] as StepKind<Step>).execute(system, step)
}

/** The name of the tunable that a step belongs to. */
export function tunableOf(step: Step): TunableName {
  return STEP_KINDS[step.kind].tunable.name
}

export function isChannelStep(step: Step): step is SetChannels {
  return step.kind === 'set-channels'
}
