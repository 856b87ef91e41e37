import { expect, test } from 'vitest'
import { nicsOf, perftune } from '../../../src/writers/perftune'
import { processFiles } from '../../support/systems'
import { foundBy, testFixture } from '../../support/writers'

test.each([
  ['nic: eth0\n', ['eth0']],
  ['nic: eth0 # why\n', ['eth0']],
  ['nic: [eth0, "eth1", \'eth2\']\n', ['eth0', 'eth1', 'eth2']],
  ['mode: mq\nnic:\n- eth0\n  - "eth1"\n\n# - eth2\n- eth3.5\ntune:\n- net\n', ['eth0', 'eth1', 'eth3.5']],
  ['nic:\r\n- eth0\r\n', ['eth0']],
  ['nic: []\n- eth0\n', []],
  ['# nic: eth0\nnics: eth1\n  nic: eth2\n', []],
])('NICs of %j', (text, expected) => {
  expect(nicsOf(text)).toEqual(expected)
})

test('it says what it sets, and where it is configured', () => {
  const files = { '/etc/scylla.d/perftune.yaml': 'nic: enp0s3\n', ...processFiles(900, 'perftune.py') }
  const [first, ...more] = foundBy(perftune, files)
  expect(first).toEqual({
    writer: 'perftune',
    where: 'pid 900',
    what: "seastar's perftune.py sets interrupts, RPS, RFS and XPS, configured in /etc/scylla.d/perftune.yaml; runs as pid 900",
    tunable: 'irq-affinity',
    matches: 'yes',
    remedy: 'set SET_NIC_AND_DISKS=no in /etc/sysconfig/scylla-server, or leave the NIC out of perftune.yaml',
  })
  expect(more.map(({ tunable }) => tunable)).toEqual(['rps', 'rfs', 'xps'])
})

test('without a configuration, or with one that names no NIC, it may mean any', () => {
  const script = { '/usr/lib/scylla/perftune.py': '' }
  expect(foundBy(perftune, script)).toHaveLength(4)
  expect(foundBy(perftune, { ...script, '/etc/scylla.d/perftune.yaml': 'mode: mq\n' })).toHaveLength(4)
})

testFixture(perftune)
