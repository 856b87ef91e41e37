import { describe, expect, it } from 'vitest'
import { readQueueActivity } from '../../../src/kernel/queue-activity'
import { observeGuest } from '../../../src/planner/observe'
import type { System } from '../../../src/system/system'
import { capturedGuest } from '../../support/captured-guest'

async function read(name: string, system = capturedGuest(name).system) {
  const [nic] = (await observeGuest(system)).nics
  if (nic === undefined) throw new Error('no NIC')
  return readQueueActivity(system, nic)
}

describe('what queues did', () => {
  it('is packets where the kernel counts them (6.1)', async () => {
    const activity = await read('rss-stale')
    const { stdout } = await capturedGuest('rss-stale').system.run('ethtool', ['-S', 'enp0s8'])
    for (const queue of [0, 1, 2, 3]) {
      for (const direction of ['rx', 'tx'] as const) {
        const counted = new RegExp(`${direction}_queue_${queue}_packets: (\\d+)`).exec(stdout)?.[1]
        expect(activity.get(queue)?.[direction], `${direction} ${queue}`).toBe(Number(counted))
      }
    }
  })

  it('is interrupts, refills and notifications where it does not (6.12)', async () => {
    // /proc/interrupts of the capture: input.0 has 2, output.0 has 6; rx0_kicks is 1, tx0_kicks 6.
    const { stdout } = await capturedGuest('debian-6.12-4cpu-4q').system.run('ethtool', ['-S', 'enp0s8'])
    const kicks = Number(/rx0_kicks: (\d+)/.exec(stdout)?.[1])
    expect((await read('debian-6.12-4cpu-4q')).get(0)).toEqual({ rx: 2 + kicks, tx: 6 })
  })

  it('is interrupts alone where ethtool tells nothing, and nothing without interrupts of its own', async () => {
    const without = (name: string): System =>
      Object.assign(Object.create(capturedGuest(name).system) as System, { findTool: () => undefined })
    expect((await read('', without('debian-6.12-4cpu-4q'))).get(0)).toEqual({ rx: 2, tx: 6 })
    expect((await read('', without('intx'))).get(0)).toEqual({ rx: 0, tx: 0 })
  })
})
