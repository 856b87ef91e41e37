/** The two goals of the loop: which NICs they mean, when they are reached, and what they leave in the ledger. */
import { describe, expect, it } from 'vitest'
import { DEFAULT_SETTINGS, type Settings } from '../../../src/config/settings'
import type { ObservedGuest, ObservedNic, RecordedValues } from '../../../src/model'
import {
  entryOf,
  type Ledger,
  type LedgerEntry,
  withHeld,
  withOriginals,
  withUnconfirmed,
} from '../../../src/planner/ledger'
import { observeGuest } from '../../../src/planner/observe'
import {
  applyOperation,
  exemptionsOf,
  observeAll,
  planRestore,
  restoreOperation,
  rollbackOperation,
} from '../../../src/planner/operations'
import type { System } from '../../../src/system/system'
import { recordValues } from '../../../src/tunables/engine'
import { capturedGuest, guestWith, withoutVectors } from '../../support/captured-guest'
import { guestOf, nicOf, withChannels, withSetting } from '../../support/simulated-kernel'

const ONLINE = [0, 1, 2, 3]
const AT = '2026-01-01T00:00:00Z'
const LATER = '2026-01-02T00:00:00Z'
const NONE: ReadonlySet<number> = new Set()
const EMPTY: Ledger = { version: 2, bootId: 'boot', entries: [] }
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

    expect(entryOf(boot.finish(held, GUEST, NONE, LATER), FIRST)?.held).toBe(true)
    const released = entryOf(administrator.finish(held, GUEST, NONE, LATER), FIRST)
    expect(released).toMatchObject({ original: recordValues(FIRST), applied: recordValues(FIRST) })
    expect(released).not.toHaveProperty('held')
    // One that could not be tuned stays held: the next unattended run must not try it again.
    expect(entryOf(administrator.finish(held, GUEST, new Set([2]), LATER), FIRST)?.held).toBe(true)
    expect(
      entryOf(tune({ respectHolds: false, nic: 'eth3' }).finish(held, GUEST, NONE, LATER), FIRST)?.held,
    ).toBe(true)
  })

  it('notes what the chosen NICs show as applied', () => {
    const done = tune({ respectHolds: true, nic: 'eth3' }).finish(RECORDED, GUEST, NONE, LATER)
    expect(entryOf(done, SECOND)).toMatchObject({ applied: recordValues(SECOND), at: LATER })
    expect(entryOf(done, FIRST)).toEqual(entryOf(RECORDED, FIRST))
  })

  it('asks ip only for rules that name NICs, and ethtool only where the answer matters', async () => {
    const observed = async (settings: Settings) => {
      const { system, calls } = capturedGuest('debian-6.12-4cpu-4q')
      await tune({ respectHolds: true }, settings, withoutVectors(system)).observe(new Map())
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

  it('leaves alone a NIC of whom ip does not tell whether a rule by name means it', async () => {
    const { system } = capturedGuest('renamed-altnames')
    const silent: System = Object.assign(Object.create(system), {
      run: async () => ({ code: 1, stdout: '', stderr: 'Cannot open netlink socket' }),
    })
    const rule = { match: { name: 'storage-*' }, settings: { enabled: false }, source: 'site.toml:1' }
    const settings = { ...DEFAULT_SETTINGS, rules: [rule] }
    const operation = tune({ respectHolds: true }, settings, silent)
    const { steps, skips } = operation.plan(await operation.observe(new Map()), EMPTY)
    expect(steps).toEqual([])
    expect(skips.map(({ nic, code }) => [nic, code])).toEqual([
      ['enp0s8', 'undecided-rule'],
      ['uplink0', 'undecided-rule'],
    ])
    expect(skips[0]?.why).toContain('the rule in site.toml:1')
    const answered = tune({ respectHolds: true }, settings, system)
    expect(answered.plan(await answered.observe(new Map()), EMPTY).skips).toMatchObject([
      { code: 'disabled' },
    ])
  })

  it('keeps the exemptions of its caller, and adds why a NIC is held', () => {
    const held = withHeld(withHeld(EMPTY, [FIRST], AT), [SECOND], AT, 'the carrier was lost')
    const given = new Map([['eth9', { code: 'yielded', why: 'x' }]] as const)
    const told = (respectHolds: boolean) => [
      ...exemptionsOf(GUEST, held, { respectHolds, exemptions: () => given }),
    ]
    expect(told(false)).toEqual([['eth9', { code: 'yielded', why: 'x' }]])
    expect(told(true)).toEqual([
      ['eth9', { code: 'yielded', why: 'x' }],
      ['eth2', { code: 'held', why: 'rolled back; vqtune apply eth2 resumes tuning' }],
      ['eth3', { code: 'held', why: 'reverted: the carrier was lost; vqtune apply eth3 resumes tuning' }],
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
    expect(goal().pending(RECORDED, now)).toBe(true)
    expect(goal('eth3').pending(RECORDED, now)).toBe(true)
    expect(goal('eth9').pending(RECORDED, now)).toBe(false)
    expect(goal().pending(withHeld(EMPTY, GUEST.nics, AT), now)).toBe(false)
    expect(goal().pending(withHeld(RECORDED, GUEST.nics, AT), now)).toBe(true)
    expect(goal().pending(EMPTY, now)).toBe(false)
  })

  it('holds each NIC before its first write, with its originals, and no other', () => {
    const prepared = rollbackOperation(HOST, undefined).prepare(RECORDED, now, [FIRST], LATER)
    expect(entryOf(prepared, FIRST)).toMatchObject({ held: true, original: recordValues(FIRST) })
    expect(entryOf(prepared, SECOND)).toEqual(entryOf(RECORDED, SECOND))
  })

  it('ends the window of a change only where it changes the channels: what cut the NIC off must be noticed', () => {
    const unconfirmed = {
      ...{ confirmed: recordValues(FIRST), carrier: true, until: LATER, untilMs: 1 },
      watcher: { pid: 7, startTicks: '1' },
    }
    const watched = withUnconfirmed(RECORDED, FIRST, unconfirmed)
    const rollback = rollbackOperation(HOST, 'eth2')
    // There are the original two already.
    const kept = entryOf(
      rollback.finish(rollback.prepare(watched, GUEST, [FIRST], LATER), GUEST, NONE, LATER),
      FIRST,
    )
    expect(kept).toMatchObject({ held: true, unconfirmed })
    expect(kept).not.toHaveProperty('original')
    // From four to two: until they are set, it may be killed.
    const begun = rollback.prepare(watched, now, [now.nics[0] ?? FIRST], LATER)
    expect(entryOf(begun, FIRST)).toMatchObject({ held: true, unconfirmed })
    expect(entryOf(rollback.finish(begun, now, new Set([2]), LATER), FIRST)).toMatchObject({ unconfirmed })
    const ended = entryOf(rollback.finish(begun, GUEST, NONE, LATER), FIRST)
    expect(ended).toMatchObject({ held: true })
    expect(ended).not.toHaveProperty('unconfirmed')
    // Originals without channels, which this version does not write: channels stay.
    const [entry] = watched.entries
    const odd = { ...watched, entries: [{ ...entry, original: {} } as LedgerEntry] }
    expect(entryOf(rollback.prepare(odd, GUEST, [FIRST], LATER), FIRST)).toMatchObject({ held: true })
  })

  it('uses up the originals of what it restored; what failed is held, and can be restored again', () => {
    const one = rollbackOperation(HOST, 'eth3').finish(RECORDED, GUEST, NONE, LATER)
    expect(entryOf(one, SECOND)).toEqual({
      ...{ virtio: 'virtio3', ifindex: 3, name: 'eth3', mac: SECOND.mac },
      ...{ at: LATER, held: true, firstSeen: recordValues(SECOND) },
    })
    expect(entryOf(one, FIRST)).toEqual(entryOf(RECORDED, FIRST))
    const both = rollbackOperation(HOST, undefined).finish(RECORDED, GUEST, new Set([2]), LATER)
    expect(entryOf(both, FIRST)).toMatchObject({ held: true, original: recordValues(FIRST) })
    expect(entryOf(both, SECOND)).not.toHaveProperty('original')
    expect(rollbackOperation(HOST, 'eth9').finish(RECORDED, GUEST, NONE, LATER)).toBe(RECORDED)
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

describe('returning to recorded values', () => {
  const four = withChannels(FIRST, 4, ONLINE)
  const request = { purpose: 'confirm', ifindex: 2, values: recordValues(FIRST), reason: 'why' }

  it('means the NIC with that index, whatever it is called, and no other', () => {
    const operation = restoreOperation(HOST, request)
    const renamed = guestOf(ONLINE, [{ ...four, name: 'lan0' }, withChannels(SECOND, 4, ONLINE)])
    expect(operation.plan(renamed, EMPTY).steps).toMatchObject([
      { nic: 'lan0', tunable: 'channels', new: '2' },
    ])
    expect(operation.plan(guestOf(ONLINE, [SECOND]), EMPTY)).toEqual({ steps: [], skips: [] })
  })

  it('leaves the ledger as it is', () => {
    const operation = restoreOperation(HOST, request)
    expect(operation.pending(RECORDED, GUEST)).toBe(false)
    expect(operation.prepare(RECORDED, GUEST, [FIRST], LATER)).toBe(RECORDED)
    expect(operation.finish(RECORDED, GUEST, NONE, LATER)).toBe(RECORDED)
  })

  it('skips channels that cannot be changed now, and restores the rest', () => {
    const obstacle = { code: 'af-xdp', why: 'an AF_XDP socket is bound' } as const
    const stuck = withSetting({ ...four, obstacle }, 'xps', 'queue 1', '0')
    expect(planRestore(stuck, recordValues(FIRST), ONLINE, 'why')).toMatchObject({
      steps: expect.arrayContaining([
        expect.objectContaining({ key: 'queue 1', tunable: 'xps', new: '2-3' }),
      ]),
      skips: [{ nic: 'eth2', tunable: 'channels', ...obstacle }],
    })
    expect(planRestore({ ...FIRST, obstacle }, recordValues(FIRST), ONLINE, 'why')).toEqual({
      steps: [],
      skips: [],
    })
  })
})

it('ring sizes are asked for only where a rule concerns them', async () => {
  const { system, calls } = capturedGuest('rhel9.6-4cpu-4q')
  const sizes = { rx: 256, rxMaximum: 256, tx: 256, txMaximum: 256 }
  const ruled = (value: string) => ({
    ...DEFAULT_SETTINGS,
    rules: [{ match: {}, settings: { switches: { 'tx-ring': value } }, source: 'test' }],
  })
  const asked = async (look: () => Promise<ObservedGuest>) => {
    calls.length = 0
    const { nics } = await look()
    return [nics.map(({ rings }) => rings), calls.filter((call) => call.includes(' -g ')).length]
  }
  for (const settings of [DEFAULT_SETTINGS, ruled('keep')]) {
    expect(await asked(() => observeGuest(system, observeAll(system, settings)))).toEqual([
      [undefined, undefined],
      0,
    ])
    const operation = applyOperation(system, settings, { respectHolds: true })
    expect(await asked(() => operation.observe(new Map()))).toEqual([[undefined, undefined], 0])
  }
  const applying = applyOperation(system, ruled('max'), { respectHolds: true })
  expect(await asked(() => applying.observe(new Map()))).toEqual([[sizes, sizes], 2])
})

it('ring sizes are asked for in a rollback only where they were recorded', async () => {
  const observed = await observeGuest(capturedGuest('rhel9.6-4cpu-4q').system, { rings: true })
  const [first, second] = observed.nics as [ObservedNic, ObservedNic]
  const { rings: _, ...without } = recordValues(second)
  const withRings = withOriginals({ ...EMPTY, bootId: '' }, observed, [first], AT)
  const ledger = {
    ...withRings,
    entries: [...withRings.entries, { ...withRings.entries[0], ...identity(second), original: without }],
  }
  const system = guestWith('rhel9.6-4cpu-4q', { 'run/vqtune/ledger.json': JSON.stringify(ledger) })
  const sizesOf = ({ nics }: ObservedGuest) => nics.map(({ rings }) => typeof rings)
  const rolling = rollbackOperation(system, undefined)
  expect(sizesOf(await rolling.observe(new Map()))).toEqual(['object', 'undefined'])
  const request = { purpose: 'test', ifindex: first.ifindex, reason: 'test' }
  const restoring = (values: RecordedValues) => restoreOperation(system, { ...request, values })
  expect(sizesOf(await restoring(recordValues(first)).observe(new Map()))).toEqual(['object', 'object'])
  expect(sizesOf(await restoring(without).observe(new Map()))).toEqual(['undefined', 'undefined'])
})

function identity({ virtio, ifindex, name, mac }: ObservedNic) {
  return { virtio, ifindex, name, mac }
}

it('looking at all asks for all', async () => {
  const { system, calls } = capturedGuest('rss')
  const { nics } = await observeGuest(system, observeAll(system, DEFAULT_SETTINGS))
  expect(nics).toMatchObject([{ channels: { current: 4, maximum: 4 }, rssTable: { spread: { equal: 4 } } }])
  expect(calls.sort()).toEqual(['ethtool -x enp0s8', 'ip -j -d link show'])
})
