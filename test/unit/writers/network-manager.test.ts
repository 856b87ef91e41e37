import { describe, expect, test } from 'vitest'
import { keyfileWriter, networkManager } from '../../../src/writers/network-manager'
import { processFiles } from '../../support/systems'
import { foundBy, foundThoughFailing, NIC, testFixture } from '../../support/writers'

const writersOf = (files: Readonly<Record<string, string>>, nic = NIC) => foundBy(networkManager, files, nic)

const CONNECTIONS = '/etc/NetworkManager/system-connections'
const keyfile = (connection: string, rest = '') =>
  `[connection]\nid=lan\nuuid=6a1d3a52-7a0c-4a6c-9a6a-0f6d0e0c9a11\ntype=ethernet\n${connection}\n[ethernet]\n${rest}\n[ethtool]\nchannels-combined=2\nfeature-gro=true\n\n[ipv4]\nmethod=auto\n`
const RUNNING = processFiles(700, 'NetworkManager')

test('a profile of this NIC sets channels', () => {
  expect(
    writersOf({ ...RUNNING, [`${CONNECTIONS}/lan.nmconnection`]: keyfile('interface-name=ens3') }),
  ).toEqual([
    {
      writer: 'NetworkManager',
      where: `${CONNECTIONS}/lan.nmconnection:9`,
      what: 'connection "lan" sets ethtool.channels-combined = 2',
      tunable: 'channels',
      matches: 'yes',
      remedy: 'nmcli connection modify lan ethtool.channels-combined ""',
      value: '2',
    },
  ])
})

test.each([
  [keyfile('', 'mac-address=52:54:00:AB:CD:01'), ['yes']],
  [keyfile('', 'mac-address=52:54:00:AB:CD:02'), []],
  [keyfile('interface-name=ens4'), []],
  // The name of the section that ifcfg and old keyfiles have.
  [keyfile('').replace('[ethernet]', '[802-3-ethernet]\nmac-address=52:54:00:AB:CD:01'), ['yes']],
  [keyfile(''), ['maybe']],
  [`${keyfile('interface-name=ens3')}[match]\ndriver=virtio_net;\n`, ['maybe']],
  ['[connection]\nid=lan\n[ethtool]\nring-rx=512\n', ['maybe']],
  ['[connection]\nid=lan\n[ethtool]\ncoalesce-rx-usecs=8\n', []],
])('%j', (text, expected) => {
  const found = writersOf({ ...RUNNING, '/run/NetworkManager/system-connections/x.nmconnection': text })
  expect(found.map((writer) => writer.matches)).toEqual(expected)
})

test('profiles that this user may not read are told, once for each directory', () => {
  const files = {
    ...RUNNING,
    [`${CONNECTIONS}/a.nmconnection`]: '',
    [`${CONNECTIONS}/b.nmconnection`]: '',
  }
  const denied = { errno: 'EACCES', what: 'readText', where: /\.nmconnection$/ } as const
  expect(foundThoughFailing(networkManager, files, denied)).toMatchObject([
    { writer: 'NetworkManager', where: CONNECTIONS, matches: 'unreadable' },
  ])
})

test('a profile without a name of its own goes by its file', () => {
  const file = '/etc/NetworkManager/system-connections/a'
  expect(writersOf({ [file]: '[ethtool]\nchannels-rx=1\n' })).toMatchObject([
    { what: expect.stringMatching(/^connection ".*\/system-connections\/a" sets ethtool\.channels-rx = 1$/) },
  ])
  expect(writersOf({ [file]: '[connection]\nid=a\n' })).toEqual([])
})

describe('a profile', () => {
  const found = (text: string) => keyfileWriter('/a', text, NIC)
  const NAMED = '[connection]\nid=lan\ninterface-name=ens3\n'

  test.each([
    ['[connection]\nid=lan\ninterface-name=enp0s3\n', 'yes'],
    ['[connection]\nid=lan\ninterface-name=ens30\n', undefined],
    ['[ethernet]\nmac-address=52:54:00:AB:CD:01\n', 'yes'],
    ['[802-3-ethernet]\nmac-address=52:54:00:AB:CD:02\n', undefined],
    [`${NAMED}[match]\ndriver=virtio_net\n`, 'maybe'],
    [NAMED.replace('ens3', 'ens3\ninterface-name=ens4'), undefined],
    ['', 'maybe'],
  ])('%j: %s', (text, expected) => {
    expect(found(`${text}[ethtool]\nchannels-combined=2\n`)?.matches).toBe(expected)
  })

  test.each([
    ['channels-combined=2', '2'],
    ['channels-combined=x', undefined],
    ['channels-rx=2', undefined],
    ['channels-rx=1\nchannels-combined=3', '3'],
  ])('%j is a value of %s', (lines, expected) => {
    expect(found(`${NAMED}[ethtool]\n${lines}\n`)?.value).toBe(expected)
  })

  test('its name is quoted for the shell, and keys that NetworkManager does not know are left out', () => {
    const text =
      '[connection]\nid=my lan; reboot\n[ethtool]\nchannels-rx=1\nchannels-$(reboot)=2\nchannels-tx=1\n'
    expect(found(text)).toMatchObject({
      where: '/a:4',
      what: 'connection "my lan; reboot" sets ethtool.channels-rx = 1, ethtool.channels-tx = 1',
      remedy: `nmcli connection modify 'my lan; reboot' ethtool.channels-rx "" ethtool.channels-tx ""`,
    })
  })

  test('keys of another section set nothing', () => {
    expect(found(`${NAMED}channels-combined=2\n[ipv4]\nchannels-rx=2\n`)).toBeUndefined()
  })
})

test('a directory that this user may not list is told, too', () => {
  const files = { ...RUNNING, [`${CONNECTIONS}/a`]: '' }
  const denied = { errno: 'EACCES', what: 'list', where: /system-connections$/ } as const
  expect(
    foundThoughFailing(networkManager, files, denied).map(({ where, matches }) => [where, matches]),
  ).toEqual([
    [CONNECTIONS, 'unreadable'],
    ['/run/NetworkManager/system-connections', 'unreadable'],
    ['/usr/lib/NetworkManager/system-connections', 'unreadable'],
  ])
})

test.each(['a.nmconnection~', '.a.nmconnection', 'a.pem', 'a.der', 'a.swp', 'a.nmmeta'])(
  '%s is no profile',
  (name) => {
    const text = '[connection]\nid=a\n[ethtool]\nchannels-rx=1\n'
    expect(writersOf({ [`${CONNECTIONS}/${name}`]: text })).toEqual([])
  },
)

testFixture(networkManager)
