import { expect, test } from 'vitest'
import { ifupdown } from '../../../src/writers/ifupdown'
import { foundBy, testFixture } from '../../support/writers'

const found = (text: string) =>
  foundBy(ifupdown, { '/etc/network/interfaces': text }).map(
    ({ matches, where, value }) => `${matches} ${where.replace('/etc/network/interfaces:', '')} = ${value}`,
  )

test.each(['pre-up', 'up', 'post-up', 'down', 'pre-down', 'post-down'])('%s is a command', (keyword) => {
  expect(
    foundBy(ifupdown, { '/etc/network/interfaces': `iface ens3\n ${keyword} ethtool -L ens3 combined 2\n` }),
  ).toEqual([
    {
      writer: 'ifupdown',
      where: '/etc/network/interfaces:2',
      what: `runs ethtool -L ens3 combined 2 (${keyword} of ens3)`,
      tunable: 'channels',
      matches: 'yes',
      remedy: 'remove line 2 of /etc/network/interfaces',
      value: '2',
    },
  ])
})

test.each([
  ['iface ens3 inet dhcp\n up ethtool -L $IFACE combined 2\n', ['yes 2 = 2']],
  ['iface enp0s3 inet dhcp\n up ethtool -L $IFACE combined 2\n', ['yes 2 = 2']],
  // A pattern; see interfaces(5).
  ['iface /ens* inet dhcp\n up ethtool -L $IFACE combined 2\n', ['yes 2 = 2']],
  ['iface eth0 inet dhcp\n up ethtool -L $IFACE combined 2\n', []],
  ['iface eth0 inet dhcp\n up ethtool -L ens3 combined 2\n', ['yes 2 = 2']],
  // What ends a stanza.
  ['iface ens3\nauto eth0\n up ethtool -L ens3 combined 2\n', []],
  ['iface ens3\nallow-hotplug eth0\n up ethtool -L ens3 combined 2\n', []],
  ['iface ens3\nsource /x\n up ethtool -L ens3 combined 2\n', []],
  ['up ethtool -L ens3 combined 2\n', []],
  ['iface ens3\n ethernet-channels-rx 2\n', ['maybe 2 = undefined']],
  ['iface ens3\n description up\n', []],
])('%j', (text, expected) => {
  expect(found(text)).toEqual(expected)
})

test('a hook is called with any interface', () => {
  const text = '#!/bin/sh\nethtool -L "$IFACE" combined 2\n'
  expect(foundBy(ifupdown, { '/etc/network/if-pre-up.d/q': text })).toMatchObject([
    {
      what: 'runs ethtool -L $IFACE combined 2 when an interface comes up or goes down (it is not executable, so it is not run)',
      remedy: 'remove line 2 of /etc/network/if-pre-up.d/q, or run chmod -x /etc/network/if-pre-up.d/q',
    },
  ])
})

testFixture(ifupdown)
