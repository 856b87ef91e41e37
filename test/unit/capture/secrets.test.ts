import { expect, test } from 'vitest'
import type { CapturedNode } from '../../../src/capture/recording'
import { withoutSecrets } from '../../../src/capture/secrets'

/** The file afterwards; undefined if it is left out. */
function after(at: string, text: string): string | undefined {
  const node = withoutSecrets(new Map<string, CapturedNode>([[at, { kind: 'file', text }]])).get(at)
  return node?.kind === 'file' ? node.text : undefined
}

test.each([
  [
    'etc/sysconfig/network-scripts/ifcfg-a',
    'DEVICE=a\nWPA_PSK="two words"\nX=1\n',
    'DEVICE=a\nWPA_PSK=removed\nX=1\n',
  ],
  ['etc/vqtune/vqtune.toml', 'password = "x y"\ncap = 2\n', 'password = removed\ncap = 2\n'],
  [
    'run/vqtune/a.json',
    '{"secret":"a b","cap":2,"user-password": "x"}',
    '{"secret":"removed","cap":2,"user-password": "removed"}',
  ],
  [
    'journal.txt',
    'run x --password=hunter2 --passphrase hunter3 y\n',
    'run x --password=removed --passphrase removed y\n',
  ],
  [
    'proc/7/cmdline',
    'x\0--psk=hunter2\0--password\0hunter3\0-v\0',
    'x\0--psk=removed\0--password\0removed\0-v\0',
  ],
  // Nothing of the kernel's is a secret, and a bypass is no pass word.
  ['sys/a/secret', 'secret=1\n', 'secret=1\n'],
  ['proc/7/status', 'password: 1\n', 'password: 1\n'],
  ['etc/sysconfig/a', 'bypass = 1\n', 'bypass = 1\n'],
  // Scripts and tables of others, unless they set queues.
  ['etc/cron.d/backup', '0 3 * * * root backup --token abc\n', ''],
  [
    'etc/cron.d/queues',
    '@reboot root ethtool -L eth0 combined 2 # password=x\n',
    '@reboot root ethtool -L eth0 combined 2 # password=removed\n',
  ],
  [
    'var/lib/cloud/instance/user-data.txt',
    '#cloud-config\nusers:\n  - name: a\n    plain_text: hunter2\nruncmd:\n  - ethtool -L eth0 combined 2\nwrite_files:\n  - x\n',
    '#cloud-config\n\n\n\nruncmd:\n  - ethtool -L eth0 combined 2\n\n\n',
  ],
  [
    'var/lib/cloud/instance/user-data.txt',
    '#!/bin/sh\nethtool -L eth0 combined 2\n',
    '#!/bin/sh\nethtool -L eth0 combined 2\n',
  ],
  [
    'proc/cmdline',
    'ro isolcpus=1,2 inst.rootpw=x a="b c" -- --token x\n',
    'ro isolcpus=1,2 inst.rootpw=removed a=removed -- removed\n',
  ],
  ['proc/cmdline', 'vqtune=off quiet\n', 'vqtune=off quiet\n'],
])('%s: %j', (at, before, expected) => {
  expect(after(at, before)).toBe(expected)
  expect(after(at, expected)).toBe(expected)
})

test('a NetworkManager profile keeps only what is about channels', () => {
  const at = 'etc/NetworkManager/system-connections/a.nmconnection'
  const profile =
    '[connection]\nid=a\nuuid=1\n[ethtool]\nchannels-combined=2\n[wifi-security]\npsk=x\n[ipv4]\naddress1=1.2.3.4\n'
  const expected = '[connection]\nid=a\nuuid=1\n[ethtool]\nchannels-combined=2\n\n\n\n\n'
  expect(after(at, profile)).toBe(expected)
  expect(after(at, expected)).toBe(expected)
  expect(after(at, '[connection]\nid=a\n[wifi-security]\npsk=x\n')).toBeUndefined()
  // One that could not be read.
  expect(after(at, '')).toBe('')
})

test('links and directories stay', () => {
  const nodes = new Map<string, CapturedNode>([
    ['etc', { kind: 'directory' }],
    ['a', { kind: 'link', target: 'etc' }],
  ])
  expect(withoutSecrets(nodes)).toEqual(nodes)
})
