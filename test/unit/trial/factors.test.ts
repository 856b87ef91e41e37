import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { COMMANDS } from '../../../src/commands/registry'
import { DEFAULT_SETTINGS } from '../../../src/config/settings'
import type { ObservedNic, Rings } from '../../../src/model'
import { observeAll } from '../../../src/planner/operations'
import { planGuest } from '../../../src/planner/plan'
import {
  armsOf,
  CHANNELS,
  FACTOR_NAMES,
  isVaried,
  parseFactors,
  switchesToObserve,
  withArm,
} from '../../../src/trial/factors'
import { erased } from '../../../src/tunables/erased'
import { rings } from '../../../src/tunables/rings'
import { capturedGuest } from '../../support/captured-guest'
import { writingSystem } from '../../support/nic-context'
import { guestOf, nicOf } from '../../support/simulated-kernel'

const ONLINE = [0, 1, 2, 3]
/** Two queue pairs for four vCPUs. */
const LIMITED = nicOf({ ifindex: 2, maximum: 2 }, ONLINE)
const FULL = nicOf({ ifindex: 2, maximum: 4 }, ONLINE)
const setting = (tunable: string, key: string, value: string) =>
  ({ tunable, key, value, label: key, file: '/x' }) as ObservedNic['settings'][number]
const withRps = (nic: ObservedNic, ...masks: string[]): ObservedNic => ({
  ...nic,
  settings: [...nic.settings, ...masks.map((mask, queue) => setting('rps', `queue ${queue}`, mask))],
})
const withNapi = (nic: ObservedNic, mode: string): ObservedNic => ({
  ...nic,
  settings: [...nic.settings, setting('threaded-napi', 'threaded', mode)],
})
const withRfs = (nic: ObservedNic, ...tables: string[]): ObservedNic => ({
  ...nic,
  settings: [...nic.settings, ...tables.map((size, queue) => setting('rfs', `queue ${queue}`, size))],
})
function withRings(nic: ObservedNic, sizes: Rings, ringReset = true): ObservedNic {
  const sized = { ...nic, features: { ...nic.features, ringReset }, rings: sizes }
  return { ...sized, settings: [...nic.settings, ...erased(rings).read(writingSystem().system, sized)] }
}
const arms = (nic: ObservedNic, names: string[], counts = [nic.channels.current], flowEntries = 32_768) =>
  armsOf({ ...guestOf(ONLINE, [nic]), flowEntries }, DEFAULT_SETTINGS, nic, names, counts)

describe('what a trial varies', () => {
  it('is channels, unless --vary names others; the help lists all', () => {
    expect(parseFactors('rps,channels,rps')).toEqual(['rps', 'channels'])
    const { summary } = COMMANDS.find(({ words }) => words[0] === 'trial')?.options?.vary ?? { summary: '' }
    expect(summary).toContain(`: ${FACTOR_NAMES.join(', ')} (`)
    for (const text of ['', 'rps,', 'irq-affinity', 'rx-ring', 'constructor']) {
      expect(() => parseFactors(text)).toThrow(`expected some of ${FACTOR_NAMES.join(',')}`)
    }
  })

  it('can all be chosen on the page in Cockpit', () => {
    const [, list = ''] =
      /const FACTORS = \[([\s\S]*?)\] as const/.exec(
        readFileSync('packaging/cockpit/src/views/trial.tsx', 'utf8'),
      ) ?? []
    const names = [...list.matchAll(/name: (?:'([\w-]+)'|CHANNELS)/g)].map(([, name]) => name ?? CHANNELS)
    expect(names).toEqual(FACTOR_NAMES)
  })

  it('channels alone: each count, and nothing else is fixed', () => {
    expect(arms(FULL, ['channels'], [1, 4])).toEqual({
      present: { channels: 4, switches: {} },
      all: [
        { channels: 1, switches: {} },
        { channels: 4, switches: {} },
      ],
    })
  })

  it('several: every combination, the present one first among those of a count', () => {
    const nic = withNapi(withRps(LIMITED, '', ''), 'on')
    const { present, all } = arms(nic, ['channels', 'threaded-napi', 'rps'], [1, 2])
    expect(present).toEqual({ channels: 2, switches: { rps: 'off', 'threaded-napi': 'on' } })
    expect(all).toHaveLength(8)
    expect(all).toContainEqual(present)
    expect(all[0]).toEqual({ channels: 1, switches: { rps: 'off', 'threaded-napi': 'on' } })
    expect(new Set(all.map((arm) => JSON.stringify(arm))).size).toBe(8)
  })

  it('more than eight are refused before anything is measured', () => {
    const nic = withNapi(withRps(LIMITED, '', ''), 'off')
    expect(() => arms(nic, ['channels', 'threaded-napi', 'rps'], [1, 2, 3])).toThrow(
      'trial: 12 combinations of channels, threaded-napi, rps: at most 8 can be compared',
    )
  })
})

describe('the values that are compared', () => {
  it('of ring sizes: those that there are, and the most that the host allows', () => {
    const nic = withRings(FULL, { rx: 256, rxMaximum: 1024, tx: 128, txMaximum: 256 })
    expect(arms(nic, ['rings']).all.map(({ switches }) => switches)).toEqual([
      { 'rx-ring': 256, 'tx-ring': 128 },
      { 'rx-ring': 'max', 'tx-ring': 'max' },
    ])
    expect(arms(nic, ['rings']).present.switches).toEqual({ 'rx-ring': 256, 'tx-ring': 128 })
  })

  it('that are already all the same are nothing to compare', () => {
    const most = withRings(FULL, { rx: 256, rxMaximum: 256, tx: 256, txMaximum: 256 })
    expect(() => arms(most, ['rings'])).toThrow('eth2: rings: nothing to compare')
    // A queue for each vCPU: nothing is left to spread to.
    expect(() => arms(withRps(FULL, '', '', '', ''), ['rps'])).toThrow(
      'rps: nothing to compare, the NIC has what each of rps spread, rps off would give',
    )
  })

  it('must contain what the NIC has, or it could not be put back by name', () => {
    expect(() => arms(withRps(LIMITED, '0', ''), ['rps'])).toThrow('eth2: rps: what the NIC has is none of')
    expect(() => arms(withNapi(LIMITED, 'busy-poll'), ['threaded-napi'])).toThrow('was set by hand')
  })

  it('of RFS: the share of the table, and none; without the table its reason says who makes one', () => {
    const nic = withRps(withRfs(LIMITED, '0', '0'), '', '')
    expect(arms(nic, ['rfs'])).toEqual({
      present: { channels: 2, switches: { rfs: 'off' } },
      all: [
        { channels: 2, switches: { rfs: 'off' } },
        { channels: 2, switches: { rfs: 'spread' } },
      ],
    })
    expect(arms(nic, ['rps', 'rfs']).all).toHaveLength(4)
    expect(() => arms(nic, ['rfs'], [2], 0)).toThrow(
      'eth2: rfs: net.core.rps_sock_flow_entries is 0, so RFS does nothing',
    )
  })

  it('must be possible here: the reason is that of the plan', () => {
    const sizes = { rx: 256, rxMaximum: 1024, tx: 256, txMaximum: 256 }
    expect(() => arms(withRings(FULL, sizes, false), ['rings'])).toThrow('VIRTIO_F_RING_RESET')
    expect(() => arms(FULL, ['rings'])).toThrow('eth2: rings: ')
    expect(() => arms(FULL, ['threaded-napi'])).toThrow('this kernel has no threaded NAPI')
  })
})

describe('an arm', () => {
  it('beats every rule, and asks for what is to be observed', () => {
    const rule = { match: {}, settings: { enabled: false, cap: 1, switches: { rps: 'off' } }, source: 'x' }
    const settings = { ...DEFAULT_SETTINGS, rules: [rule] }
    const nic = withRps(LIMITED, '', '')
    const arm = { channels: 2, switches: { rps: 'spread' } }
    const [plan] = planGuest(guestOf(ONLINE, [nic]), withArm(settings, nic, arm))
    expect(plan?.desired.target).toBe(2)
    expect(plan?.plan.steps.map(({ tunable, new: value }) => [tunable, value])).toEqual([
      ['rps', '1'],
      ['rps', '3'],
    ])
    const asked = (names: string[]) => {
      const rule = { match: {}, settings: { switches: switchesToObserve(names) }, source: '' }
      return observeAll(capturedGuest('two-nics').system, { rules: [rule] }).rings
    }
    expect(asked(['rings'])).toBe(true)
    expect(asked(['channels', 'rps'])).toBe(false)
  })

  it('concerns the tunables whose keys it has', () => {
    const arm = { channels: 2, switches: { 'rx-ring': 256, 'tx-ring': 256 } }
    expect(['rings', 'rps', 'channels', 'unknown'].map((name) => isVaried(name, arm))).toEqual([
      true,
      false,
      false,
      false,
    ])
  })
})
