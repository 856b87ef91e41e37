import { expect, it } from 'vitest'
import { readIdentity } from '../../../src/capture/identity'
import { systemFailing, systemWith } from '../../support/systems'

it('a guest is known by its host name, its domains and its serial numbers', () => {
  const system = systemWith({
    '/proc/sys/kernel/hostname': 'web-07.corp.example.com\n',
    '/proc/sys/kernel/domainname': 'nis.example.org\n',
    '/etc/resolv.conf': 'domain example.net\nsearch a.example.com  b.example.com\nnameserver 10.1.2.3\n',
    '/sys/class/dmi/id/product_serial': 'ec2f1\n',
    '/sys/class/dmi/id/product_uuid': 'EC2F1-0\n',
    '/sys/class/dmi/id/board_serial': '\n',
    '/sys/class/dmi/id/chassis_asset_tag': 'i-0123\n',
    '/sys/class/dmi/id/sys_vendor': 'Amazon EC2\n',
    '/etc/machine-id': '0123456789abcdef0123456789abcdef\n',
  })
  expect(readIdentity(system)).toEqual({
    hosts: ['web-07.corp.example.com'],
    domains: ['corp.example.com', 'example.net', 'a.example.com', 'b.example.com', 'nis.example.org'],
    serials: ['ec2f1', 'EC2F1-0', 'i-0123', '0123456789abcdef0123456789abcdef'],
  })
})

it('a name without a domain, and what the kernel prints for none, are no domains; each counts once', () => {
  const domains = (files: Record<string, string>) => readIdentity(systemWith(files)).domains
  const host = { '/proc/sys/kernel/hostname': 'web\n' }
  expect(domains({ ...host, '/proc/sys/kernel/domainname': '(none)\n' })).toEqual([])
  expect(domains({ '/etc/resolv.conf': '#search a.b\nnosearch c.d\nsearch e.f e.f\n' })).toEqual(['e.f'])
  expect(domains({ '/etc/resolv.conf': 'search \n' })).toEqual([])
})

it('what is missing, or not to be read without root, identifies nobody', () => {
  const nobody = { hosts: [], domains: [], serials: [] }
  expect(readIdentity(systemWith({}))).toEqual(nobody)
  expect(readIdentity(systemFailing('EACCES'))).toEqual(nobody)
})
