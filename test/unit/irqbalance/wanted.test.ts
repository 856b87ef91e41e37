import { describe, expect, it } from 'vitest'
import { DEFAULT_SETTINGS, type Settings } from '../../../src/config/settings'
import { irqsOf, wantedInterrupts, withEarlier } from '../../../src/irqbalance/wanted'
import type { InterruptLayout, ObservedNic } from '../../../src/model'
import { type Exemptions, planGuest } from '../../../src/planner/plan'
import { guestOf, nicOf } from '../../support/simulated-kernel'

const CPUS = [0, 1, 2, 3]
const FOUR = nicOf({ ifindex: 2, maximum: 4 }, CPUS)

const wanted = (nics: readonly ObservedNic[], rules: Settings['rules'] = [], exemptions?: Exemptions) =>
  wantedInterrupts(planGuest(guestOf(CPUS, nics), { ...DEFAULT_SETTINGS, rules }, exemptions))

describe('irqbalance is to leave alone', () => {
  it('the interrupts of each NIC with several queues, ascending', () => {
    const single = nicOf({ ifindex: 3, maximum: 1, current: 1 }, CPUS)
    const found = wanted([FOUR, single])
    expect(found.map(({ name, ifindex, irqs }) => [name, ifindex, irqs.length])).toEqual([['eth2', 2, 8]])
    expect(irqsOf([...found, ...found])).toEqual(found[0]?.irqs)
    expect(irqsOf(found)).toEqual([...irqsOf(found)].sort((a, b) => a - b))
  })

  it('those that there are', () => {
    const [first, ...rest] = FOUR.queues
    const half = { index: 0, rxIrq: first?.rxIrq, txIrq: undefined }
    expect(wanted([{ ...FOUR, queues: [half, ...rest] }])[0]?.irqs).toHaveLength(7)
  })

  it.each<InterruptLayout>(['shared', 'intx', 'mmio', 'unknown'])(
    'none that all queues share: %s',
    (layout) => {
      expect(wanted([{ ...FOUR, interruptLayout: layout }])).toEqual([])
    },
  )

  it.each([{ enabled: false }, { switches: { affinity: false } }, { switches: { irqbalance: 'leave' } }])(
    'none with %j',
    (settings) => {
      expect(wanted([FOUR], [{ match: {}, settings, source: 'test' }])).toEqual([])
      expect(wanted([FOUR], [{ match: { virtio: 'virtio9' }, settings, source: 'test' }])).toHaveLength(1)
    },
  )

  it('also those of a NIC whose channels cannot be changed now', () => {
    const obstacle = { code: 'xdp', why: 'an XDP program is attached' } as const
    const blocked = nicOf({ ifindex: 2, maximum: 4, current: 2 }, CPUS)
    expect(wanted([{ ...blocked, obstacle }])[0]?.irqs).toHaveLength(4)
  })

  it('none of a NIC that is held or suspended', () => {
    const held = { code: 'held', why: 'rolled back' } as const
    expect(wanted([FOUR], [], new Map([['eth2', held]]))).toEqual([])
  })
})

describe('what queues had that are no longer in use', () => {
  const two = { virtio: 'virtio2', ifindex: 2, name: 'eth2', irqs: [26, 27] }
  const four = { ...two, irqs: [24, 25, 26, 27] }

  it('stays with what its NIC needs now, ascending', () => {
    expect(withEarlier([two], [four], () => true)).toEqual([four])
    expect(withEarlier([two], [], () => true)).toEqual([two])
  })

  it('is left out when it is another device now, and when the NIC is another or needs nothing', () => {
    expect(withEarlier([two], [four], (irq) => irq === 25)).toEqual([{ ...two, irqs: [25, 26, 27] }])
    expect(withEarlier([two], [{ ...four, ifindex: 3 }], () => true)).toEqual([two])
    expect(withEarlier([], [four], () => true)).toEqual([])
  })
})
