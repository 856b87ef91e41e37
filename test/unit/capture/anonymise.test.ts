import { describe, expect, test } from 'vitest'
import { anonymised, type Identity } from '../../../src/capture/anonymise'
import type { CapturedNode } from '../../../src/capture/recording'

const NOBODY: Identity = { hosts: [], domains: [], serials: [] }

/** The files afterwards, by path. */
function after(files: Readonly<Record<string, string>>, identity = NOBODY): Record<string, string> {
  const nodes = new Map(
    Object.entries(files).map(([at, text]): [string, CapturedNode] => [at, { kind: 'file', text }]),
  )
  return Object.fromEntries(
    [...anonymised(nodes, identity).nodes].map(([at, node]) => [
      at,
      node.kind === 'file' ? node.text : node.kind,
    ]),
  )
}

/** One text in a file that is no kernel's. */
const text = (input: string, identity = NOBODY) => after({ 'etc/a': input }, identity)['etc/a']

describe('MAC addresses', () => {
  test.each([
    ['52:54:00:77:aa:01 52:54:00:77:aa:02', '52:54:00:00:00:00 52:54:00:00:00:01'],
    ['52:54:00:77:aa:01 52:54:00:78:aa:01', '52:54:00:00:00:00 52:54:00:01:00:00'],
    ['52:54:00:77:AA:01', '52:54:00:00:00:00'],
    ['AE:54:00:77:AA:01', 'AE:54:00:00:00:00'],
    ['52-54-00-77-aa-01', '52-54-00-00-00-00'],
    // A glob matches what it matched.
    ['52:54:00:77:aa:01 52:54:00:78:* 52:54:00:77:*', '52:54:00:00:00:00 52:54:00:01:* 52:54:00:00:*'],
    ['52:54:00:*', '52:54:00:*'],
    [
      '52:54:00:77:aa:01 enx52540077aa01 8000.52540077aa01',
      '52:54:00:00:00:00 enx525400000000 8000.525400000000',
    ],
    ['525400aabbcc', '525400aabbcc'],
    ['00:00:00:00:00:00 ff:ff:ff:ff:ff:ff', '00:00:00:00:00:00 ff:ff:ff:ff:ff:ff'],
    // A hash key of ethtool -x, a time, a PCI address.
    [
      '6d:5a:56:da:25:5b:0e:c2:41:67 12:34:56 0000:00:03.0',
      '6d:5a:56:da:25:5b:0e:c2:41:67 12:34:56 0000:00:03.0',
    ],
  ])('%s', (input, output) => {
    expect(text(input)).toBe(output)
  })

  test('are the same in all files and names of files', () => {
    const mac = '52:54:00:77:aa:01'
    expect(
      after({
        'sys/class/net/enx52540077aa01/address': `${mac}\n`,
        'run/udev/links/52540077aa01': 'x',
        'etc/udev/rules.d/a.rules': `ATTR{address}=="${mac}"`,
      }),
    ).toEqual({
      'sys/class/net/enx525400000000/address': '52:54:00:00:00:00\n',
      'run/udev/links/525400000000': 'x',
      'etc/udev/rules.d/a.rules': 'ATTR{address}=="52:54:00:00:00:00"',
    })
  })
})

describe('IP addresses', () => {
  test.each([
    ['10.1.2.3/24 10.1.2.4 10.1.2.3.', '198.18.0.1/24 198.18.0.2 198.18.0.1.'],
    ['0.0.0.0 127.0.0.1 255.255.255.0 224.0.0.1', '0.0.0.0 127.0.0.1 255.255.255.0 224.0.0.1'],
    ['1.2.3.400 5.14.0-570.12.1.el9 v1.2.3.4 1.2.3.4.5', '1.2.3.400 5.14.0-570.12.1.el9 v1.2.3.4 1.2.3.4.5'],
    ['2a00:1450::1/64 2A00:1450:0:0:0:0:0:1', '2001:db8::1/64 2001:db8::1'],
    ['fe80::5054:ff:fe77:1%eth0 ::ffff:10.1.2.3', '2001:db8::1%eth0 2001:db8::2'],
    [':: ::1 ff02::1 12:34:56 a:b', ':: ::1 ff02::1 12:34:56 a:b'],
  ])('%s', (input, output) => {
    expect(text(input)).toBe(output)
  })

  test('in the digits of /proc/net, the same as in text', () => {
    const files = after({
      // In front of the others.
      'etc/a': '10.1.2.3 2a00:1450::1',
      'proc/net/tcp': '   0: 0302010A:0016 0100007F:C001 01 00000010:0000002A 00:00000000 00000000\n',
      'proc/net/tcp6':
        '   0: 0050002A00000000000000000100000A:0016 0000000000000000FFFF00000302010A:C001 01 00000000:00000001\n' +
        '   1: 00000000000000000000000001000000:0016 00000000000000000000000000000000:0000 0A 00000000:00000001\n' +
        '   2: 5014002A000000000000000001000000:0016 00000000000000000000000000000000:0000 0A 00000000:00000001\n',
      'proc/net/route':
        'Iface\tDestination\tGateway\tFlags\tMask\neth0\t00000000\t0302010A\t0003\t00FFFFFF\n',
      'proc/net/if_inet6': '2a001450000000000000000000000001 02 40 00 80 eth0\n',
      'later/proc/net/udp': '   0: 0302010A:0016 00000000:0000 07\n',
    })
    expect(files['etc/a']).toBe('198.18.0.1 2001:db8::1')
    expect(files['proc/net/tcp']).toContain(' 010012C6:0016 0100007F:C001 01 00000010:0000002A ')
    expect(files['proc/net/tcp6']).toContain(' 0000000000000000FFFF0000010012C6:C001 ')
    expect(files['proc/net/tcp6']).toContain('1: 00000000000000000000000001000000:0016 ')
    expect(files['proc/net/tcp6']).toContain('2: B80D0120000000000000000001000000:0016 ')
    expect(files['proc/net/tcp6']).not.toContain('0050002A')
    expect(files['proc/net/route']).toContain('eth0\t00000000\t010012C6\t0003\t00FFFFFF\n')
    expect(files['proc/net/if_inet6']).toBe('20010db8000000000000000000000001 02 40 00 80 eth0\n')
    expect(files['later/proc/net/udp']).toContain(' 010012C6:0016 00000000:0000 ')
  })

  test('IPv6 with dots is the same as without', () => {
    expect(text('64:ff9b::10.1.2.3 64:ff9b::a01:203 1:2:3:4:5:6:10.1.2.3')).toBe(
      '2001:db8::1 2001:db8::1 2001:db8::2',
    )
  })
})

describe('names', () => {
  const identity: Identity = {
    hosts: ['web-07.corp.example.com'],
    domains: ['corp.example.com', 'lan'],
    serials: ['VMware-42 1d', '0123456789abcdef', 'None'],
  }

  test.each([
    ['web-07 vqtuned[1]: of WEB-07.corp.example.com', 'host1 vqtuned[1]: of host2.example'],
    ['db.corp.example.com corp.example.com web-070 aweb-07', 'host1.example host2.example web-070 aweb-07'],
    [
      'nfs.lan None 0123456789abcdef VMware-42 1d',
      'nfs.lan None SERIAL1 00000000-0000-4000-8000-000000000002',
    ],
    ['6f9619ff-8b86-d011-b42d-00cf4fc964ff', '00000000-0000-4000-8000-000000000001'],
  ])('%s', (input, output) => {
    expect(text(input, identity)).toBe(output)
  })

  test('not in what the kernel shows, where a host may be named like a driver', () => {
    const named = { ...NOBODY, hosts: ['virtio'] }
    expect(after({ 'sys/virtio': 'virtio', 'proc/sys/kernel/hostname': 'virtio\n' }, named)).toEqual({
      'sys/virtio': 'virtio',
      'proc/sys/kernel/hostname': 'host1\n',
    })
  })

  test('a guest named like a word of its own files keeps its name', () => {
    expect(text('tuned localhost x', { ...NOBODY, hosts: ['tuned', 'localhost', 'x'] })).toBe(
      'tuned localhost x',
    )
  })
})

test('links and directories, and the number of values', () => {
  const nodes = new Map<string, CapturedNode>([
    ['etc/a-52:54:00:77:aa:01', { kind: 'directory' }],
    ['etc/b', { kind: 'link', target: 'a-52:54:00:77:aa:01' }],
    ['etc/c', { kind: 'file', text: '52:54:00:77:aa:01 10.0.0.1 10.0.0.2 fe80::1' }],
  ])
  const { nodes: replaced, counts } = anonymised(nodes, NOBODY)
  expect([...replaced.entries()].slice(0, 2)).toEqual([
    ['etc/a-52:54:00:00:00:00', { kind: 'directory' }],
    ['etc/b', { kind: 'link', target: 'a-52:54:00:00:00:00' }],
  ])
  expect(counts).toEqual({ mac: 1, ipv4: 2, ipv6: 1, name: 0, serial: 0 })
})
