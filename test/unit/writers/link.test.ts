import { describe, expect, test } from 'vitest'
import { parseIni } from '../../../src/writers/ini'
import { link, linkMatches } from '../../../src/writers/link'
import { foundBy, NIC, testFixture } from '../../support/writers'

const writersOf = (files: Readonly<Record<string, string>>, nic = NIC) => foundBy(link, files, nic)

const brief = (files: Readonly<Record<string, string>>, nic = NIC) =>
  writersOf(files, nic).map(({ writer, where, matches }) => `${matches} ${writer} ${where}`)
const DEFAULT = {
  '/usr/lib/systemd/network/99-default.link':
    '[Match]\nOriginalName=*\n\n[Link]\nNamePolicy=keep kernel database onboard slot path\nMACAddressPolicy=persistent\n',
}
const linkFile = (match: string) => `[Match]\n${match}\n\n[Link]\nCombinedChannels=2\n`

test.each([
  ['Driver=virtio_net', ['yes']],
  ['Driver=ixgbe', []],
  ['OriginalName=*', ['yes']],
  ['OriginalName=enp*', ['yes']],
  ['OriginalName=eth0', ['maybe']],
  ['OriginalName=wlan*', []],
  ['MACAddress=52:54:00:00:00:01 52-54-00-AB-CD-01', ['yes']],
  ['Path=pci-0000:00:03.0', ['yes']],
  ['Path=pci-0000:00:04.*', []],
  ['Driver=!virtio_net', []],
  ['MACAddress=52:54:00:00:00:01', []],
  ['Type=ether', ['yes']],
  ['Type=wlan', []],
  ['Host=!web01', ['maybe']],
  ['Driver=virtio_net\nHost=web01', ['maybe']],
  ['', []],
])('%j', (match, expected) => {
  const found = writersOf({ ...DEFAULT, '/etc/systemd/network/10-net.link': linkFile(match) })
  expect(found.map((writer) => writer.matches)).toEqual(expected)
})

test('only the first file that matches is applied, and files hide those of the same name', () => {
  const late = { '/etc/systemd/network/99-z.link': linkFile('Driver=virtio_net') }
  expect(brief({ ...DEFAULT, ...late })).toEqual([])
  const hidden = {
    '/etc/systemd/network/10-a.link': '[Match]\nDriver=ixgbe\n',
    '/usr/lib/systemd/network/10-a.link': linkFile('Driver=virtio_net'),
  }
  expect(brief(hidden)).toEqual([])
  const unsure = { '/etc/systemd/network/10-a.link': '[Match]\nHost=web\n[Link]\nMTUBytes=9000\n' }
  expect(brief({ ...unsure, '/etc/systemd/network/20-b.link': linkFile('Driver=virtio_net') })).toEqual([
    'maybe systemd-link /etc/systemd/network/20-b.link:5',
  ])
})

test('drop-ins count', () => {
  const files = { ...DEFAULT, '/etc/systemd/network/99-default.link.d/rx.conf': '[Link]\nRxChannels=max\n' }
  expect(writersOf(files)).toMatchObject([
    { what: 'sets RxChannels=max when the device appears', matches: 'yes' },
  ])
})

test('the path of a NIC that is not on PCI cannot be told, nor one without [Match] or [Link] mean it', () => {
  const path = '/etc/systemd/network/10-a.link'
  const text = '[Match]\nPath=platform-a\n[Link]\nCombinedChannels=1\n'
  expect(brief({ [path]: text }, { ...NIC, bus: 'mmio' })).toEqual([`maybe systemd-link ${path}:4`])
  expect(brief({ [path]: '[Link]\nCombinedChannels=1\n' })).toEqual([])
  expect(brief({ [path]: '[Match]\nDriver=virtio_net\n' })).toEqual([])
})

test('it names the file, the value and a drop-in that takes it back, never in the file of a vendor', () => {
  const path = '/usr/lib/systemd/network/10-a.link'
  const text = '[Match]\nDriver=virtio_net\n[Link]\nCombinedChannels=2\nCombinedChannels=4\nRxChannels=1\n'
  expect(writersOf({ [path]: text })).toEqual([
    {
      writer: 'systemd-link',
      where: `${path}:5`,
      what: 'sets CombinedChannels=4, RxChannels=1 when the device appears',
      tunable: 'channels',
      matches: 'yes',
      remedy:
        'set CombinedChannels=, RxChannels= to nothing in a drop-in: /etc/systemd/network/10-a.link.d/50-vqtune.conf',
      value: '4',
    },
  ])
})

test.each([
  ['CombinedChannels=max', 'channels', 'max'],
  ['CombinedChannels=all', 'channels', undefined],
  ['OtherChannels=1', 'channels', undefined],
  ['RxMiniBufferSize=512', 'rings', undefined],
  ['IRQAffinityNUMA=local', 'irq-affinity', undefined],
  ['ReceivePacketSteeringCPUMask=f', 'rps', undefined],
])('%s sets %s, to %s', (line, tunable, value) => {
  const files = { '/etc/systemd/network/10-a.link': `[Match]\nDriver=virtio_net\n[Link]\n${line}\n` }
  expect(writersOf(files).map((one) => [one.tunable, one.value])).toEqual([[tunable, value]])
})

test('keys of other sections, others, and those that are emptied set nothing', () => {
  const text =
    '[Match]\nDriver=virtio_net\nCombinedChannels=1\n[Link]\nMTUBytes=9000\nRxChannels=2\nRxChannels=\n'
  expect(writersOf({ '/etc/systemd/network/10-a.link': text })).toEqual([])
})

describe('conditions', () => {
  const matches = (text: string, nic = NIC) => linkMatches(parseIni(`[Match]\n${text}`), nic)
  test.each([
    ['', 'no'],
    ['Driver=\n', 'no'],
    ['OriginalName=!lo wlan*', 'yes'],
    ['OriginalName=!ens3', 'no'],
    ['OriginalName=!eth0', 'maybe'],
    ['PermanentMACAddress=52:54:00:ab:cd:01', 'yes'],
    ['Path=virtio-pci-0000:00:03.0', 'yes'],
    ['Kind=bond', 'maybe'],
    ['Driver=virtio_net\nType=wlan', 'no'],
  ])('%j: %s', (text, expected) => {
    expect(matches(text)).toBe(expected)
  })
})

testFixture(link)
