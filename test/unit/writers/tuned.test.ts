import { describe, expect, test } from 'vitest'
import { activeSections, tuned } from '../../../src/writers/tuned'
import { processFiles, systemWith } from '../../support/systems'
import { foundBy, NIC, testFixture } from '../../support/writers'

const writersOf = (files: Readonly<Record<string, string>>, nic = NIC) => foundBy(tuned, files, nic)

const RUNNING = processFiles(900, 'tuned')
const PROFILE = (text: string) => ({
  ...RUNNING,
  '/etc/tuned/active_profile': 'web\n',
  '/etc/tuned/profiles/web/tuned.conf': text,
})

test('channels by an included vendor profile; the file with the value is named', () => {
  const files = {
    ...PROFILE(
      '#\n# tuned configuration\n#\n[main]\nsummary=Web\ninclude=network-latency,-more\n\n[sysctl]\nvm.swappiness=10\n',
    ),
    '/usr/lib/tuned/network-latency/tuned.conf':
      '[main]\ninclude=latency-performance\n[net]\ndevices=ens*, eth*\nchannels=combined 1\n',
    '/usr/lib/tuned/profiles/latency-performance/tuned.conf': '[cpu]\nforce_latency=1\n',
  }
  expect(writersOf(files)).toEqual([
    {
      writer: 'tuned',
      where: '/usr/lib/tuned/network-latency/tuned.conf:5',
      what: 'profile web sets channels = combined 1 in [net]',
      tunable: 'channels',
      matches: 'yes',
      remedy:
        'cp -r /usr/lib/tuned/network-latency /etc/tuned/network-latency, change the copy to be without channels=, then run systemctl restart tuned; or set on-conflict = "yield" for this NIC',
      value: '1',
    },
  ])
})

test.each([
  ['[net]\nchannels=combined 1\n', ['yes']],
  ['[net]\ndevices=eth*\nchannels=combined 1\n', []],
  ['[net]\ndevices=!ens3\nchannels=combined 1\n', []],
  [`[net]\ndevices=\${nics}\nchannels=combined 1\n`, ['maybe']],
  ['[my]\ntype=net\nchannels=combined 1\n', ['yes']],
  ['[net]\nenabled=false\nchannels=combined 1\n', []],
  ['[net]\nnf_conntrack_hashsize=1\n', []],
  ['[net]\ndevices_udev_regex=^ID_NET_DRIVER=virtio_net\nchannels=combined 1\n', ['yes']],
  ['[net]\ndevices_udev_regex=^ID_NET_DRIVER=ixgbe\nchannels=combined 1\n', []],
  ['[net]\ndevices_udev_regex=^ID_VENDOR=(\nchannels=combined 1\n', ['maybe']],
  ['[scheduler]\nisolated_cores=2-3\n', ['maybe']],
  ['[scheduler]\nisolated_cores=2-3\nirq_process=false\n', []],
  ['[irq]\naffinity=0-1\n', ['maybe']],
  ['[main]\ninclude=web\n[net]\nchannels=combined 1\n', ['yes']],
])('%j', (text, expected) => {
  expect(writersOf(PROFILE(text)).map((writer) => writer.matches)).toEqual(expected)
})

test('a child takes the channels of its parent back by replace=1', () => {
  const files = {
    ...PROFILE('[main]\ninclude=base\n[net]\nreplace=1\nwake_on_lan=0\n'),
    '/usr/lib/tuned/base/tuned.conf': '[net]\nchannels=combined 1\n',
  }
  expect(writersOf(files)).toEqual([])
})

test('not running now, it may still write at the next start', () => {
  const { '/proc/900/comm': _running, ...files } = PROFILE('[net]\nchannels=combined 1\n') as Record<
    string,
    string
  >
  expect(writersOf(files)).toMatchObject([
    { matches: 'maybe', where: '/etc/tuned/profiles/web/tuned.conf:2' },
  ])
})

describe('sections of several profiles', () => {
  const where = (own: string, included: string) =>
    writersOf({
      ...processFiles(900, 'tuned'),
      '/etc/tuned/active_profile': 'web\n',
      '/etc/tuned/profiles/web/tuned.conf': `[main]\ninclude=base\n${own}`,
      '/etc/tuned/profiles/base/tuned.conf': included,
    }).map((writer) => `${writer.matches} ${writer.where.split('/').at(-2)}`)

  test('the file with the last value is named', () => {
    const channels = '[net]\nchannels=combined 1\n'
    expect(where(channels, channels)).toEqual(['yes web'])
    expect(where('[net]\nwake_on_lan=d\n', channels)).toEqual(['yes base'])
    expect(where(channels, '[net]\nwake_on_lan=d\n')).toEqual(['yes web'])
    expect(where('[net]\nreplace=1\nwake_on_lan=d\n', channels)).toEqual([])
  })

  test('a pattern over properties that are not known here leaves it open', () => {
    const regex = (pattern: string) =>
      where('', `[net]\ndevices_udev_regex=${pattern}\nchannels=combined 1\n`)
    expect(regex('ID_PATH=x')).toEqual(['maybe base'])
    expect(regex('INTERFACE=eth9')).toEqual([])
    expect(regex('INTERFACE=ens3')).toEqual(['yes base'])
    expect(regex('(')).toEqual(['maybe base'])
  })
})

testFixture(tuned)
