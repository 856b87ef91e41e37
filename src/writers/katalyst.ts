/** katalyst-agent of Kubernetes: its IRQ tuner moves interrupts and sets RPS while it runs. */
import { findPrograms } from '../kernel/processes'
import type { System } from '../system/system'
import type { KnownWriter, Writer } from './writer'

function find(system: System): readonly Writer[] {
  return findPrograms(system, [{ name: 'katalyst-agent' }, { name: 'irqbalance-ng' }]).flatMap(
    ({ pid, name }): Writer[] =>
      (['irq-affinity', 'rps'] as const).map((tunable) => ({
        writer: katalyst.name,
        where: `pid ${pid}`,
        what: `${name} runs; with its IRQ tuning enabled it sets ${tunable === 'rps' ? 'RPS' : 'the affinity of interrupts'} of NICs`,
        tunable,
        matches: 'maybe' as const,
        remedy: 'disable IRQ tuning in the configuration of katalyst (EnableIrqTuning: false)',
      })),
  )
}

export const katalyst: KnownWriter = {
  name: 'katalyst',
  title: 'katalyst-agent (IRQ tuning)',
  actsByItself: true,
  find,
}
