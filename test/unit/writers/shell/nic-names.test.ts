import { expect, test } from 'vitest'
import { isUnresolved, meansNic, nicOfSysfsPath } from '../../../../src/writers/shell/nic-names'
import { NIC } from '../../../support/writers'

/** As a script's text has what is not known. */
const UNKNOWN = '\u0001'

test.each([
  [['ens3'], 'yes'],
  [['enp0s3'], 'yes'],
  [['ens30'], 'no'],
  [['ens'], 'no'],
  [['ens*'], 'yes'],
  [['*'], 'yes'],
  [['ens[0-9]'], 'yes'],
  [['ens['], 'no'],
  [['/sys/class/net/ens3'], 'yes'],
  [['/sys/class/net/ens*/'], 'yes'],
  [['/run/root/sys/class/net/ens3'], 'yes'],
  [[UNKNOWN], 'maybe'],
  [[`en${UNKNOWN}`], 'maybe'],
  [[`eth${UNKNOWN}`], 'no'],
  // Any of its values will do, and a certain one beats a possible one.
  [['eth0', 'ens3'], 'yes'],
  [[UNKNOWN, 'ens3'], 'yes'],
  [['eth0', UNKNOWN], 'maybe'],
  [['eth0', 'eth1'], 'no'],
  [[], 'no'],
] as const)('%j means ens3: %s', (texts, expected) => {
  expect(meansNic(texts, NIC)).toBe(expected)
})

test.each([
  ['/sys/class/net/ens3/queues/tx-0/xps_cpus', 'ens3'],
  ['/sys/class/net/ens3/queues', 'ens3'],
  ['/sys/class/net/ens3/threaded', 'ens3'],
  ['/sys/devices/pci0000:00/0000:00:03.0/virtio0/net/ens3/queues/rx-0/rps_cpus', 'ens3'],
  ['/sys/class/net/eth*/queues/rx-0/rps_cpus', 'eth*'],
  ['/sys/class/net/ens3/mtu', undefined],
  ['/sys/class/net/ens3/queues-old', undefined],
  ['/sys/class/net/ens3/threaded/x', undefined],
  ['/run/threaded', undefined],
])('the NIC of %s is %s', (path, expected) => {
  expect(nicOfSysfsPath(path)).toBe(expected)
})

test('a word is unresolved if one of its texts is', () => {
  expect(isUnresolved({ texts: ['a', `b${UNKNOWN}`], shown: '$X' })).toBe(true)
  expect(isUnresolved({ texts: ['a', 'b'], shown: '$X' })).toBe(false)
  expect(isUnresolved({ texts: [], shown: '' })).toBe(false)
})
