/** Text forms of values. */
import { formatCpuList, parseCpuList } from '../kernel/cpulist'
import type { CpuList } from '../model'
import { parseWholeNumber } from '../text/numbers'
import type { Codec } from './tunable'

/** A count of 1 or more. */
export const COUNT: Codec<number> = {
  unit: '',
  parse(text) {
    const count = parseWholeNumber(text)
    return count === undefined || count < 1 ? undefined : count
  },
  format: String,
  restorable: (recorded) => recorded,
}

/** A number of entries; 0 for no table. */
export const ENTRIES: Codec<number> = { ...COUNT, parse: parseWholeNumber }

/** One of these words. */
export function plainValue<const W extends string>(words: readonly W[]): Codec<W> {
  return {
    unit: '',
    parse: (text) => words.find((word) => word === text),
    format: (word) => word,
    restorable: (recorded) => recorded,
  }
}

/** A CPU list of the kernel: `0-3,8`; empty for none. */
export const CPUS: Codec<CpuList> = {
  unit: 'CPU ',
  parse: parseCpuList,
  format: formatCpuList,
  /**
   * CPUs that have gone offline are left out: the kernel drops them from XPS (__netif_set_xps_queue, net/core/dev.c) and
   * refuses interrupts that only they may take (write_irq_affinity, kernel/irq/proc.c).
   */
  restorable(recorded, online) {
    const living = recorded.filter((cpu) => online.includes(cpu))
    return living.length === 0 && recorded.length > 0 ? undefined : living
  },
}

/** CPUs of an interrupt, which must have one. */
export const INTERRUPT_CPUS: Codec<CpuList> = {
  ...CPUS,
  restorable(recorded, online) {
    const living = CPUS.restorable(recorded, online)
    return living === undefined || living.length === 0 ? undefined : living
  },
}
