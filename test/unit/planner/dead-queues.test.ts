import { describe, expect, it } from 'vitest'
import type { Activity } from '../../../src/kernel/queue-activity'
import { activityBetween, deadQueues, emptyQueues, flowsNeeded } from '../../../src/planner/dead-queues'

/** One [rx, tx] for each queue. */
const activity = (...queues: readonly (readonly [number, number])[]): Activity =>
  new Map(queues.map(([rx, tx], queue) => [queue, { rx, tx }]))
const NONE = activity([0, 0], [0, 0], [0, 0], [0, 0])
const HALF = activity([500, 200], [400, 200], [0, 50], [0, 16])

describe('the number of connections that rules chance out', () => {
  it.each([
    [2, 1, 21],
    [4, 1, 53],
    [4, 2, 23],
    [4, 3, 11],
    [8, 1, 120],
    [256, 1, 4947],
  ])('of %i queues, %i empty: %i', (queues, empty, flows) => {
    expect(flowsNeeded(queues, empty)).toBe(flows)
  })

  it.each([
    [2, 1, 2],
    [3, 2, 3],
    [4, 1, 4],
    [4, 2, 6],
  ])(
    'of %i queues, any %i are empty with less than a millionth: there are %i such sets',
    (queues, empty, sets) => {
      const chance = (flows: number): number => sets * ((queues - empty) / queues) ** flows
      const flows = flowsNeeded(queues, empty)
      expect(chance(flows)).toBeLessThanOrEqual(1e-6)
      expect(chance(flows - 1)).toBeGreaterThan(1e-6)
    },
  )
})

describe('dead queues', () => {
  it('are those that receive nothing, though the guest sends through them and connections are many', () => {
    expect(deadQueues(NONE, HALF, 23)).toEqual([2, 3])
    expect(deadQueues(NONE, HALF, 22)).toEqual([])
  })

  it('are not those through which the guest sends nothing: a tap sends its connections elsewhere', () => {
    expect(emptyQueues(activity([500, 200], [400, 200], [0, 15], [0, 16]))).toEqual([3])
    expect(deadQueues(NONE, activity([500, 200], [400, 200], [0, 15], [0, 16]), 53)).toEqual([3])
    expect(deadQueues(NONE, activity([500, 200], [400, 200], [0, 15], [0, 16]), 52)).toEqual([])
  })

  it('are not those that send a trickle of what the guest sends', () => {
    // 1,024 in all, so that an even share is 256 and an eighth of it 32.
    const sending = (least: number) =>
      activity([500, 500], [400, 1024 - 500 - 100 - least], [0, 100], [0, least])
    expect(emptyQueues(sending(32))).toEqual([2, 3])
    expect(emptyQueues(sending(31))).toEqual([2])
  })

  it('are none where little was received at all', () => {
    expect(deadQueues(NONE, activity([100, 400], [99, 300], [0, 50], [0, 50]), 1000)).toEqual([])
    expect(deadQueues(NONE, activity([100, 400], [100, 300], [0, 50], [0, 50]), 1000)).toEqual([2, 3])
  })

  it('are judged by what came between the readings', () => {
    const later = activity([900, 800], [800, 700], [0, 100], [0, 100])
    expect(activityBetween(HALF, later)).toEqual(activity([400, 600], [400, 500], [0, 50], [0, 84]))
    expect(deadQueues(HALF, later, 23)).toEqual([2, 3])
    // What worked once and stopped is dead as well.
    const worked = activity([500, 400], [400, 300], [70, 50], [60, 16])
    const stopped = activity([900, 800], [800, 700], [70, 100], [60, 100])
    expect(deadQueues(worked, stopped, 23)).toEqual([2, 3])
  })

  it('are not those of which one reading tells nothing, or less than before', () => {
    const two = activity([500, 200], [400, 200])
    expect(activityBetween(two, HALF).size).toBe(2)
    expect(deadQueues(two, HALF, 1000)).toEqual([])
    expect(activityBetween(activity([9, 0]), activity([8, 0])).size).toBe(0)
    expect(activityBetween(activity([0, 9]), activity([0, 8])).size).toBe(0)
  })

  it('come in order', () => {
    const mixed: Activity = new Map([
      [1, { rx: 0, tx: 50 }],
      [0, { rx: 0, tx: 50 }],
      [2, { rx: 500, tx: 50 }],
    ])
    const none: Activity = new Map([0, 1, 2].map((queue) => [queue, { rx: 0, tx: 0 }]))
    expect(deadQueues(none, mixed, 1000)).toEqual([0, 1])
  })
})
