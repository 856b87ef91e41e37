/**
 * What the kernel makes of a step, for tests of planning: setting channels stripes interrupts and XPS anew over the
 * online CPUs (virtnet_set_affinity), other steps set what they say.
 */

import type { ObservedGuest, ObservedNic, ObservedQueue, Step } from '../../src/model'
import { stripes } from '../../src/planner/layout'

export function takeStep(guest: ObservedGuest, step: Step): ObservedGuest {
  return {
    ...guest,
    nics: guest.nics.map((nic) => (nic.name === step.nic ? changed(nic, step, guest) : nic)),
  }
}

function changed(nic: ObservedNic, step: Step, guest: ObservedGuest): ObservedNic {
  if (step.kind === 'set-channels') return withChannels(nic, step.new, guest.cpus.online)
  return {
    ...nic,
    queues: nic.queues.map((queue): ObservedQueue => {
      if (queue.index !== step.queue) return queue
      if (step.kind === 'set-xps') {
        // __netif_set_xps_queue keeps online CPUs only.
        return { ...queue, xps: step.new.filter((cpu) => guest.cpus.online.includes(cpu)) }
      }
      const side = step.direction === 'rx' ? 'rxIrq' : 'txIrq'
      const irq = queue[side]
      return irq === undefined ? queue : { ...queue, [side]: { ...irq, affinity: step.new } }
    }),
  }
}

/** A NIC as the driver leaves it after probe or -L. */
export function withChannels(nic: ObservedNic, count: number, online: readonly number[]): ObservedNic {
  const groups = count <= online.length ? stripes(count, online, 0) : []
  const perQueue = nic.interruptLayout === 'per-queue'
  return {
    ...nic,
    channels: { ...nic.channels, current: count },
    queues: Array.from({ length: count }, (_, index): ObservedQueue => {
      const cpus = groups[index] ?? [online[index % online.length] as number]
      const irq = (direction: 'input' | 'output', offset: number) =>
        perQueue
          ? {
              irq: 1000 * nic.ifindex + 2 * index + offset,
              name: `${nic.virtio}-${direction}.${index}`,
              affinity: cpus,
              effective: undefined,
            }
          : undefined
      return { index, rxIrq: irq('input', 0), txIrq: irq('output', 1), xps: cpus, rps: [] }
    }),
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
    ifindex: options.ifindex,
    mac: `52:54:00:00:00:${String(options.ifindex % 100).padStart(2, '0')}`,
    virtio: `virtio${options.ifindex}`,
    bus: 'pci',
    busAddress: `0000:00:${String(options.ifindex % 32).padStart(2, '0')}.0`,
    operstate: 'up',
    master: undefined,
    features: { multiqueue: true, controlQueue: true, rss: false },
    channels: { current: 1, maximum: options.maximum },
    interruptLayout: options.layout ?? 'per-queue',
    vectors: 2 * options.maximum + 1,
    queues: [],
    rssQueues: undefined,
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
    hypervisor: { vendor: 'QEMU', product: '' },
  }
}
