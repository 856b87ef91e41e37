import { expect, it } from 'vitest'
import { DEFAULT_SETTINGS, type Settings } from '../../../src/config/settings'
import { suspensionsOf } from '../../../src/daemon/suspensions'
import type { ConflictPolicy } from '../../../src/model'
import { guestOf, nicOf } from '../../support/simulated-kernel'
import { systemWith } from '../../support/systems'

const ONLINE = [0, 1]
const GUEST = guestOf(ONLINE, [nicOf({ ifindex: 2, maximum: 2 }, ONLINE)])
const CLOCK = { wall: () => 0, uptime: () => 60_000 }
const ruled = (onConflict: ConflictPolicy): Settings => ({
  ...DEFAULT_SETTINGS,
  rules: [{ match: {}, settings: { onConflict }, source: 'test' }],
})
/** As a daemon has written it; 3, 600 and 3600 are the limits of the configuration. */
const STATE = {
  ...{ version: 3, at: '2026-01-01T00:00:00Z', last: { bootId: 'boot', online: '0-1', nics: [] } },
  conflicts: [
    {
      ...{ ifindex: 2, reversals: [], backoffs: 0, suspended: 'yielded', otherWriter: 'tuned' },
      ...{ sinceMs: 50_000, policy: 'yield 3 600 3600' },
    },
  ],
}
const ledger = (resumedMs: number) => ({
  ...{ version: 2, bootId: 'boot' },
  entries: [{ virtio: 'virtio2', ifindex: 2, name: 'eth2', mac: '52:54:00:00:00:02', at: 'T', resumedMs }],
})
const suspended = (files: Readonly<Record<string, object | string>>, settings = ruled('yield')) => {
  const texts = Object.entries(files).map(([name, value]) => [
    `/run/vqtune/${name}`,
    typeof value === 'string' ? value : JSON.stringify(value),
  ])
  return [...suspensionsOf(systemWith(Object.fromEntries(texts)), settings, GUEST, CLOCK)]
}
const EXEMPT = ['eth2', { code: 'yielded', why: 'changed by tuned: suspended by on-conflict' }]

it('are those in the state of the daemon, whether or not it runs', () => {
  expect(suspended({ 'daemon.json': STATE })).toEqual([EXEMPT])
})

it('are none without a state, with one of another boot, and with one that cannot be used', () => {
  expect(suspended({})).toEqual([])
  expect(suspended({ 'daemon.json': { ...STATE, last: { ...STATE.last, bootId: 'another' } } })).toEqual([])
  expect(suspended({ 'daemon.json': '{' })).toEqual([])
})

it('are none that came from another policy', () => {
  expect(suspended({ 'daemon.json': STATE }, ruled('reassert'))).toEqual([])
})

it('are none that an apply has ended since', () => {
  expect(suspended({ 'daemon.json': STATE, 'ledger.json': ledger(49_000) })).toEqual([EXEMPT])
  expect(suspended({ 'daemon.json': STATE, 'ledger.json': ledger(51_000) })).toEqual([])
})
