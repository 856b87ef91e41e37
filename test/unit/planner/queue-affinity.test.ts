import { describe, expect, it } from 'vitest'
import { DEFAULT_SETTINGS } from '../../../src/config/settings'
import type { ObservedNic } from '../../../src/model'
import { planGuest } from '../../../src/planner/plan'
import { checkQueueAffinity, describeAffinityProblem } from '../../../src/planner/queue-affinity'
import { guestOf, nicOf, withSetting } from '../../support/simulated-kernel'

const ONLINE = [0, 1, 2, 3]

function problems(nic: ObservedNic): string[][] {
  const [nicPlan] = planGuest(guestOf(ONLINE, [nic]), DEFAULT_SETTINGS)
  if (nicPlan === undefined) throw new Error('no NIC')
  return checkQueueAffinity(nicPlan.nic, nicPlan.desired).map(({ problems }) =>
    problems.map(describeAffinityProblem),
  )
}

function moved(queue: number, to: string): ObservedNic {
  return withSetting(nicOf({ ifindex: 2, maximum: 4 }, ONLINE), 'irq-affinity', `queue ${queue} rx`, to)
}

describe('queue affinity', () => {
  it('is given as the kernel lays queues out', () => {
    expect(problems(nicOf({ ifindex: 2, maximum: 4 }, ONLINE))).toEqual([[], [], [], []])
  })

  it('names the IRQ, the CPU and both queues when an interrupt moves onto another queue', () => {
    expect(problems(moved(1, '3'))).toEqual([
      [],
      ['IRQ 2002 on CPU 3 shared with queue 3', 'IRQ 2002 may go to CPU 3, belongs to 1'],
      [],
      ['IRQ 2006 on CPU 3 shared with queue 1', 'IRQ 2007 on CPU 3 shared with queue 1'],
    ])
  })

  it('says so when all queues share one interrupt', () => {
    const nic = nicOf({ ifindex: 2, maximum: 4, layout: 'shared' }, ONLINE)
    expect(problems(nic).flat()).toEqual(new Array(4).fill('has no interrupt of its own'))
  })

  it('sees senders that belong to another queue, and a queue without senders', () => {
    const wide = withSetting(nicOf({ ifindex: 2, maximum: 4 }, ONLINE), 'xps', 'queue 0', '0-1')
    expect(problems(withSetting(wide, 'xps', 'queue 1', '')).slice(0, 2)).toEqual([
      ['CPU 0-1 transmits through it, CPU 0 should'],
      ['no CPU transmits through it, CPU 1 should'],
    ])
  })

  it('judges queues only against each other while other channels are due', () => {
    expect(problems(nicOf({ ifindex: 2, maximum: 4, current: 2 }, ONLINE))).toEqual([[], []])
  })

  it('does not speak of a single queue', () => {
    expect(problems(nicOf({ ifindex: 2, maximum: 1, layout: 'intx' }, ONLINE))).toEqual([[]])
  })
})
