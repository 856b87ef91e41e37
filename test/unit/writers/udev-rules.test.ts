import { expect, test } from 'vitest'
import { udevRules } from '../../../src/writers/udev-rules'
import { foundBy, NIC, testFixture } from '../../support/writers'

const writersOf = (files: Readonly<Record<string, string>>, nic = NIC) => foundBy(udevRules, files, nic)

const RULES = '/etc/udev/rules.d/80-net.rules'

test('file and line are named', () => {
  const text =
    '# ethtool -L\n\nACTION=="add", SUBSYSTEM=="net", \\\n  ENV{ID_NET_DRIVER}=="virtio_net", RUN+="/usr/sbin/ethtool -L $name combined 2"\n'
  expect(writersOf({ [RULES]: text })).toEqual([
    {
      writer: 'udev-rule',
      where: `${RULES}:3`,
      what: 'runs ethtool -L $name combined 2 (a udev rule, when its device appears)',
      value: '2',
      tunable: 'channels',
      matches: 'yes',
      remedy: 'remove the rule, or override it with a file of the same name in /etc/udev/rules.d',
    },
  ])
})

test.each([
  ['KERNEL!="eth5", GOTO="end"', []],
  ['SUBSYSTEM!="net", GOTO="end"', ['yes']],
  ['ACTION=="remove", GOTO="end"', ['yes']],
  ['ATTR{speed}=="1000", GOTO="end"', ['maybe']],
  ['GOTO="end"', []],
  ['GOTO="end"\nLABEL="end"', ['yes']],
  // The jump to one label passes over the one to another.
  ['GOTO="a"\nKERNEL=="ens3", GOTO="end"\nLABEL="a"', ['yes']],
])('%j before a rule that sets channels', (rules, expected) => {
  const text = `${rules}\nRUN+="/sbin/ethtool -L $name combined 2"\nLABEL="end"\n`
  expect(writersOf({ [RULES]: text }).map((writer) => writer.matches)).toEqual(expected)
})

test("a vendor's rule is masked, never edited", () => {
  const rule = 'SUBSYSTEM=="net", RUN+="/sbin/ethtool -L %k combined 2"\n'
  expect(writersOf({ '/usr/lib/udev/rules.d/80-net.rules': rule })).toMatchObject([
    {
      where: '/usr/lib/udev/rules.d/80-net.rules:1',
      remedy: 'ln -s /dev/null /etc/udev/rules.d/80-net.rules',
    },
  ])
})

test('a rule that the file ends in the middle of counts', () => {
  const rule = 'SUBSYSTEM=="net", RUN+="/sbin/ethtool -L %k combined 2"'
  expect(writersOf({ [RULES]: `${rule}\\` }).map((writer) => writer.matches)).toEqual(['yes'])
})

test.each([
  ['SUBSYSTEM=="net", NAME=="ens4", RUN+="/sbin/ethtool -L %k combined 2"', []],
  ['SUBSYSTEM=="net", ATTR{address}=="52:54:00:ab:cd:01", RUN+="/sbin/ethtool -L %k combined 2"', ['yes']],
  ['SUBSYSTEM=="net", KERNEL!="lo", RUN+="/sbin/ethtool -L %k combined 2"', ['yes']],
  ['SUBSYSTEM=="net", KERNEL=="eth*", RUN+="/sbin/ethtool --set-channels %k combined 2"', ['maybe']],
  ['SUBSYSTEM=="net", DRIVERS=="ixgbe", RUN+="/sbin/ethtool -L %k combined 2"', []],
  ['SUBSYSTEM=="net", RUN+="/sbin/ethtool -K %k gro off"', []],
  ['SUBSYSTEM=="queues", KERNEL=="tx-*", ATTR{xps_cpus}="f"', ['maybe']],
  ['DRIVER=="virtio_net", RUN+="/sbin/ethtool -L %k combined 2"', ['yes']],
  ['KERNEL=="ens3", RUN+="/sbin/ethtool -L %k combined 2"', ['yes']],
  ['KERNEL=="wlan0", RUN+="/sbin/ethtool -L %k combined 2"', []],
  ['ATTR{mtu}=="1500", RUN+="/sbin/ethtool -L %k combined 2"', ['maybe']],
  ['ENV{ID_NET_DRIVER}=="ixgbe", RUN+="/sbin/ethtool -L %k combined 2"', []],
  ['ENV{INTERFACE}=="ens3", RUN+="/sbin/ethtool -L %k combined 2"', ['yes']],
  ['ENV{ID_NET_NAME}=="ens4", RUN+="/sbin/ethtool -L %k combined 2"', []],
  ['ENV{ID_PATH}=="x", RUN+="/sbin/ethtool -L %k combined 2"', ['maybe']],
  ['TEST=="/x", RUN+="/sbin/ethtool -L %k combined 2" \\', ['maybe']],
  ['SUBSYSTEM=="net", RUN+="/bin/sh -c \'echo 1 > /proc/irq/25/smp_affinity\'"', ['yes']],
  ['SUBSYSTEM=="net", RUN+="/bin/sh -c \'echo 1 > /proc/irq/1/smp_affinity\'"', []],
  ['SUBSYSTEM=="block", RUN+="/bin/sh -c \'echo 1 > /proc/irq/1/smp_affinity\'"', []],
])('%s', (rule, expected) => {
  expect(writersOf({ [RULES]: `${rule}\n` }).map((writer) => writer.matches)).toEqual(expected)
})

test('what a program writes that a rule calls is told of both places', () => {
  const files = {
    [RULES]: 'SUBSYSTEM=="net", IMPORT{program}="q $env{INTERFACE}"\n',
    '/usr/lib/udev/q': '#!/bin/sh\nethtool -L "$1" combined 2\n',
  }
  expect(writersOf(files)).toMatchObject([
    {
      where: '/usr/lib/udev/q:2',
      what: `runs ethtool -L $1 combined 2 (a udev rule, when its device appears), called by ${RULES}:1`,
      matches: 'yes',
    },
  ])
})

test("vqtune's own rule is none", () => {
  const rule = 'SUBSYSTEM=="net", RUN+="/sbin/ethtool -L %k combined 2"\n'
  expect(writersOf({ '/usr/lib/udev/rules.d/90-vqtune.rules': rule })).toEqual([])
})

test('an attribute that a rule writes is told by its name', () => {
  const rule = 'SUBSYSTEM=="net", NAME=="ens3", ATTR{queues/tx-0/xps_cpus}="f"\n'
  expect(writersOf({ [RULES]: rule })).toEqual([
    {
      writer: 'udev-rule',
      where: `${RULES}:1`,
      what: 'a rule writes xps_cpus when its device appears',
      tunable: 'xps',
      matches: 'yes',
      remedy: 'remove the rule, or override it with a file of the same name in /etc/udev/rules.d',
    },
  ])
})

test.each(['$name', '%k', '$kernel', '$env{INTERFACE}', '%E{INTERFACE}', '$env{ID_NET_NAME}'])(
  '%s is the name of the NIC',
  (substitution) => {
    const rule = `SUBSYSTEM=="net", RUN{program}+="/sbin/ethtool -L ${substitution} combined 2"\n`
    expect(writersOf({ [RULES]: rule })).toMatchObject([{ matches: 'yes', value: '2' }])
  },
)

test.each([
  ['ACTION=="remove"', []],
  ['ACTION=="add|change"', ['yes']],
  ['ACTION!="remove"', ['yes']],
  ['NAME=="eth*|ens*"', ['yes']],
  ['KERNEL!="ens*"', []],
  ['DRIVERS=="virtio-pci"', ['yes']],
  ['ATTR{address}=="52:54:00:AB:CD:01"', ['yes']],
  ['ATTRS{address}=="52:54:00:00:00:01"', []],
  ['ATTR{address}!="52:54:00:ab:cd:01"', []],
  ['ENV{ID_NET_DRIVER}=="virtio*"', ['yes']],
  ['ENV{ID_PATH}!="x"', ['maybe']],
  // Assignments are no conditions.
  ['NAME="eth9", ENV{X}="1"', ['yes']],
])('a rule for %s: %j', (conditions, expected) => {
  const rule = `${conditions}, RUN+="/sbin/ethtool -L $name combined 2"\n`
  expect(writersOf({ [RULES]: rule }).map(({ matches }) => matches)).toEqual(expected)
})

test('quotes and signs in a command are taken as udev takes them', () => {
  const rule = `SUBSYSTEM=="net", RUN+="/bin/sh -c 'N=2; ethtool -L $name combined $$N'"`
  expect(writersOf({ [RULES]: rule })).toMatchObject([{ matches: 'yes', value: '2' }])
})

testFixture(udevRules)
