import { describe, expect, it } from 'vitest'
import { allowedForNic, FRAGMENT, grammarKeys, keysKnownAt, loopbackPort } from '../../../src/config/grammar'

const accepts = (document: unknown) => FRAGMENT.safeParse(document).success

describe('values at the ends of their range', () => {
  it.each([
    ['boot', 'wait-ms', 0, 60_000],
    ['boot', 'limit-ms', 1_000, 25_000],
    ['daemon', 'jitter-seconds', 0, 3_600],
    ['daemon', 'debounce-ms', 10, 60_000],
    ['daemon', 'conflict-reversals', 1, 1_000],
    ['daemon', 'conflict-window-seconds', 1, 86_400],
    ['daemon', 'conflict-backoff-seconds', 1, 86_400],
    ['daemon', 'history-size-kib', 16, 65_536],
    ['guard', 'window-seconds', 5, 3_600],
    ['guard', 'regression-percent', 1, 99],
    ['guard', 'commit-confirm-seconds', 0, 600],
    ['defaults', 'cap', 1, 256],
    ['defaults', 'channels', 1, 256],
  ])('%s.%s is %i to %i', (table, key, low, high) => {
    const taken = [low - 1, low, high, high + 1, low + 0.5].map((value) =>
      accepts({ [table]: { [key]: value } }),
    )
    expect(taken).toEqual([false, true, true, false, false])
  })
})

describe('values of each kind', () => {
  it.each([
    ['a word', { 'isolated-cpus': 'use' }, { 'isolated-cpus': 'both' }],
    ['a switch', { defaults: { xps: false } }, { defaults: { xps: 'off' } }],
    ['a word of a tunable', { defaults: { rps: 'spread' } }, { defaults: { rps: 'on' } }],
    ['a size', { defaults: { 'rx-ring': 64 } }, { defaults: { 'rx-ring': 96 } }],
    ['a size in a word', { defaults: { 'rx-ring': 'max' } }, { defaults: { 'rx-ring': 'min' } }],
    ['a number or a word', { defaults: { cap: 'none' } }, { defaults: { cap: 'auto' } }],
    ['names with commas', { guard: { watch: 'channels,rings' } }, { guard: { watch: 'channels, rings' } }],
    ['names that can be watched', { guard: { watch: 'rps' } }, { guard: { watch: 'xps' } }],
    ['a path', { metrics: { textfile: '/a/b.prom' } }, { metrics: { textfile: '/a/../b.prom' } }],
    ['a path with a name', { metrics: { textfile: '/a.prom' } }, { metrics: { textfile: '/a/.prom' } }],
    ['a path in one line', { metrics: { textfile: 'none' } }, { metrics: { textfile: '/a\nb.prom' } }],
    ['a glob', { nic: [{ match: { name: 'e[a-z]*' } }] }, { nic: [{ match: { name: 'e[' } }] }],
    [
      'a glob of 128 characters',
      { nic: [{ match: { name: 'e'.repeat(128) } }] },
      { nic: [{ match: { name: 'e'.repeat(129) } }] },
    ],
    [
      'a MAC address',
      { nic: [{ match: { mac: '52:54:00:AB:cd:01' } }] },
      { nic: [{ match: { mac: '52:54' } }] },
    ],
    ['a glob over one', { nic: [{ match: { mac: '52:*' } }] }, { nic: [{ match: { mac: 'lan*' } }] }],
    ['a PCI address', { nic: [{ match: { pci: '00:1f.7' } }] }, { nic: [{ match: { pci: '00:1f.8' } }] }],
    ['a virtio name', { nic: [{ match: { virtio: 'virtio12' } }] }, { nic: [{ match: { virtio: '12' } }] }],
    ['a known key', {}, { constructor: 1 }],
  ])('%s', (_, good, bad) => {
    expect([accepts(good), accepts(bad)]).toEqual([true, false])
  })

  it('metrics are served on this guest only', () => {
    const listen = (value: string) => accepts({ metrics: { listen: value } })
    expect(['none', '127.0.0.1:1', '127.0.0.1:65535', 'unix:/run/s'].map(listen)).toEqual([
      true,
      true,
      true,
      true,
    ])
    const others = [
      '0.0.0.0:9',
      '[::1]:9',
      '127.0.0.1:0',
      '127.0.0.1:65536',
      'unix:run/s',
      'unix:/run/',
      '/run/s',
    ]
    expect(others.filter(listen)).toEqual([])
    // sun_path of unix(7) has 108 bytes with its end, and bytes are counted.
    expect(listen(`unix:/${'a'.repeat(106)}`)).toBe(true)
    expect(listen(`unix:/${'a'.repeat(107)}`)).toBe(false)
    expect(listen(`unix:/${'\u00e9'.repeat(54)}`)).toBe(false)
    expect(loopbackPort('127.0.0.1:9917')).toBe(9_917)
  })
})

describe('keys', () => {
  it('are listed with dots, those of any rule below nic[]', () => {
    expect(grammarKeys()).toEqual(
      expect.arrayContaining([
        'isolated-cpus',
        'boot.wait-ms',
        'defaults.xps',
        'nic[].match.pci',
        'nic[].xps',
      ]),
    )
    expect(grammarKeys().filter((key) => key === 'boot' || key.includes('undefined'))).toEqual([])
  })

  it('of a table are known, of what is none there are none', () => {
    expect(keysKnownAt(['boot'])).toEqual(['wait-ms', 'limit-ms'])
    expect(keysKnownAt(['nic', 3, 'match'])).toEqual(['name', 'mac', 'pci', 'virtio'])
    expect(keysKnownAt([])).toContain('guard')
    for (const path of [
      ['boot', 'wait-ms'],
      ['boot', 'wait-ms', 'x'],
      ['nothing', 'x'],
      ['nic', 0, 'cap', 'x'],
    ])
      expect(keysKnownAt(path)).toEqual([])
  })
})

it('the values that a key of a NIC may have are told in words, and one by one where they are few', () => {
  expect(allowedForNic('cap')).toEqual({ allowed: '1 to 256, or "none"', choices: undefined })
  expect(allowedForNic('enabled')).toEqual({ allowed: 'true or false', choices: ['true', 'false'] })
  expect(allowedForNic('on-conflict')).toEqual({
    allowed: '"reassert" or "yield" or "report"',
    choices: ['reassert', 'yield', 'report'],
  })
})
