import { existsSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { boundedSearch } from '../../../src/writers/bounded-system'
import { searchWriters, WRITER_NAMES, WRITERS } from '../../../src/writers/index'
import type { KnownWriter } from '../../../src/writers/writer'
import { processFiles, systemWith } from '../../support/systems'
import { fixtureOf, foundBy, foundThoughFailing, NIC } from '../../support/writers'

const ALL: Pick<KnownWriter, 'find'> = { find: (system, nic) => searchWriters(system, nic).writers }
const writersOf = (files: Readonly<Record<string, string>>) => foundBy(ALL, files)

test('every writer has a name and a title of its own, and guests in which it is looked for', () => {
  expect(new Set(WRITER_NAMES).size).toBe(WRITERS.length)
  expect(new Set(WRITERS.map(({ title }) => title)).size).toBe(WRITERS.length)
  // irqbalance's are in its test: they are of a running process.
  const names = WRITER_NAMES.filter((name) => name !== 'irqbalance')
  expect(names.filter((name) => !existsSync(fixtureOf(name)))).toEqual([])
})

test('a guest without rivals has none', () => {
  expect(writersOf({ '/proc/1/comm': 'systemd\n', '/proc/self/comm': 'irqbalance\n' })).toEqual([])
})

test('certain rivals come first', () => {
  const files = {
    ...processFiles(1, 'irqbalance'),
    '/etc/systemd/network/10-a.link': '[Match]\nHost=a\n[Link]\nCombinedChannels=1\n',
    '/etc/sysconfig/network-scripts/ifcfg-ens3': 'DEVICE=ens3\nETHTOOL_OPTS="-L ens3 combined 1"\n',
  }
  expect(writersOf(files).map((writer) => `${writer.matches} ${writer.tunable}`)).toEqual([
    'yes irq-affinity',
    'yes channels',
    'maybe channels',
  ])
})

describe('what cannot be read', () => {
  const RULE = 'RUN+="/sbin/ethtool -L %k combined 2"\n'
  const FILES = {
    '/etc/sysconfig/network-scripts/ifcfg-ens3': 'ETHTOOL_OPTS="-L ens3 combined 4"\n',
    '/etc/systemd/network/10-a.link': '[Match]\nDriver=virtio_net\n[Link]\nCombinedChannels=1\n',
    '/etc/systemd/network/10-a.link.d/b.conf': '[Link]\nRxChannels=1\n',
    '/etc/udev/rules.d/80-a.rules': RULE,
    '/etc/NetworkManager/system-connections/a': '[ethtool]\nchannels-rx=1\n',
  }
  const failing = (errno: string, what: 'readText' | 'list', where: RegExp) =>
    foundThoughFailing(ALL, FILES, { errno, what, where }).map(
      ({ writer, matches }) => `${matches} ${writer}`,
    )

  test('is no rival, but of NetworkManager, whose profiles only root may read', () => {
    const all = ['yes systemd-link', 'yes udev-rule', 'maybe NetworkManager', 'maybe ifcfg']
    expect(failing('EIO', 'readText', /nowhere/)).toEqual(all)
    for (const errno of ['EACCES', 'EPERM']) {
      expect(failing(errno, 'readText', /\/etc\//)).toEqual(['unreadable NetworkManager'])
      expect(failing(errno, 'list', /\/etc\//)).toEqual(['unreadable NetworkManager'])
    }
    expect(failing('EIO', 'readText', /\/etc\//)).toEqual([])
    expect(failing('EIO', 'list', /\/etc\//)).toEqual([])
    expect(failing('EIO', 'readText', /\.conf$/)).toEqual(all)
  })
})

test('files over a limit are told, and what was found of them for one NIC is known for the next', () => {
  const system = systemWith({
    '/etc/rc.local': `#!/bin/sh\n${'#'.repeat(300 * 1024)}\nethtool -L ens3 combined 2\n`,
    '/etc/crontab': '@reboot root ethtool -L ens3 combined 2\n',
  })
  const bounded = boundedSearch(system)
  const first = searchWriters(system, NIC, bounded)
  expect(first.writers.map(({ writer }) => writer)).toEqual(['cron'])
  expect(first.notSearched).toEqual([expect.stringMatching(/^\/etc\/rc\.local: larger than \d+ KiB$/)])
  expect(searchWriters(system, { ...NIC, name: 'ens4', altnames: [] }, bounded)).toEqual({
    writers: [],
    notSearched: first.notSearched,
  })
})
