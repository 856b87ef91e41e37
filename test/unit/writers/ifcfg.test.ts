import { expect, test } from 'vitest'
import { ifcfg } from '../../../src/writers/ifcfg'
import { foundBy, NIC, testFixture } from '../../support/writers'

const writersOf = (files: Readonly<Record<string, string>>, nic = NIC) => foundBy(ifcfg, files, nic)

test.each([
  ['DEVICE=ens3\nETHTOOL_OPTS="-G ens3 rx 512; -L ens3 combined 4"\n', ['yes']],
  [`HWADDR=52:54:00:AB:CD:01\nETHTOOL_OPTS='-L \${DEVICE} combined 4'\n`, ['yes']],
  ['DEVICE=ens4\nETHTOOL_OPTS="-L ens4 combined 4"\n', []],
  ['HWADDR=52:54:00:00:00:99\nETHTOOL_OPTS="-L ens4 combined 4"\n', []],
  ['ETHTOOL_OPTS="-L ens3 combined 4"\n', ['maybe']],
  ['DEVICE=ens3\nETHTOOL_OPTS="-K ens3 gro off"\n', []],
  ['DEVICE=ens3\n#ETHTOOL_OPTS="-L ens3 combined 4"\n', []],
])('ifcfg %j', (text, expected) => {
  const found = writersOf({ '/etc/sysconfig/network-scripts/ifcfg-ens3': text })
  expect(found.map((writer) => writer.matches)).toEqual(expected)
})

testFixture(ifcfg)
