import { describe, expect, it } from 'vitest'
import type { ObservedNic, ObservedSetting } from '../../../src/model'
import { CPUS } from '../../../src/tunables/codecs'
import { erased } from '../../../src/tunables/erased'
import type { Desire, Tunable } from '../../../src/tunables/tunable'
import { contextOf, desired, NIC, ONLINE, writingSystem } from '../../support/nic-context'

const written: [string, readonly number[]][] = []
/** CPU lists without anything special, desired as the test says. */
const tunable = (
  desire: Desire<readonly number[]> = { wanted: [], skips: [] },
  more: Partial<Tunable<readonly number[]>> = {},
): Tunable<readonly number[]> => ({
  name: 'xps',
  noun: 'mask',
  codec: CPUS,
  read: () => [
    { key: 'a', value: [0, 1], label: 'A', file: '/a' },
    { key: 'b', value: [], label: 'B' },
  ],
  desire: () => desire,
  write: (_, { key }, value) => void written.push([key, value]),
  ...more,
})
const setting = (key: string, value: string): ObservedSetting => ({
  ...{ tunable: 'xps', key, value, label: key.toUpperCase(), file: `/${key}` },
})
const nicWith = (...settings: ObservedSetting[]): ObservedNic => ({ ...NIC, settings })
const nic = nicWith(setting('a', '0-1'), setting('b', '3'), { ...setting('a', '2'), tunable: 'rps' })
const plan = (desire: Desire<readonly number[]>, of = nic) =>
  erased(tunable(desire)).plan(contextOf(of, desired(4)))

describe('reading', () => {
  it('gives values as text, with the name of the tunable', () => {
    expect(erased(tunable()).read(writingSystem().system, NIC)).toEqual([
      { tunable: 'xps', key: 'a', value: '0-1', label: 'A', file: '/a' },
      { tunable: 'xps', key: 'b', value: '', label: 'B', file: undefined },
    ])
  })

  it('tells values from other text', () => {
    const { isValue } = erased(tunable())
    expect(['0-3,8', '', '3-1', 'x'].map(isValue)).toEqual([true, true, false, false])
  })
})

describe('planning', () => {
  it('has a step for each wanted value that is not there, of its own settings only', () => {
    const { steps, skips, notes } = plan({
      wanted: [
        { key: 'a', value: [0, 1], reason: 'same' },
        { key: 'b', value: [2], reason: 'why' },
        { key: 'c', value: [2], reason: 'no such setting' },
      ],
      skips: [],
    })
    expect(steps).toEqual([
      {
        ...{ tunable: 'xps', nic: 'eth2', ifindex: 2, key: 'b', label: 'B', file: '/b' },
        ...{ old: '3', new: '2', reason: 'why' },
      },
    ])
    expect([skips, notes]).toEqual([[], []])
  })

  it('leaves alone what the desire accepts, even if it would write another value', () => {
    const accepts = (now: readonly number[]) => now.includes(3)
    const wanted = [
      { key: 'a', value: [3], accepts, reason: 'why' },
      { key: 'b', value: [2], accepts, reason: 'why' },
    ]
    expect(plan({ wanted, skips: [] }).steps.map(({ key, new: value }) => [key, value])).toEqual([['a', '3']])
  })

  it('leaves a setting alone whose text is no value', () => {
    const wanted = [{ key: 'a', value: [3], reason: 'why' }]
    expect(plan({ wanted, skips: [] }, nicWith(setting('a', 'nonsense'))).steps).toEqual([])
  })

  it('hands on skips and notes, with NIC and tunable', () => {
    const { skips, notes } = plan({
      wanted: [],
      skips: [{ code: 'no-xps', why: 'none' }],
      notes: ['something'],
    })
    expect(skips).toEqual([{ nic: 'eth2', tunable: 'xps', code: 'no-xps', why: 'none' }])
    expect(notes).toEqual(['something'])
  })
})

describe('restoring', () => {
  const restored = (now: string, recorded: string, online: readonly number[] = ONLINE, of = tunable()) =>
    erased(of).restore(NIC, setting('a', now), recorded, online, 'why')?.new

  it.each([
    ['what was recorded', '3', '0-1', ONLINE, '0-1'],
    ['nothing, as it is there', '0-1', '0,1', ONLINE, undefined],
    ['nothing, as it is no value', '3', 'nonsense', ONLINE, undefined],
    ['a value in place of what is none', 'nonsense', '0', ONLINE, '0'],
    ['CPUs that are still online', '3', '0-1', [1, 2, 3], '1'],
    ['nothing, as none of them is online', '3', '0-1', [2, 3], undefined],
    ['nothing, as only an offline CPU differs', '1', '0-1', [1, 2, 3], undefined],
    ['nothing, as only an offline CPU is too many', '0-1', '1', [1, 2, 3], undefined],
    ['an empty value', '3', '', ONLINE, ''],
  ])('writes %s', (_, now, recorded, online, expected) => {
    expect(restored(now, recorded, online)).toBe(expected)
  })

  it('has a step with the text as it is now', () => {
    expect(erased(tunable()).restore(NIC, setting('a', '2,3'), '0', ONLINE, 'why')).toEqual({
      ...{ tunable: 'xps', nic: 'eth2', ifindex: 2, key: 'a', label: 'A', file: '/a' },
      ...{ old: '2,3', new: '0', reason: 'why' },
    })
  })

  it('never replaces what is of somebody else', () => {
    const guarded = tunable(undefined, { isForeign: (now) => now.includes(3) })
    expect(restored('3', '0', ONLINE, guarded)).toBeUndefined()
    expect(restored('2', '0', ONLINE, guarded)).toBe('0')
  })
})

describe('writing', () => {
  const step = { ...setting('a', ''), nic: 'eth2', ifindex: 2, old: '', reason: 'why' }

  it('hands the value of the step on, and refuses what is none', () => {
    const { write } = erased(tunable())
    const { system } = writingSystem()
    void write(system, { ...step, new: '0-2' })
    expect(written).toEqual([['a', [0, 1, 2]]])
    expect(() => write(system, { ...step, new: '3-1' })).toThrow('xps: 3-1 is not a value')
    expect(written).toHaveLength(1)
  })
})
