import { describe, expect, it } from 'vitest'
import { erased } from '../../../src/tunables/erased'
import { irqAffinity } from '../../../src/tunables/irq-affinity'
import { contextOf, desired, NIC, ONLINE, writingSystem } from '../../support/nic-context'
import { nicOf, withChannels, withoutTunable, withSetting } from '../../support/simulated-kernel'

const plan = erased(irqAffinity).plan
const nothing = { steps: [], skips: [], notes: [] }
const crossed = withSetting(NIC, 'irq-affinity', 'queue 1 tx', '0-1')

describe('IRQ affinity', () => {
  it('is planned for each interrupt that may leave its group, and for no other', () => {
    expect(plan(contextOf(NIC, desired(4)))).toEqual(nothing)
    expect(plan(contextOf(crossed, desired(4)))).toEqual({
      ...nothing,
      steps: [
        {
          ...{ tunable: 'irq-affinity', nic: 'eth2', ifindex: 2, key: 'queue 1 tx' },
          ...{ label: 'queue 1 tx IRQ 2003', file: '/proc/irq/2003/smp_affinity_list' },
          ...{ old: '0-1', new: '1', reason: 'queue 1 tx IRQ 2003 belongs on CPU 1' },
        },
      ],
    })
    expect(plan(contextOf(crossed, desired(4), { switches: { affinity: false } }))).toEqual(nothing)
  })

  it('is as desired anywhere inside the group of its queue', () => {
    const pair = nicOf({ ifindex: 2, maximum: 2 }, ONLINE)
    const wish = {
      ...desired(2),
      groups: [
        [0, 1],
        [2, 3],
      ].map((cpus) => ({ irq: cpus, xps: cpus })),
    }
    const placed = withSetting(
      withSetting(pair, 'irq-affinity', 'queue 0 rx', '1'),
      'irq-affinity',
      'queue 1 tx',
      '2',
    )
    expect(plan(contextOf(placed, wish))).toEqual(nothing)
    for (const outside of ['1-2', '2', ''])
      expect(
        plan(contextOf(withSetting(pair, 'irq-affinity', 'queue 0 rx', outside), wish)).steps,
      ).toHaveLength(1)
  })

  it('of a single queue is kept from isolated CPUs only', () => {
    const single = nicOf({ ifindex: 2, maximum: 1 }, ONLINE)
    const whole = { ...desired(1), groups: [{ irq: ONLINE, xps: ONLINE }] }
    for (const anywhere of ['0', '3', '0-3'])
      expect(plan(contextOf(withSetting(single, 'irq-affinity', 'queue 0 rx', anywhere), whole))).toEqual(
        nothing,
      )
    const apart = { ...whole, groups: [{ irq: [0, 1], xps: ONLINE }] }
    expect(
      plan(contextOf(withSetting(single, 'irq-affinity', 'queue 0 rx', '3'), apart)).steps,
    ).toMatchObject([
      { key: 'queue 0 rx', old: '3', new: '0-1' },
      { key: 'queue 0 tx', old: '0-3', new: '0-1' },
    ])
  })

  it('leaves out queues that are to be removed or have no interrupt', () => {
    expect(plan(contextOf(crossed, desired(1))).steps).toEqual([])
    const gap = { ...crossed, settings: crossed.settings.filter(({ key }) => key !== 'queue 0 rx') }
    expect(plan(contextOf(gap, desired(4))).steps).toHaveLength(1)
    expect(plan(contextOf(withoutTunable(NIC, 'irq-affinity'), desired(4)))).toEqual(nothing)
  })

  it.each([
    [
      'shared',
      'all queues share one MSI-X vector: the host gave the device too few (it needs 2 x queue pairs + 1)',
    ],
    ['intx', 'the device has no MSI-X vectors: all queues share one line interrupt'],
    ['mmio', 'virtio-mmio has one interrupt for all queues'],
    ['ccw', 'virtio-ccw uses adapter interrupts, which have no affinity per queue'],
    ['unknown', 'no interrupts of its queues found in /proc/interrupts'],
  ] as const)('cannot be with layout %s, unless there is one queue and one is right', (layout, why) => {
    const nic = nicOf({ ifindex: 2, maximum: 4, layout }, ONLINE)
    const skip = { nic: 'eth2', tunable: 'irq-affinity', code: 'shared-interrupt', why }
    expect(plan(contextOf(nic, desired(4)))).toEqual({ ...nothing, skips: [skip] })
    const single = nicOf({ ifindex: 2, maximum: 1, layout }, ONLINE)
    expect(plan(contextOf(single, desired(1)))).toEqual(nothing)
    expect(plan(contextOf(single, desired(4))).skips).toEqual([skip])
    expect(plan(contextOf(nic, desired(1))).skips).toEqual([skip])
  })

  it('is read of both interrupts of each queue, and written as a list', () => {
    const { system, written } = writingSystem()
    const files: Record<string, string> = {
      '/t/proc/irq/2000/smp_affinity_list': '0-1\n',
      // A kernel without the list, and an interrupt that went away.
      '/t/proc/irq/2001/smp_affinity': 'c\n',
    }
    Object.assign(system, { readText: (path: string) => files[path] })
    expect(irqAffinity.read(system, withChannels(NIC, 2, ONLINE))).toEqual([
      {
        ...{ key: 'queue 0 rx', value: [0, 1], label: 'queue 0 rx IRQ 2000' },
        file: '/t/proc/irq/2000/smp_affinity_list',
      },
      {
        ...{ key: 'queue 0 tx', value: [2, 3], label: 'queue 0 tx IRQ 2001' },
        file: '/t/proc/irq/2001/smp_affinity_list',
      },
    ])
    const [step] = plan(contextOf(crossed, desired(4))).steps
    if (step === undefined) throw new Error('no step')
    void irqAffinity.write(system, step, [1, 2])
    expect(written).toEqual([['/proc/irq/2003/smp_affinity_list', '1-2']])
  })
})
