import { describe, expect, test } from 'vitest'
import { type Script, type ScriptWrite, scriptWrites } from '../../../../src/writers/shell/script'
import { NIC } from '../../../support/writers'

/** Interrupts 25 to 28. */
const ETH1 = { ...NIC, name: 'eth1' }

const brief = ({ matches, tunable, line, value }: ScriptWrite) =>
  `${matches} ${tunable} ${line}${value === undefined ? '' : ` = ${value}`}`

/** Called with any NIC. */
const script = (text: string, more: Partial<Script> = {}): Script => ({
  path: '/s',
  text,
  bindings: new Map([['1', ['*']]]),
  ...more,
})
const found = (text: string, more: Partial<Script> = {}) => scriptWrites(script(text, more), ETH1).map(brief)
const clauses = (text: string) => scriptWrites(script(text), ETH1).map(({ what }) => what)

test.each([
  [
    'if',
    'if [ "$1" = "eth1" ] && [ "$2" = up ]; then\n\tethtool -L $1 combined 2\nfi\n',
    ['yes channels 2 = 2'],
  ],
  [
    'if and else',
    'if [ "$1" = "eth0" ]; then\n\tethtool -L $1 combined 2\nelse\n  ethtool -L $1 combined 3\nfi\n',
    ['yes channels 4 = 3'],
  ],
  [
    'case',
    'case "$1" in\n  eth1|eth2) ethtool -L "$1" combined 2 ;;\n  *) ;;\nesac\n',
    ['yes channels 2 = 2'],
  ],
  [
    'case for others',
    'case $1 in\n  eth0)\n    ethtool -L $1 combined 2\n    ;;\n  eth10) ethtool -L $1 combined 3 ;;\nesac\n',
    [],
  ],
  [
    'leaves unless it is another',
    'IFACE=$1\n[ "$IFACE" != "eth0" ] && exit 0\nethtool -L $IFACE combined 2\n',
    [],
  ],
  [
    'leaves unless it is this one',
    '[ "x$1" = "xeth1" ] || exit 0\n/usr/sbin/ethtool -L "$1" combined 2\n',
    ['yes channels 2 = 2'],
  ],
  ['a loop over names', 'for i in eth0 eth1; do\n  ethtool -L $i combined 2\ndone\n', ['yes channels 2 = 2']],
  ['a loop over others', 'for i in eth0 eth10; do ethtool -L $i combined 2; done\n', []],
  [
    'a loop over a glob',
    `for i in /sys/class/net/eth*; do\n  ethtool -L \${i##*/} combined 2\ndone\n`,
    ['maybe channels 2 = 2'],
  ],
  [
    'a loop over all',
    'for i in $(ls /sys/class/net); do ethtool -L $i combined $(nproc); done\n',
    ['maybe channels 1 = vcpus'],
  ],
  [
    'comments, messages and a here-document',
    '# ethtool -L eth1 combined 2\necho "ethtool -L eth1 combined 2"\nlogger ethtool -L eth1 combined 2\ncat <<EOF\nethtool -L eth1 combined 2\nEOF\n',
    [],
  ],
  [
    'other calls',
    'ethtool -l eth1\nethtool -K eth1 gro off\nethtool -L eth1 combined 2 # not 4\n',
    ['yes channels 3 = 2'],
  ],
  ['behind sudo and nice', 'sudo -n nice -n 5 /sbin/ethtool -L eth1 combined 2\n', ['yes channels 1 = 2']],
  [
    'a variable for the program, rx and tx',
    'ETHTOOL=/usr/sbin/ethtool\n$ETHTOOL -L eth1 rx 2 tx 2\n',
    ['yes channels 2'],
  ],
  [
    'a function',
    'set_queues() {\n  ethtool -L "$1" combined "$2"\n}\nset_queues eth1 2\n',
    ['yes channels 2 = 2'],
  ],
  ['a function for another', 'set_queues() {\n  ethtool -L "$1" combined "$2"\n}\nset_queues eth0 2\n', []],
  ['tee', 'echo 4 | tee /sys/class/net/eth1/queues/tx-0/xps_cpus\n', ['yes xps 1']],
  [
    'all queues',
    'for q in /sys/class/net/$1/queues/rx-*; do\n echo f > $q/rps_cpus\n echo 4096 > $q/rps_flow_cnt\ndone\n',
    ['yes rfs 3', 'yes rps 2'],
  ],
  [
    'interrupts that are not known',
    'for irq in $(grep virtio /proc/interrupts | cut -d: -f1); do\n echo 1 > /proc/irq/$irq/smp_affinity\ndone\n',
    ['maybe irq-affinity 2'],
  ],
  [
    'interrupts by number',
    'echo 1 > /proc/irq/25/smp_affinity_list\necho 1 > /proc/irq/99/smp_affinity\n',
    ['yes irq-affinity 1'],
  ],
  [
    'a Python script',
    '#!/usr/bin/python3\nimport subprocess\n# ethtool -L eth1\nsubprocess.run(["ethtool", "-L", "eth1", "combined", "2"])\n',
    ['maybe channels 4'],
  ],
  ['after the end', 'exit 0\nethtool -L eth1 combined 2\n', []],
])('%s', (_name, text, expected) => {
  expect([...found(text)].sort()).toEqual(expected)
})

describe('the NIC of ethtool', () => {
  test.each([
    ['ethtool -L eth1 combined 2', ['yes channels 1 = 2']],
    ['ethtool --set-channels enp0s3 combined 2', ['yes channels 1 = 2']],
    ['/opt/bin/ethtool -L eth1 combined 2', ['yes channels 1 = 2']],
    ['ethtool -L eth10 combined 2', []],
    ['ethtool -L "$UNKNOWN" combined 2', ['maybe channels 1 = 2']],
    ['ethtool -L "eth$N" combined 2', ['maybe channels 1 = 2']],
    ['ethtool -L "ens$N" combined 2', []],
    ['"$ETHTOOL" -L eth1 combined 2', ['yes channels 1 = 2']],
    ['"$TOOL" -L eth1 combined 2', []],
    ['ethtool -L', []],
    ['ethtool -G eth1 rx 512', ['yes rings 1']],
    ['ethtool --set-ring eth1 rx 512', ['yes rings 1']],
    // Debian's script of ethtool sets what interfaces(5) says: nothing, as a rule.
    ['ethtool -G eth1 $SETTINGS', []],
  ])('%s', (text, expected) => {
    expect(found(text)).toEqual(expected)
  })
})

describe('the value', () => {
  test.each([
    ['combined 4', ['yes channels 1 = 4']],
    ['rx 4 tx 4', ['yes channels 1']],
    ['combined', ['yes channels 1']],
    ['combined 123456', ['yes channels 1']],
    ['combined $(nproc --all)', ['yes channels 1 = vcpus']],
    ['combined $(grep -c ^processor /proc/cpuinfo)', ['yes channels 1 = vcpus']],
    ['combined `getconf _NPROCESSORS_ONLN`', ['yes channels 1 = vcpus']],
    ['combined $(cat /etc/queues)', ['yes channels 1']],
    ['combined $UNKNOWN', ['yes channels 1']],
  ])('%s', (pairs, expected) => {
    expect(found(`ethtool -L eth1 ${pairs}`)).toEqual(expected)
  })
})

test('the clause says what is not known, unless it is known all the same', () => {
  expect(clauses('N=2; ethtool -L eth1 combined $N')).toEqual(['runs ethtool -L eth1 combined 2'])
  expect(clauses('ethtool -L "$1" combined 2')).toEqual(['runs ethtool -L $1 combined 2'])
  expect(clauses('ethtool -L "$NIC" combined "$N" rx "$N"')).toEqual([
    'runs ethtool -L $NIC combined $N rx $N (unresolved: $NIC, $N)',
  ])
  expect(clauses('ethtool -L eth1 combined "2\nx"')).toEqual(['runs ethtool -L eth1 combined 2\\u000ax'])
  expect(clauses('echo 1 >/proc/irq/$N/smp_affinity')).toEqual([
    'writes smp_affinity (/proc/irq/$N/smp_affinity)',
  ])
})

describe('files of procfs and sysfs', () => {
  const QUEUES = '/sys/class/net/eth1/queues'
  test.each([
    [`echo f >${QUEUES}/tx-0/xps_cpus`, ['yes xps 1']],
    [`echo 1 >${QUEUES}/tx-0/xps_rxqs`, ['yes xps 1']],
    [`echo f >>${QUEUES}/rx-0/rps_cpus`, ['yes rps 1']],
    [`echo 9 >${QUEUES}/rx-0/rps_flow_cnt`, ['yes rfs 1']],
    ['echo f >/sys/class/net/eth10/queues/rx-0/rps_cpus', []],
    ['echo f >/sys/devices/pci0000:00/0000:00:03.0/virtio0/net/eth1/queues/rx-0/rps_cpus', ['yes rps 1']],
    [`echo f >${QUEUES}/rx-0/byte_queue_limits`, []],
    [`cat <${QUEUES}/rx-0/rps_cpus`, []],
    ['cd /sys; echo f >rps_cpus', ['maybe rps 1']],
    ['echo 1 >/proc/irq/28/smp_affinity', ['yes irq-affinity 1']],
    ['echo 1 >/proc/irq/29/smp_affinity', []],
    ['echo 1 >/proc/irq/*/smp_affinity', ['yes irq-affinity 1']],
    ['for i in 24 25; do echo 1 >/proc/irq/$i/smp_affinity; done', ['yes irq-affinity 1']],
    ['echo 1 >/proc/irq/default_smp_affinity', []],
    ['echo 1 >/sys/class/net/eth1/threaded', ['yes threaded-napi 1']],
    ['echo 1 >/sys/class/net/eth2/threaded', []],
    ['echo 1 >/run/threaded', []],
    ['echo 1 >$DIR/threaded', ['maybe threaded-napi 1']],
    // By a program of its own.
    [`tee -a ${QUEUES}/rx-0/rps_cpus </x`, ['yes rps 1']],
    [`cp /x ${QUEUES}/rx-0/rps_cpus`, ['yes rps 1']],
    [`cp ${QUEUES}/rx-0/rps_cpus /save`, []],
    [`install -m 644 /x ${QUEUES}/rx-0/rps_cpus`, ['yes rps 1']],
    [`dd if=/x of=${QUEUES}/rx-0/rps_cpus`, ['yes rps 1']],
    [`dd if=${QUEUES}/rx-0/rps_cpus of=/x`, []],
    [`sudo tee ${QUEUES}/rx-0/rps_cpus`, ['yes rps 1']],
    ['sysctl -qw net.core.rps_default_mask=f', ['maybe rps 1']],
    ['sysctl -w net/core/rps_default_mask=f', ['maybe rps 1']],
    ['sysctl net.core.rps_default_mask net.core.somaxconn=1', []],
  ])('%s', (text, expected) => {
    expect(found(text)).toEqual(expected)
  })
})

test.each([
  'sudo',
  'env A=1 B=2',
  'timeout -k 5 10',
  'ip netns exec blue',
  'chrt -f 5 taskset -c 0',
  'flock /run/lock',
  'nsenter --net=/x -- busybox',
  'ls | xargs -n 1',
  'exec',
  'if',
])('behind %s it is the same program', (wrapper) => {
  expect(found(`${wrapper} ethtool -L eth1 combined 2`)).toEqual(['yes channels 1 = 2'])
})

test('a wrapper of a script is none of it, and one of nothing is nothing', () => {
  const open = (path: string) => (path === '/b' ? 'ethtool -L eth1 combined 2' : undefined)
  expect(scriptWrites(script('sudo -u root /b'), ETH1, open).map(brief)).toEqual(['yes channels 1 = 2'])
  expect(scriptWrites(script('sudo -l; sudo'), ETH1, open)).toEqual([])
})

describe('a shell in a shell', () => {
  test.each([
    [`sh -c 'ethtool -L eth1 combined 2'`, ['yes channels 1 = 2']],
    [`true\nbash -ec 'true\nethtool -L eth1 combined 2'`, ['yes channels 3 = 2']],
    [`sh -c 'ethtool -L "$1" combined "$0"' 2 eth1`, ['yes channels 1 = 2']],
    [`sh -c 'ethtool -L "$1" combined 2' - eth10`, []],
    [`sh -c "ethtool -L $UNKNOWN combined 2"`, ['maybe channels 1 = 2']],
    ['sh -c', []],
    ['sh', []],
  ])('%j', (text, expected) => {
    expect(found(text)).toEqual(expected)
  })

  test('four deep are followed, and no more', () => {
    const nested = (depth: number): string =>
      depth === 0 ? 'ethtool -L eth1 combined 2' : `sh -c '${nested(depth - 1).replaceAll("'", `'\\''`)}'`
    expect(found(nested(4))).toEqual(['yes channels 1 = 2'])
    expect(found(nested(5))).toEqual([])
  })
})

describe('scripts that it calls', () => {
  const inner = (text: string) => (path: string) => (path === '/b' ? text : undefined)
  const called = (text: string, other: string) =>
    scriptWrites(script(text), ETH1, inner(other)).map((one) => `${one.path} ${brief(one)}`)

  test.each(['/b', 'sh /b', 'bash -e /b', '. /b', 'source /b', 'sudo /b', 'nice -n 5 /b'])('by %s', (how) => {
    expect(called(`true\n${how}`, '#!/bin/sh\nethtool -L eth1 combined 2')).toEqual(['/b yes channels 2 = 2'])
  })

  test('their arguments are their own, variables are passed on', () => {
    const text = 'for n in "$@"; do ethtool -L "$n" combined "$N"; done'
    expect(called('/b eth1', text)).toEqual(['/b yes channels 1'])
    expect(called('/b eth10', text)).toEqual([])
    expect(called('/b', 'ethtool -L "$1" combined 2')).toEqual(['/b maybe channels 1 = 2'])
    const bindings = new Map([['N', ['2']]])
    expect(scriptWrites(script('/b eth1', { bindings }), ETH1, inner(text)).map((one) => one.value)).toEqual([
      '2',
    ])
  })

  test('what is written by each is found once; those that call each other end', () => {
    expect(called('/b eth1\n/b eth1', 'ethtool -L "$1" combined 2')).toHaveLength(1)
    expect(called('/b', '/b\nethtool -L eth1 combined 2')).toHaveLength(1)
  })

  test('one by a name only, or that is not there, writes nothing that is known', () => {
    expect(called('b; /gone', 'ethtool -L eth1 combined 2')).toEqual([])
  })

  test('a program of a vendor is known by its name', () => {
    const writes = (text: string, other = '') => called(text, other).map((one) => one.replace(/^\S+ /, ''))
    expect(writes('/opt/set_irq_affinity.sh eth1')).toEqual(['yes irq-affinity 1'])
    expect(writes('/opt/set_irq_affinity.sh -x local eth10')).toEqual([])
    expect(writes('/opt/set_irq_affinity.sh 0-3 $NIC')).toEqual(['maybe irq-affinity 1'])
    expect(writes('set_irq_affinity.sh all')).toEqual(['maybe irq-affinity 1'])
    expect(writes('python3 -u /opt/perftune.py --nic eth10')).toEqual([
      'maybe irq-affinity 1',
      'maybe xps 1',
      'maybe rps 1',
      'maybe rfs 1',
    ])
    expect(clauses('set_irq_affinity.sh 0-3 eth1')).toEqual(['runs set_irq_affinity.sh 0-3 eth1'])
  })
})

describe('no shell script', () => {
  test.each([
    ['#!/usr/bin/python3\nrun("ethtool -L eth1 combined 2")', ['maybe channels 2']],
    ['#!/usr/bin/env perl\nsystem("ethtool", "--set-channels", $nic)', ['maybe channels 2']],
    ['#!/usr/bin/python3\nrun(["ethtool", "-L", "eth10", "combined"])', []],
    ['#!/usr/bin/python3\nrun(["ethtool", "-l", "eth1"])', []],
    ['#!/usr/bin/python3\n# ethtool -L eth1', []],
    [
      '#!/usr/bin/python3\nopen("/proc/irq/25/smp_affinity")\nopen("smp_affinity_list")\nxps_cpus rps_cpus rps_flow_cnt',
      ['maybe irq-affinity 2', 'maybe xps 4', 'maybe rps 4', 'maybe rfs 4'],
    ],
    ['#!/usr/bin/python3\nopen("/proc/irq/default_smp_affinity")', []],
    ['#!/usr/bin/env bash\nethtool -L eth1 combined 2', ['yes channels 2 = 2']],
    ['#! /bin/ksh\nethtool -L eth1 combined 2', ['yes channels 2 = 2']],
  ])('%j', (text, expected) => {
    expect(found(text)).toEqual(expected)
  })

  test('what it runs is a possibility, and says why', () => {
    expect(clauses('#!/usr/bin/python3\nrun("ethtool -L eth1"); f("xps_cpus")')).toEqual([
      'runs ethtool -L (unresolved: it is no shell script)',
      'names xps_cpus (unresolved: it is no shell script)',
    ])
  })
})

test('lines are those of the file that the text is in', () => {
  expect(found('true\nethtool -L eth1 combined 2', { line: 10 })).toEqual(['yes channels 11 = 2'])
  expect(found('#!/usr/bin/python3\nethtool -L eth1', { line: 10 })).toEqual(['maybe channels 11'])
})

test('one command without a shell writes to no file by >, and has no second command', () => {
  expect(found('echo 1 > /proc/irq/25/smp_affinity', { isPlain: true })).toEqual([])
  expect(found('true ; ethtool -L eth1 combined 2', { isPlain: true })).toEqual([])
  expect(found('ethtool -L eth1 combined 2', { isPlain: true })).toEqual(['yes channels 1 = 2'])
})
