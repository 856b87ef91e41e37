import { describe, expect, it } from 'vitest'
import { describeSize, type Switch, switchesOf } from '../../../src/tunables/tunable'

describe('the keys of a tunable', () => {
  const one: Switch = { key: 'a', values: 'boolean', default: true, help: '' }
  const two: Switch = { ...one, key: 'b' }

  it('are its own first, then the further ones', () => {
    expect(switchesOf({ switch: one, furtherSwitches: [two] })).toEqual([one, two])
    expect(switchesOf({ switch: one })).toEqual([one])
  })

  it('are none where it has none of its own, as of channels', () => {
    expect(switchesOf({})).toEqual([])
    expect(switchesOf({ furtherSwitches: [two] })).toEqual([])
  })
})

it('a size is told with its range', () => {
  expect(describeSize({ least: 64, most: 32_768 })).toBe('a power of two, 64 to 32768')
})
