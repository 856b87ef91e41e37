import { describe, expect, test } from 'vitest'
import { ifcfg, ifcfgWriters } from '../../../src/writers/ifcfg'
import { systemWith } from '../../support/systems'
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

test('the file is sourced: of two lines with one key the last counts', () => {
  const text = 'DEVICE=ens3\nETHTOOL_OPTS="-L ens3 combined 4"\nETHTOOL_OPTS="-L ens3 combined 2"\n'
  const path = '/etc/sysconfig/network-scripts/ifcfg-ens3'
  expect(writersOf({ [path]: text })).toMatchObject([{ where: `${path}:3`, value: '2' }])
  expect(writersOf({ [path]: `${text}ETHTOOL_OPTS=\n` })).toEqual([])
})

test('the line is named, and what takes it back', () => {
  const path = '/etc/sysconfig/network-scripts/ifcfg-ens3'
  expect(
    writersOf({
      [path]: '\nDEVICE=ens3\nexport ETHTOOL_OPTS="-K ens3 gro off; ethtool -L ens3 combined 4"\n',
    }),
  ).toEqual([
    {
      writer: 'ifcfg',
      where: `${path}:3`,
      what: 'runs ethtool -L ens3 combined 4 when the interface comes up (ETHTOOL_OPTS)',
      tunable: 'channels',
      matches: 'yes',
      remedy: `remove -L from ETHTOOL_OPTS in ${path}`,
      value: '4',
    },
  ])
})

describe('one file', () => {
  const found = (path: string, text: string) => {
    const system = systemWith({})
    return ifcfgWriters(system, `${system.paths.root}/etc/sysconfig/${path}`, text, NIC).map(
      ({ matches, where, value }) => `${matches} ${where.replace('/etc/sysconfig/', '')} ${value}`,
    )
  }

  test.each([
    // wicked: the file has the name, unless it has a MAC.
    ['network/ifcfg-ens3', "ETHTOOL_OPTIONS='-L ens3 combined 2'\n", ['yes network/ifcfg-ens3:1 2']],
    ['network/ifcfg-ens4', "ETHTOOL_OPTIONS='-L $DEVICE combined 2'\n", []],
    [
      'network/ifcfg-lan',
      "LLADDR=52:54:00:ab:cd:01\nETHTOOL_OPTIONS_X='-L ens3 combined 2'\n",
      ['yes network/ifcfg-lan:2 2'],
    ],
    // Variables of the file, lines that are joined, -L within another word.
    [
      'network-scripts/ifcfg-a',
      'DEVICE=ens3\nN=2\nETHTOOL_OPTS="-L $DEVICE combined $N"\n',
      ['yes network-scripts/ifcfg-a:3 2'],
    ],
    [
      'network-scripts/ifcfg-a',
      'DEVICE=ens3\nETHTOOL_OPTS="-L ens3 \\\n combined 2"\n',
      ['yes network-scripts/ifcfg-a:2 2'],
    ],
    ['network-scripts/ifcfg-a', 'DEVICE=ens3\nETHTOOL_OPTS="-X-L ens3 combined 2"\n', []],
    [
      'network-scripts/ifcfg-a',
      'DEVICE=ens4\nDEVICE=ens3\nETHTOOL_OPTS="-L ens3 combined 2"\n',
      ['yes network-scripts/ifcfg-a:3 2'],
    ],
    [
      'network-scripts/ifcfg-a',
      'DEVICE=ens3\nHWADDR=52:54:00:00:00:99\nETHTOOL_OPTS="-L ens3 combined 2"\n',
      [],
    ],
    ['network-scripts/ifcfg-a', 'DEVICE=ens3\nMY_ETHTOOL_OPTS="-L ens3 combined 2"\n', []],
    ['network-scripts/ifcfg-a', '', []],
  ])('%s, %j', (path, text, expected) => {
    expect(found(path, text)).toEqual(expected)
  })
})

testFixture(ifcfg)
