/** What comes after a trial of rings, RPS and NAPI that was killed. */
import { describe, expect, it } from 'vitest'
import { DEFAULT_SETTINGS, type Settings } from '../../../src/config/settings'
import { ownProcess } from '../../../src/kernel/process-identity'
import type { ObservedNic } from '../../../src/model'
import { leftByTrials, needsRings } from '../../../src/planner/killed-trial'
import { entryOf, type Ledger, withHeld, withTrial } from '../../../src/planner/ledger'
import { applyOperation } from '../../../src/planner/operations'
import { openSystem } from '../../../src/system/system'
import { capturedGuest, guestWith } from '../../support/captured-guest'
import { guestOf, nicOf } from '../../support/simulated-kernel'

const ONLINE = [0, 1, 2, 3]
const AT = '2026-01-01T00:00:00Z'
const EMPTY: Ledger = { version: 2, bootId: 'boot', entries: [] }
/** No process has started before the kernel. */
const GONE = { pid: 1, startTicks: '-1' }
const { system } = capturedGuest('two-nics')

const withSettings = (tunable: string, values: Readonly<Record<string, string>>, nic: ObservedNic) => ({
  ...nic,
  settings: [
    ...nic.settings.filter((one) => one.tunable !== tunable),
    ...Object.entries(values).map(([key, value]) => ({ tunable, key, value, label: key, file: undefined })),
  ],
})
const tuned = nicOf({ ifindex: 2, maximum: 2 }, ONLINE)
const found = withSettings('rps', { 'queue 0': '', 'queue 1': '' }, tuned)
const left = withSettings('rps', { 'queue 0': '2', 'queue 1': '3' }, tuned)
const before = { values: { rps: { 'queue 0': '', 'queue 1': '' } }, by: GONE }
const tried = (by = GONE) => withTrial(EMPTY, guestOf(ONLINE, [found]), found, AT, { ...before, by })
const operation = (settings: Settings = DEFAULT_SETTINGS, respectHolds = true) =>
  applyOperation(system, settings, { respectHolds })
const ruled = (switches: Record<string, string | boolean>): Settings => ({
  ...DEFAULT_SETTINGS,
  rules: [{ match: {}, settings: { switches }, source: 'test' }],
})

describe('apply after a trial that was killed', () => {
  it('restores what the configuration leaves alone, and says no more of it then', () => {
    const { steps } = operation().plan(guestOf(ONLINE, [left]), tried())
    expect(
      steps.map(({ tunable, key, old, new: value, reason }) => [tunable, key, old, value, reason]),
    ).toEqual([
      ['rps', 'queue 0', '2', '', 'as it was before a trial that was killed'],
      ['rps', 'queue 1', '3', '', 'as it was before a trial that was killed'],
    ])
    const done = guestOf(ONLINE, [found])
    expect(operation().plan(done, tried()).steps).toEqual([])
    expect(operation().pending(tried(), done)).toBe(true)
    const ended = operation().finish(tried(), done, new Set(), AT)
    expect(entryOf(ended, found)).not.toHaveProperty('beforeTrial')
    expect(operation().pending(ended, done)).toBe(false)
    // What somebody sets by hand afterwards is theirs.
    expect(operation().plan(guestOf(ONLINE, [left]), ended).steps).toEqual([])
  })

  it('still has to where something could not be restored, or must not be for now', () => {
    const guest = guestOf(ONLINE, [left])
    expect(entryOf(operation().finish(tried(), guest, new Set([2]), AT), left)?.beforeTrial).toEqual(before)
    const exempt = applyOperation(system, DEFAULT_SETTINGS, {
      respectHolds: true,
      exemptions: () => new Map([['eth2', { code: 'yielded', why: 'x' }]]),
    })
    expect(exempt.plan(guest, tried()).steps).toEqual([])
    expect(exempt.pending(tried(), guest)).toBe(false)
    expect(entryOf(exempt.finish(tried(), guest, new Set(), AT), left)?.beforeTrial).toEqual(before)
  })

  it('leaves what the configuration asks for, and NICs that it disables, to the configuration', () => {
    const guest = guestOf(ONLINE, [left])
    const off = operation(ruled({ rps: 'off' })).plan(guest, tried()).steps
    expect(off.map(({ reason }) => reason)).not.toContain('as it was before a trial that was killed')
    const disabled = {
      ...DEFAULT_SETTINGS,
      rules: [{ match: {}, settings: { enabled: false }, source: 'x' }],
    }
    expect(operation(disabled).plan(guest, tried()).steps).toEqual([])
  })

  it('restores rings by the direction: the other one is configured', () => {
    const rings = { values: { rings: { rx: '256', tx: '256' } }, by: GONE }
    const small = withSettings('rings', { rx: '64', tx: '64' }, tuned)
    const ledger = withTrial(EMPTY, guestOf(ONLINE, [found]), found, AT, rings)
    const restored = operation(ruled({ 'tx-ring': 'max' }))
      .plan(guestOf(ONLINE, [small]), ledger)
      .steps.filter(({ reason }) => reason.includes('trial'))
    expect(restored.map(({ key, new: value }) => [key, value])).toEqual([['rx', '256']])
  })
})

it('a trial that runs restores itself, and one whose NIC was rolled back has nothing left', () => {
  expect(leftByTrials(tried(ownProcess(openSystem())))).toEqual(new Map())
  expect(leftByTrials(tried())).toEqual(new Map([[2, before.values]]))
  expect(leftByTrials(withHeld(tried(), [found], AT))).toEqual(new Map())
})

it('ring sizes are read where a killed trial varied them', () => {
  const guest = (values: object) =>
    guestWith('two-nics', {
      'run/vqtune/ledger.json': JSON.stringify({
        ...EMPTY,
        bootId: '',
        entries: [{ ...entryOf(tried(), found), beforeTrial: { values, by: GONE } }],
      }),
    })
  expect(needsRings(guest({ rings: { rx: '256' } }), [])).toBe(true)
  expect(needsRings(guest(before.values), [])).toBe(false)
  expect(needsRings(system, ruled({ 'rx-ring': 'max' }).rules)).toBe(true)
})
