import { describe, expect, it } from 'vitest'
import type { ObservedNic } from '../../../src/model'
import { valuesOf } from '../../../src/planner/ledger'
import { restoreSteps } from '../../../src/planner/operations'
import { nicOf, withChannels } from '../../support/simulated-kernel'

const ALL = [0, 1, 2, 3]
const before = nicOf({ ifindex: 2, maximum: 4, current: 2 }, ALL)
const entry = { virtio: 'virtio0', ifindex: 2, name: 'eth2', mac: '', at: '', original: valuesOf(before) }
const written = (now: ObservedNic, online: readonly number[]) =>
  restoreSteps(now, entry, online).map((step) =>
    step.kind === 'set-channels'
      ? step
      : { kind: step.kind, queue: step.kind === 'set-xps' ? step.queue : undefined, new: step.new },
  )

describe('restoring a NIC', () => {
  it('writes channels alone first: the kernel rewrites the rest', () => {
    expect(restoreSteps(withChannels(before, 4, ALL), entry, ALL)).toEqual([
      expect.objectContaining({ kind: 'set-channels', old: 4, new: 2 }),
    ])
  })

  it('leaves out CPUs that went offline since, which the kernel would not keep', () => {
    const online = [0, 1, 2]
    const now = withChannels(before, 2, [0, 1])
    // Queue 1 had CPUs 2 and 3, of which 3 is gone.
    expect(written(now, online)).toContainEqual({ kind: 'set-xps', queue: 1, new: [2] })
    const after = {
      ...now,
      queues: before.queues.map((queue) => ({ ...queue, xps: queue.xps?.filter((cpu) => cpu !== 3) })),
    }
    expect(written(after, online)).toEqual([])
  })

  it('leaves alone what only offline CPUs had', () => {
    const now = withChannels(before, 2, [0, 1])
    const about = written(now, [0, 1]).filter(({ kind }) => kind !== 'set-channels')
    expect(about.length).toBeGreaterThan(0)
    expect(
      about.every((step) => 'new' in step && Array.isArray(step.new) && !step.new.some((cpu) => cpu > 1)),
    ).toBe(true)
    expect(about.some((step) => 'queue' in step && step.queue === 1)).toBe(false)
  })
})
