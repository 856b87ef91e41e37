import { describe, expect, test } from 'vitest'
import { DEFAULT_SETTINGS, NIC_KEYS, nicOrigin, nicSettings, rulesFor } from '../../../src/config/settings'

const ETH0 = {
  name: 'eth0',
  altnames: [],
  mac: '52:54:00:ab:cd:01',
  busAddress: '0000:00:03.0',
  virtio: 'virtio2',
}
const ETH1 = { ...ETH0, name: 'eth1', virtio: 'virtio3' }
const RULES = {
  rules: [
    { match: {}, settings: { cap: 4, switches: { xps: false, rps: 'off' } }, source: 'a:1' },
    { match: { name: 'eth0' }, settings: { cap: undefined, switches: { rps: 'spread' } }, source: 'a:5' },
    { match: { virtio: 'virtio3' }, settings: { enabled: false }, source: 'b:1' },
  ],
}

describe('the settings of a NIC', () => {
  test('without rules are to tune it, to as many channels as there can be', () => {
    expect(nicSettings(DEFAULT_SETTINGS, ETH0)).toMatchObject({
      ...{ enabled: true, cap: undefined, channels: undefined, onConflict: 'reassert' },
      switches: { xps: true, affinity: true, rps: 'keep', 'rx-ring': 'keep' },
    })
  })

  test('are of every rule that matches, the last one first, key by key', () => {
    expect(rulesFor(RULES, ETH0).map(({ source }) => source)).toEqual(['a:1', 'a:5'])
    expect(nicSettings(RULES, ETH0)).toMatchObject({
      ...{ enabled: true, cap: undefined },
      switches: { xps: false, rps: 'spread', affinity: true },
    })
    expect(nicSettings(RULES, ETH1)).toMatchObject({
      ...{ enabled: false, cap: 4 },
      switches: { xps: false, rps: 'off' },
    })
  })

  test('of one NIC do not get into those of the next', () => {
    nicSettings(RULES, ETH0)
    expect(nicSettings({ rules: [] }, ETH0).switches).toMatchObject({ xps: true, rps: 'keep' })
  })
})

describe('where a value comes from', () => {
  test.each([
    ['cap', 'a:5', 'a:1'],
    ['rps', 'a:5', 'a:1'],
    ['xps', 'a:1', 'a:1'],
    ['enabled', 'built-in', 'b:1'],
    ['on-conflict', 'built-in', 'built-in'],
    ['no-such-key', 'built-in', 'built-in'],
  ])('%s', (key, ofEth0, ofEth1) => {
    expect([nicOrigin(RULES, ETH0, key), nicOrigin(RULES, ETH1, key)]).toEqual([ofEth0, ofEth1])
  })
})

test('a key of a NIC reads its value, and tells a value that was taken back from one that is not given', () => {
  const keyOf = (name: string) => NIC_KEYS.find(({ key }) => key === name)
  const taken = { cap: undefined, onConflict: 'yield', switches: { rps: 'off' } } as const
  const read = ['cap', 'channels', 'on-conflict', 'rps', 'xps'].map((name) => [
    keyOf(name)?.valueIn(taken),
    keyOf(name)?.isGiven(taken),
    keyOf(name)?.none,
  ])
  expect(read).toEqual([
    [undefined, true, 'none'],
    [undefined, false, 'auto'],
    ['yield', true, ''],
    ['off', true, ''],
    [undefined, false, ''],
  ])
  expect(keyOf('rps')?.isGiven({})).toBe(false)
})
