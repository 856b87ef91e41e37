import { expect, test } from 'vitest'
import type { Capture } from '../../../src/capture/take'
import { captureJson, captureText } from '../../../src/output/capture'
import { expectSchema } from '../../support/schema'

const file = (path: string, bytes = 1) => ({ path, node: { kind: 'file', text: 'x'.repeat(bytes) } as const })
const CAPTURE: Capture = {
  entries: [
    { path: 'sys', node: { kind: 'directory' } },
    { path: 'sys/link', node: { kind: 'link', target: 'a' } },
    file('sys/class/net/eth0/mtu', 1024),
    file('sys/b', 1),
    file('etc/vqtune/vqtune.toml'),
    file('etc/tuned/active_profile'),
    file('capture.json'),
  ],
  replaced: undefined,
  unreadable: {},
  failed: {},
}
const PACKED = Buffer.alloc(1025)
const lines = (more: Partial<Capture> = {}) =>
  captureText('/tmp/c.tar.gz', PACKED, { ...CAPTURE, ...more })
    .split('\n')
    .map((line) => line.split(/ {2,}/))

test('its parts are told with their files and size, rounded up to KiB', () => {
  expect(lines()).toEqual([
    ['PART', 'FILES', 'KIB', 'WHAT'],
    ['sys/', '2', '2', 'NICs, queues, vCPUs, DMI'],
    ['etc/vqtune/', '1', '1', 'configuration'],
    ['capture.json', '1', '1', 'when, and what could not be read'],
    ['other', '1', '1', 'configuration of other writers, distribution'],
    ['addresses, names and serial numbers are as they were read'],
    ['/tmp/c.tar.gz: 2 KiB; list it with tar -tzf, look at it with vqtune status --root'],
    [''],
  ])
})

test.each([
  [
    { mac: 1, ipv4: 2, ipv6: 0, name: 1, serial: 3 },
    '1 MAC address, 2 IPv4 addresses, 1 host name, 3 serial numbers or UUIDs',
  ],
  [{ mac: 0, ipv4: 0, ipv6: 0, name: 0, serial: 0 }, 'nothing'],
])('replaced: %j', (replaced, text) => {
  expect(lines({ replaced }).at(-3)).toEqual([`replaced: ${text}`])
})

test('what could not be read is told before', () => {
  const shown = lines({ unreadable: { '/etc/shadow': 'EACCES' }, failed: { report: 'no ethtool' } })
  expect(shown.slice(5, 7)).toEqual([['not readable: /etc/shadow (EACCES)'], ['report failed: no ethtool']])
})

test('as JSON', () => {
  const json = JSON.parse(
    captureJson('/tmp/c', PACKED, { ...CAPTURE, unreadable: { '/a': 'EACCES' }, failed: { report: 'no' } }),
  )
  expectSchema('capture', json)
  expect(json).toMatchObject({
    file: '/tmp/c',
    bytes: 1025,
    replaced: null,
    unreadable: [{ path: '/a', why: 'EACCES' }],
    failed: [{ command: 'report', why: 'no' }],
  })
  expect(json.parts[0]).toEqual({ path: 'sys/', what: 'NICs, queues, vCPUs, DMI', files: 2, bytes: 1025 })
})
