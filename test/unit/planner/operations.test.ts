/** The two goals of the loop: which NICs they mean, when they are reached, and what they leave in the ledger. */
import { describe, expect, it } from 'vitest'
import { DEFAULT_SETTINGS, type Settings } from '../../../src/config/settings'
import { VqtuneError } from '../../../src/errors'
import type { ObservedGuest, ObservedNic } from '../../../src/model'
import { entryOf, type Ledger, valuesOf, withHeld, withOriginals } from '../../../src/planner/ledger'
import {
  applyOperation,
  exemptionsOf,
  findNic,
  OBSERVE_ALL,
  restoreSteps,
  rollbackOperation,
} from '../../../src/planner/operations'
import type { System } from '../../../src/system/system'
import { capturedGuest } from '../../support/captured-guest'
import { guestOf, nicOf, withChannels } from '../../support/simulated-kernel'

const ONLINE = [0, 1, 2, 3]
const AT = '2026-01-01T00:00:00Z'
const LATER = '2026-01-02T00:00:00Z'
const EMPTY: Ledger = { version: 1, bootId: 'boot', entries: [] }
const FIRST = nicOf({ ifindex: 2, maximum: 4, current: 2 }, ONLINE)
const SECOND = nicOf({ ifindex: 3, maximum: 4, current: 2 }, ONLINE)
const GUEST = guestOf(ONLINE, [FIRST, SECOND])
const RECORDED = withOriginals(EMPTY, GUEST, GUEST.nics, AT)
const { system: HOST } = capturedGuest('two-nics')

const tune = (
  options: Parameters<typeof applyOperation>[2],
  settings: Settings = DEFAULT_SETTINGS,
  system: System = HOST,
) => applyOperation(system, settings, options)

describe('tuning', () => {
  it('means all NICs, or the one that is named', () => {
    const planned = (nic?: string) => tune({ respectHolds: true, nic }).plan(GUEST, EMPTY)
    expect(planned().steps.map(({ nic }) => nic)).toEqual(['eth2', 'eth3'])
    expect(planned('eth3').steps.map(({ nic }) => nic)).toEqual(['eth3'])
    expect(planned('eth9')).toEqual({ steps: [], skips: [] })
    expect(tune({ respectHolds: true }).purpose).toBe('apply')
  })

  it('leaves a held NIC alone unless an administrator asks, who thereby ends it', () => {
    const held = withHeld(RECORDED, [FIRST], AT)
    const boot = tune({ respectHolds: true })
    expect(boot.plan(GUEST, held)).toMatchObject({
      steps: [{ nic: 'eth3' }],
      skips: [{ nic: 'eth2', tunable: undefined, code: 'held' }],
    })
    expect(boot.pending(held, GUEST)).toBe(false)
    const administrator = tune({ respectHolds: false })
    expect(administrator.plan(GUEST, held).steps.map(({ nic }) => nic)).toEqual(['eth2', 'eth3'])
    expect(administrator.pending(held, GUEST)).toBe(true)
    expect(administrator.pending(RECORDED, GUEST)).toBe(false)
    expect(tune({ respectHolds: false, nic: 'eth3' }).pending(held, GUEST)).toBe(false)

    expect(entryOf(boot.finish(held, GUEST, LATER), FIRST)?.held).toBe(true)
    expect(entryOf(administrator.finish(held, GUEST, LATER), FIRST)).toBeUndefined()
    expect(entryOf(tune({ respectHolds: false, nic: 'eth3' }).finish(held, GUEST, LATER), FIRST)?.held).toBe(
      true,
    )
  })

  it('notes what the chosen NICs show as applied', () => {
    const done = tune({ respectHolds: true, nic: 'eth3' }).finish(RECORDED, GUEST, LATER)
    expect(entryOf(done, SECOND)).toMatchObject({ applied: valuesOf(SECOND), at: LATER })
    expect(entryOf(done, FIRST)).toEqual(entryOf(RECORDED, FIRST))
  })

  it('asks ip only for rules that name NICs, and ethtool only where the answer matters', async () => {
    const observed = async (settings: Settings) => {
      const { system, calls } = capturedGuest('debian-6.12-4cpu-4q')
      await tune({ respectHolds: true }, settings, system).observe(new Map())
      return calls.map((call) => call.split(' ').slice(0, 2).join(' '))
    }
    const ruled = (match: object, channels: number): Settings => ({
      ...DEFAULT_SETTINGS,
      rules: [{ mac: '*' }, match].map((match) => ({ match, settings: { channels }, source: '' })),
    })
    expect(await observed(ruled({ mac: '*' }, 4))).toEqual([])
    expect(await observed(ruled({ name: '*' }, 4))).toEqual(['ip -j'])
    expect(await observed(ruled({ mac: '*' }, 1))).toEqual(['ethtool -l'])
    const all = await tune({ respectHolds: true }).observe(new Map())
    const known = new Map(all.nics.map((nic) => [nic.ifindex, 7]))
    const again = await tune({ respectHolds: true }, ruled({ mac: '*' }, 1)).observe(known)
    expect(again.nics.map((nic) => nic.channels.maximum)).toEqual(all.nics.map(() => 7))
  })

  it('keeps the exemptions of its caller, and adds why a NIC is held', () => {
    const held = withHeld(withHeld(EMPTY, [FIRST], AT), [SECOND], AT, 'the carrier was lost')
    const given = new Map([['eth9', { code: 'yielded', why: 'x' }]] as const)
    const told = (respectHolds: boolean) => [
      ...exemptionsOf(GUEST, held, { respectHolds, exemptions: given }),
    ]
    expect(told(false)).toEqual([['eth9', { code: 'yielded', why: 'x' }]])
    expect(told(true)).toEqual([
      ['eth9', { code: 'yielded', why: 'x' }],
      ['eth2', { code: 'held', why: 'rolled back; vqtune apply eth2 tunes it again' }],
      ['eth3', { code: 'held', why: 'put back: the carrier was lost; vqtune apply eth3 tunes it again' }],
    ])
    expect([...exemptionsOf(GUEST, RECORDED, { respectHolds: true })]).toEqual([])
  })
})

describe('rolling back', () => {
  const now = guestOf(
    ONLINE,
    GUEST.nics.map((nic) => withChannels(nic, 4, ONLINE)),
  )

  it('means every NIC with originals, or the one that is named, and is pending while there is one', () => {
    const goal = (nic?: string) => rollbackOperation(HOST, nic)
    const nicsOf = (nic?: string) =>
      goal(nic)
        .plan(now, RECORDED)
        .steps.map((step) => step.nic)
    expect(nicsOf()).toEqual(['eth2', 'eth3'])
    expect(nicsOf('eth3')).toEqual(['eth3'])
    expect(goal().plan(now, RECORDED).skips).toEqual([])
    expect(goal().purpose).toBe('rollback')
    expect(goal().pending(RECORDED, now)).toBe(true)
    expect(goal('eth3').pending(RECORDED, now)).toBe(true)
    expect(goal('eth9').pending(RECORDED, now)).toBe(false)
    expect(goal().pending(withHeld(EMPTY, GUEST.nics, AT), now)).toBe(false)
    expect(goal().pending(EMPTY, now)).toBe(false)
  })

  it('holds what it restored, and nothing else', () => {
    const one = rollbackOperation(HOST, 'eth3').finish(RECORDED, GUEST, LATER)
    expect(entryOf(one, SECOND)).toEqual({
      ...{ virtio: 'virtio3', ifindex: 3, name: 'eth3', mac: SECOND.mac },
      ...{ at: LATER, held: true },
    })
    expect(entryOf(one, FIRST)).toEqual(entryOf(RECORDED, FIRST))
    expect(rollbackOperation(HOST, 'eth9').finish(RECORDED, GUEST, LATER)).toBe(RECORDED)
  })

  it('asks no program', async () => {
    const { system, calls } = capturedGuest('two-nics')
    const { nics } = await rollbackOperation(system, undefined).observe(new Map())
    expect(nics.length).toBeGreaterThan(1)
    expect(calls).toEqual([])
    const known = new Map(nics.map((nic) => [nic.ifindex, 7]))
    const again = await rollbackOperation(system, undefined).observe(known)
    expect(again.nics.map((nic) => nic.channels.maximum)).toEqual(nics.map(() => 7))
  })
})

describe('steps back to the originals', () => {
  const original = nicOf({ ifindex: 2, maximum: 4, current: 2 }, ONLINE)
  const entry = (nic: ObservedNic) => ({
    ...{ virtio: 'virtio2', ifindex: 2, name: 'eth2', mac: '', at: '' },
    original: valuesOf(nic),
  })
  const changed: ObservedNic = {
    ...original,
    queues: original.queues.map((queue) => ({
      ...queue,
      xps: [0],
      rxIrq: queue.rxIrq === undefined ? undefined : { ...queue.rxIrq, affinity: [0] },
    })),
  }
  const reason = 'as it was before vqtune'

  it('are channels alone while those differ', () => {
    expect(restoreSteps(withChannels(original, 4, ONLINE), entry(original), ONLINE)).toEqual([
      { kind: 'set-channels', nic: 'eth2', old: 4, new: 2, reason },
    ])
  })

  it('are then one for each interrupt and mask that differs', () => {
    expect(restoreSteps(original, entry(original), ONLINE)).toEqual([])
    expect(restoreSteps(changed, entry(original), ONLINE)).toEqual(
      [
        { queue: 0, irq: 2000, cpus: [0, 1] },
        { queue: 1, irq: 2002, cpus: [2, 3] },
      ].flatMap(({ queue, irq, cpus }) => [
        { kind: 'set-irq-affinity', nic: 'eth2', queue, direction: 'rx', irq, old: [0], new: cpus, reason },
        { kind: 'set-xps', nic: 'eth2', queue, old: [0], new: cpus, reason },
      ]),
    )
  })

  it('leave alone what was not recorded, has no setting, or had only CPUs that are offline now', () => {
    const { original: _, ...bare } = entry(original)
    expect(restoreSteps(changed, bare, ONLINE)).toEqual([])
    const without = {
      ...entry(original),
      original: { channels: 2, queues: [] },
    }
    expect(restoreSteps(changed, without, ONLINE)).toEqual([])
    const mute: ObservedNic = {
      ...changed,
      queues: changed.queues.map(({ index, rps }) => ({
        ...{ index, rps, rxIrq: undefined, txIrq: undefined, xps: undefined },
      })),
    }
    expect(restoreSteps(mute, entry(original), ONLINE)).toEqual([])
    // CPUs 2 and 3 of queue 1 are gone.
    expect(
      restoreSteps(changed, entry(original), [0, 1]).map((step) => 'queue' in step && step.queue),
    ).toEqual([0, 0])
  })

  it('clear an XPS mask that was empty, and give no interrupt an empty one', () => {
    const empty: ObservedNic = {
      ...original,
      queues: original.queues.map((queue) => ({
        ...queue,
        xps: [],
        rxIrq: queue.rxIrq === undefined ? undefined : { ...queue.rxIrq, affinity: [] },
      })),
    }
    expect(restoreSteps(changed, entry(empty), ONLINE)).toEqual(
      [0, 1].map((queue) => ({ kind: 'set-xps', nic: 'eth2', queue, old: [0], new: [], reason })),
    )
  })

  it('compare only what is online on both sides', () => {
    const before = { ...original, queues: original.queues.slice(0, 1) }
    const wide: ObservedNic = {
      ...before,
      queues: before.queues.map((queue) => ({ ...queue, xps: [0, 1, 3] })),
    }
    expect(restoreSteps(wide, entry(before), [0, 1])).toEqual([])
    expect(restoreSteps(wide, entry(before), [0, 1, 3])).toHaveLength(1)
    const single = { ...before, queues: before.queues.map((queue) => ({ ...queue, xps: [3] })) }
    expect(restoreSteps(before, entry(single), [0, 1, 2])).toEqual([])
  })
})

describe('the NIC that a user named', () => {
  const guest: ObservedGuest = {
    ...guestOf(ONLINE, [{ ...FIRST, altnames: ['enp1s0', 'wan'] }, SECOND]),
    ignored: [{ name: 'bond0', kind: 'bond-master', why: 'it has no queues of its own' }],
  }
  const problem = (name: string, of = guest): VqtuneError => {
    try {
      findNic(of, name)
    } catch (error) {
      if (error instanceof VqtuneError) return error
    }
    throw new Error(`${name} was found`)
  }

  it('is found by interface name, virtio name and altname', () => {
    for (const name of ['eth2', 'virtio2', 'enp1s0', 'wan']) expect(findNic(guest, name).ifindex).toBe(2)
    for (const name of ['eth3', 'virtio3']) expect(findNic(guest, name).ifindex).toBe(3)
  })

  it('is explained when it is none', () => {
    expect(problem('bond0')).toMatchObject({
      kind: 'usage',
      message: 'bond0 is not tuned: it has no queues of its own',
    })
    expect(problem('eth9')).toMatchObject({
      kind: 'usage',
      message: 'eth9: no such virtio-net NIC; there are eth2, eth3',
    })
    expect(problem('eth9', guestOf(ONLINE, [])).message).toBe(
      'eth9: no such virtio-net NIC; this guest has none',
    )
  })
})

it('looking at all asks for all', () => {
  expect(OBSERVE_ALL).toMatchObject({ links: true, rss: true })
  expect(OBSERVE_ALL.needsMaximum?.(FIRST, GUEST)).toBe(true)
})
