import { describe, expect, it } from 'vitest'
import { layOut, stripes } from '../../../src/planner/layout'

const cpus = (online: number[], isolated: number[] = []) => ({ online, isolated })
const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i)

describe('layout', () => {
  it('is the kernel striping for one NIC: the first groups are larger', () => {
    expect(stripes(3, [0, 1, 2, 3, 4, 5, 6, 7], 0)).toEqual([
      [0, 1, 2],
      [3, 4, 5],
      [6, 7],
    ])
  })

  it.each([
    { shift: 0, sizes: [3, 2, 2, 2] },
    { shift: 1, sizes: [2, 3, 2, 2] },
    { shift: 3, sizes: [2, 2, 2, 3] },
  ])('moves the larger group by shift $shift', ({ shift, sizes }) => {
    const groups = stripes(4, upTo(9), shift)
    expect(groups.map((group) => group.length)).toEqual(sizes)
    expect(groups.flat()).toEqual(upTo(9))
  })

  it('has one CPU a queue, and the numbers of the pool whatever holes it has', () => {
    expect(stripes(3, [0, 2, 9], 0)).toEqual([[0], [2], [9]])
    expect(stripes(1, [4, 7], 0)).toEqual([[4, 7]])
  })

  it('adds the share of each CPU to the load, and is the layout of the kernel where no other is better', () => {
    const load = new Map([[1, 0.5]])
    // With either group larger, the most loaded CPU has a whole queue.
    expect(layOut(2, [0, 1, 2], cpus([0, 1, 2]), load).map(({ irq }) => irq)).toEqual([[0, 1], [2]])
    expect([...load].sort()).toEqual([
      [0, 0.5],
      [1, 1],
      [2, 1],
    ])
  })

  it('lets CPUs that take no interrupts send through the queues in turn, in ascending order', () => {
    const groups = layOut(2, [1, 11], cpus([0, 1, 2, 9, 11]), new Map())
    expect(groups).toEqual([
      { irq: [1], xps: [0, 1, 9] },
      { irq: [11], xps: [2, 11] },
    ])
  })

  it('puts the larger group where no NIC is yet, also on CPUs that earlier NICs could not use', () => {
    const load = new Map()
    const guest = cpus(upTo(5), [0, 1, 2])
    layOut(2, [3, 4], guest, load)
    expect([...load]).toEqual([
      [3, 1],
      [4, 1],
    ])
    expect(layOut(4, upTo(5), guest, load).map(({ irq }) => irq)).toEqual([[0], [1], [2], [3, 4]])
  })

  it('weighs what a NIC adds as what is there: the larger group may go to a busy CPU', () => {
    const busy = new Map([
      [1, 0.7],
      [2, 0.15],
    ])
    expect(layOut(3, upTo(4), cpus(upTo(4)), busy).map(({ irq }) => irq)).toEqual([[0, 1], [2], [3]])
    // One CPU with a queue is enough to go elsewhere.
    expect(layOut(2, upTo(3), cpus(upTo(3)), new Map([[2, 1]])).map(({ irq }) => irq)).toEqual([[0], [1, 2]])
  })
})
