/** The registry: what vqtune tunes, in the order in which it must be written, and how each step is written. */
import type { Plan, SetChannels, Skip, Step } from '../model'
import type { Host } from '../system/host'
import { channels, setChannels } from './channels'
import { irqAffinity, setIrqAffinity } from './irq-affinity'
import type { NicContext } from './tunable'
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

type Executors = {
  readonly [K in Step['kind']]: (host: Host, step: Extract<Step, { kind: K }>) => Promise<void> | void
}

/** A step kind without an executor does not compile. */
const EXECUTORS: Executors = {
  'set-channels': setChannels,
  'set-irq-affinity': setIrqAffinity,
  'set-xps': setXps,
}

/** Does one step. @throws StepRefused, VqtuneError */
export async function execute(host: Host, step: Step): Promise<void> {
  // The table is typed per kind; TypeScript cannot follow the pairing through an index.
  await (EXECUTORS[step.kind] as (host: Host, step: Step) => Promise<void> | void)(host, step)
}

export function isChannelStep(step: Step): step is SetChannels {
  return step.kind === 'set-channels'
}
