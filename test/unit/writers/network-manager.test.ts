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

testFixture(networkManager)
