/**
 * What the kernel makes of a step, for tests of planning: setting channels stripes interrupts and XPS anew over the
 * online CPUs, other steps set what they say. The striping is a port of virtnet_set_affinity() (drivers/net/virtio_net.c),
 * made without a look at ours.
 */
import { formatCpuList, parseCpuList } from '../../src/kernel/cpulist'
import type { ObservedGuest, ObservedNic, ObservedQueue, ObservedSetting, Step } from '../../src/model'

/** @param tableFollows the kernel makes a new default RSS table when channels change (RHEL 10) */
export function takeStep(guest: ObservedGuest, step: Step, tableFollows = false): ObservedGuest {
  return {
    ...guest,
    nics: guest.nics.map((nic) =>
      nic.ifindex === step.ifindex ? changed(nic, step, guest, tableFollows) : nic,
    ),
  }
}

function changed(nic: ObservedNic, step: Step, guest: ObservedGuest, tableFollows: boolean): ObservedNic {
  if (step.tunable === 'channels') {
    const laidOut = withChannels(nic, Number(step.new), guest.cpus.online)
    return tableFollows ? withSetting(laidOut, 'rss-table', 'table', `equal ${step.new}`) : laidOut
  }
  if (step.tunable === 'rss-table') {
    // Channels go down and up again on the way.
    const made = withChannels(nic, nic.channels.current, guest.cpus.online)
    return withSetting(made, step.tunable, step.key, step.new)
  }
  const living = (parseCpuList(step.new) ?? []).filter((cpu) => guest.cpus.online.includes(cpu))
  // __netif_set_xps_queue keeps online CPUs only.
  const value = step.tunable === 'xps' ? formatCpuList(living) : step.new
  return withSetting(nic, step.tunable, step.key, value)
}

/** The NIC with another value of one setting; without effect where it has no such setting. */
export function withSetting(nic: ObservedNic, tunable: string, key: string, value: string): ObservedNic {
  const settings = nic.settings.map((setting) =>
    setting.tunable === tunable && setting.key === key ? { ...setting, value } : setting,
  )
  return { ...nic, settings }
}

/** The NIC without a tunable's settings, as on a kernel that has none. */
export function withoutTunable(nic: ObservedNic, tunable: string): ObservedNic {
  return { ...nic, settings: nic.settings.filter((setting) => setting.tunable !== tunable) }
}

/** CPU list of each queue, as the driver hands out online CPUs in turn. */
export function driverStripes(count: number, online: readonly number[]): readonly string[] {
  const stride = Math.max(1, Math.floor(online.length / count))
  let stragglers = online.length >= count ? online.length % count : 0
  let cpu = 0
  return Array.from({ length: count }, () => {
    const size = stride + (stragglers > 0 ? 1 : 0)
    if (stragglers > 0) stragglers--
    const mask: number[] = []
    for (let i = 0; i < size; i++) {
      mask.push(online[cpu] as number)
      cpu = cpu + 1 === online.length ? 0 : cpu + 1
    }
    return mask.sort((a, b) => a - b).join(',')
  }).map((list) => formatCpuList(parseCpuList(list) ?? []))
}

/** By a change of channels. */
const UNTOUCHED = ['rings', 'rss-table', 'threaded-napi']

/** A NIC as the driver leaves it after probe or -L. */
export function withChannels(nic: ObservedNic, count: number, online: readonly number[]): ObservedNic {
  const stripes = driverStripes(count, online)
  const perQueue = nic.interruptLayout === 'per-queue'
  const number = (index: number, offset: number): number => 1000 * nic.ifindex + 2 * index + offset
  const queues = Array.from({ length: count }, (_, index): ObservedQueue => {
    const irq = (direction: 'input' | 'output', offset: number) =>
      perQueue
        ? {
            irq: number(index, offset),
            name: `${nic.virtio}-${direction}.${index}`,
            effective: undefined,
          }
        : undefined
    return { index, rxIrq: irq('input', 0), txIrq: irq('output', 1) }
  })
  const setting = (tunable: string, key: string, value: string, label: string, file: string) =>
    ({ tunable, key, value, label, file }) satisfies ObservedSetting
  const interrupts = queues.flatMap(({ index }) =>
    (['rx', 'tx'] as const).map((direction, offset) => {
      const irq = number(index, offset)
      const key = `queue ${index} ${direction}`
      const file = `/proc/irq/${irq}/smp_affinity_list`
      return setting('irq-affinity', key, stripes[index] as string, `${key} IRQ ${irq}`, file)
    }),
  )
  const senders = queues.map(({ index }) => {
    const file = `/sys/class/net/${nic.name}/queues/tx-${index}/xps_cpus`
    return setting('xps', `queue ${index}`, stripes[index] as string, `queue ${index} XPS`, file)
  })
  return {
    ...nic,
    channels: { ...nic.channels, current: count },
    queues,
    settings: [
      { tunable: 'channels', key: 'combined', value: String(count), label: 'channels', file: undefined },
      // Kernels from 5.18 to before 6.12 leave the RSS table as it is.
      ...nic.settings.filter(({ tunable }) => UNTOUCHED.includes(tunable)),
      ...(perQueue ? interrupts : []),
      ...senders,
    ],
  }
}

/** A NIC in its probed state: min(maximum, online) channels, or `current`. */
export function nicOf(
  options: { ifindex: number; maximum: number; current?: number; layout?: ObservedNic['interruptLayout'] },
  online: readonly number[],
): ObservedNic {
  const nic: ObservedNic = {
    name: `eth${options.ifindex}`,
    altnames: [],
    isMacPermanent: true,
    isIdentified: false,
    ifindex: options.ifindex,
    mac: `52:54:00:00:00:${String(options.ifindex % 100).padStart(2, '0')}`,
    virtio: `virtio${options.ifindex}`,
    bus: 'pci',
    busAddress: `0000:00:${String(options.ifindex % 32).padStart(2, '0')}.0`,
    operstate: 'up',
    master: undefined,
    features: { multiqueue: true, controlQueue: true, rss: false, ringReset: true },
    channels: { current: 1, maximum: options.maximum },
    interruptLayout: options.layout ?? 'per-queue',
    vectors: 2 * options.maximum + 1,
    queues: [],
    settings: [],
    rssTable: undefined,
    obstacle: undefined,
  }
  return withChannels(nic, options.current ?? Math.min(options.maximum, online.length), online)
}

export function guestOf(
  online: readonly number[],
  nics: readonly ObservedNic[],
  isolated: readonly number[] = [],
): ObservedGuest {
  return {
    bootId: 'boot',
    cpus: { online, isolated },
    nics,
    ignored: [],
    devices: nics.map(({ virtio }) => virtio),
  }
}
