import { expect, test } from 'vitest'
import { networkHook } from '../../../src/writers/network-hooks'
import { foundBy, testFixture } from '../../support/writers'

test.each([
  '/usr/sbin/ifup-pre-local',
  '/sbin/ifdown-local',
  '/etc/networkd-dispatcher/routable.d/q',
  '/usr/lib/networkd-dispatcher/carrier.d/q',
  '/etc/dhcp/dhclient-exit-hooks.d/q',
  '/etc/sysconfig/network/if-up.d/q',
])('%s is a hook', (path) => {
  expect(foundBy(networkHook, { [path]: '#!/bin/sh\nethtool -L ens3 combined 2\n' })).toMatchObject([
    {
      where: `${path}:2`,
      what: 'runs ethtool -L ens3 combined 2 when an interface changes (it is not executable, so it may not be run)',
      remedy: `remove line 2 of ${path}, or run chmod -x ${path}`,
    },
  ])
})

test.each(['$1', '$IFACE', '$interface', '$INTERFACE', '$DEVICE'])('%s is any NIC', (variable) => {
  const text = `[ "${variable}" = ens3 ] && ethtool -L "${variable}" combined 2\n`
  expect(foundBy(networkHook, { '/sbin/ifup-local': text })).toHaveLength(1)
  expect(foundBy(networkHook, { '/sbin/ifup-local': text.replace('ens3', 'eth5') })).toEqual([])
})

test('hooks of the same name in two directories are two; ifup-local in /sbin and /usr/sbin is one', () => {
  const SCRIPT = 'ethtool -L ens3 combined 2\n'
  const found = (...paths: string[]) =>
    foundBy(networkHook, Object.fromEntries(paths.map((path) => [path, SCRIPT]))).length
  expect(found('/sbin/ifup-local', '/usr/sbin/ifup-local')).toBe(1)
  expect(found('/etc/networkd-dispatcher/routable.d/q', '/etc/networkd-dispatcher/carrier.d/q')).toBe(2)
})

testFixture(networkHook)
