/**
 * RPS (receive packet steering, rps_cpus): moves received packets to other vCPUs in software. It helps if the host offers
 * fewer queues than there are vCPUs, and costs time if there is one for each; see Documentation/networking/scaling.rst.
 */
import { formatCpuList } from '../kernel/cpulist'
import type { CpuList } from '../model'
import { CPUS } from './codecs'
import { isLimitedByHost } from './host-limited'
import { readMasks, writeMask } from './steering-mask'
import type { NicContext, Setting, Tunable } from './tunable'

export const rps: Tunable<CpuList> = {
  name: 'rps',
  noun: 'RPS mask',
  codec: CPUS,
  switch: {
    key: 'rps',
    values: ['keep', 'spread', 'off'],
    default: 'keep',
    help: 'Receive packet steering. "keep" changes nothing. "spread": if the host offers fewer queue pairs than there are usable vCPUs, each receive queue gets its share of the remaining vCPUs, never isolated ones; on other NICs RPS is cleared. "off" clears it.',
  },
  read: (system, nic) => readMasks(system, nic, 'rx', 'rps_cpus', 'RPS'),
  desire(context, settings) {
    const mode = context.settings.switches.rps
    if (mode !== 'off' && mode !== 'spread')
      return { wanted: [], skips: [], notes: leftovers(context, settings) }
    const isSpread = mode === 'spread' && isLimitedByHost(context)
    return {
      wanted: settings.map(({ key }, queue) => {
        const cpus = isSpread ? share(context, queue) : []
        return { key, value: cpus, reason: reasonFor(key, cpus, mode) }
      }),
      skips: [],
    }
  },
  write: writeMask,
}

/** The vCPUs of the queue's group except the first, which handles the queue's interrupt. */
function share({ desired, usable }: NicContext, queue: number): CpuList {
  const group = desired.groups[queue]?.irq.filter((cpu) => usable.includes(cpu)) ?? []
  return group.slice(1)
}

function reasonFor(key: string, cpus: CpuList, mode: 'off' | 'spread'): string {
  if (cpus.length > 0)
    return `the host exposes fewer queue pairs than vCPUs: CPU ${formatCpuList(cpus)} helps ${key}`
  return mode === 'off' ? 'set by the configuration' : `no vCPU is left to help ${key}`
}

/** RPS left over from a single-queue setup moves packets off the queue's own vCPU. */
function leftovers({ nic, desired }: NicContext, settings: readonly Setting<CpuList>[]): readonly string[] {
  const steered = settings.filter(({ value }) => value.length > 0).map(({ key }) => key)
  if (steered.length === 0 || nic.channels.current === 1 || desired.target === 1) return []
  return [`RPS is on for ${steered.join(', ')} (rps_cpus): it moves packets away from the queue's own vCPU`]
}
