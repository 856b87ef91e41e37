/** Which interrupts irqbalance should leave alone: those that vqtune places. Pure. */
import type { ObservedNic } from '../model'
import type { NicPlan } from '../planner/plan'
import { AFFINITY_KEY, IRQBALANCE_KEY } from '../tunables/irq-affinity'

/** The interrupts of one NIC instance. */
export interface NicInterrupts {
  readonly virtio: string
  readonly ifindex: number
  /** Interface name, for people. */
  readonly name: string
  /** Numbers, ascending. */
  readonly irqs: readonly number[]
}

/**
 * NICs with more than one queue whose affinity is tuned. One queue gains nothing from it: wherever its interrupt is, it has
 * that CPU to itself.
 */
export function wantedInterrupts(plans: readonly NicPlan[]): readonly NicInterrupts[] {
  return plans.filter(isPlaced).map(({ nic: { virtio, ifindex, name, queues } }) => ({
    virtio,
    ifindex,
    name,
    irqs: queues
      .flatMap(({ rxIrq, txIrq }) => [rxIrq?.irq, txIrq?.irq])
      .filter((irq) => irq !== undefined)
      .sort((a, b) => a - b),
  }))
}

/**
 * What queues had that are not in use now stays asked for: they return with their vCPU, and an irqbalance that sleeps just then
 * would still move them when it wakes, as it had planned before.
 * @param earlier what it was asked for so far
 * @param isOf whether an interrupt is of this virtio device; a device that was set up anew may have others
 */
export function withEarlier(
  wanted: readonly NicInterrupts[],
  earlier: readonly NicInterrupts[],
  isOf: (irq: number, virtio: string) => boolean,
): readonly NicInterrupts[] {
  return wanted.map((nic) => {
    const before = earlier.find((one) => isSameNic(one, nic))?.irqs ?? []
    const unused = before.filter((irq) => !nic.irqs.includes(irq) && isOf(irq, nic.virtio))
    return unused.length === 0 ? nic : { ...nic, irqs: [...nic.irqs, ...unused].sort((a, b) => a - b) }
  })
}

function isPlaced({ nic, settings: { switches }, plan }: NicPlan): boolean {
  return (
    switches[AFFINITY_KEY] === true &&
    switches[IRQBALANCE_KEY] === 'ask' &&
    nic.interruptLayout === 'per-queue' &&
    nic.queues.length > 1 &&
    !plan.skips.some(({ tunable }) => tunable === undefined || tunable === 'irq-affinity')
  )
}

export function isSameNic(
  one: Pick<NicInterrupts, 'virtio' | 'ifindex'>,
  other: Pick<ObservedNic, 'virtio' | 'ifindex'>,
): boolean {
  return one.virtio === other.virtio && one.ifindex === other.ifindex
}

export function irqsOf(nics: readonly NicInterrupts[]): readonly number[] {
  return [...new Set(nics.flatMap(({ irqs }) => irqs))].sort((a, b) => a - b)
}
