/** irqbalance moves interrupts by load and is not aware of queue-to-vCPU pairing. */
import { findPrograms, readArguments } from '../kernel/processes'
import type { System } from '../system/system'
import type { Writer, WriterTarget } from './writer'

/** A running irqbalance, unless all interrupts of the queues are banned. */
export function findIrqbalance(system: System, nic: WriterTarget): readonly Writer[] {
  return findPrograms(system, [{ name: 'irqbalance' }]).flatMap(({ pid }): Writer[] => {
    const banned = bannedIrqs(readArguments(system, pid))
    const irqs = queueIrqs(nic)
    const left = irqs.filter((irq) => !banned.has(irq))
    if (irqs.length > 0 && left.length === 0) return []
    const list = irqs.join(',')
    return [
      {
        writer: 'irqbalance',
        where: `pid ${pid}`,
        what: 'runs and moves the interrupts of the queues between CPUs',
        tunable: 'irq-affinity',
        matches: 'yes',
        remedy:
          list === ''
            ? 'systemctl disable --now irqbalance'
            : `systemctl disable --now irqbalance, or start it with ${irqs.map((irq) => `--banirq=${irq}`).join(' ')}`,
      },
    ]
  })
}

/** IRQ numbers of --banirq=N, --banirq N and -i N. */
export function bannedIrqs(args: readonly string[]): ReadonlySet<number> {
  const banned = new Set<number>()
  for (const [position, arg] of args.entries()) {
    const joined = /^(?:--banirq=|-i)(\d+)$/.exec(arg)?.[1]
    const next = arg === '--banirq' || arg === '-i' ? args[position + 1] : undefined
    const irq = joined ?? next ?? ''
    if (/^\d+$/.test(irq)) banned.add(Number(irq))
  }
  return banned
}

function queueIrqs(nic: WriterTarget): readonly number[] {
  return nic.queues
    .flatMap((queue) => [queue.rxIrq?.irq, queue.txIrq?.irq])
    .filter((irq): irq is number => irq !== undefined)
}
