import { expect, it } from 'vitest'
import { readSurroundings } from '../../../src/capture/surroundings'
import type { System } from '../../../src/system/system'
import { systemWith } from '../../support/systems'

/** What is asked for of a guest with these files and programs, without the root. */
async function asked(
  files: Readonly<Record<string, string>>,
  tools: readonly string[],
  nics: readonly string[],
) {
  const plain = systemWith(files)
  const { root } = plain.paths
  const read: string[] = []
  const ran: string[] = []
  const system: System = Object.assign(Object.create(plain) as System, {
    readText: (path: string) => {
      read.push(path.slice(root.length))
      if (path.endsWith('/speed')) throw Object.assign(new Error('EIO'), { code: 'EIO' })
      return plain.readText(path)
    },
    readLink: (path: string) => {
      read.push(`-> ${path.slice(root.length)}`)
      return plain.readLink(path)
    },
    findTool: (tool: string) => (tools.includes(tool) ? `/usr/sbin/${tool}` : undefined),
    run: async (tool: string, args: readonly string[]) => {
      ran.push([tool, ...args].join(' '))
      throw new Error('it fails')
    },
  })
  await readSurroundings(plain, system, nics)
  return { read, ran }
}

const ETH0 = '/sys/class/net/eth0'

it('kernel, distribution, CPUs and firmware are read wherever they are', async () => {
  const { read, ran } = await asked({}, [], ['eth0'])
  expect(read).toEqual(
    expect.arrayContaining([
      ...['/proc/version', '/proc/cmdline', '/etc/os-release', '/proc/irq/default_smp_affinity'],
      ...['/sys/devices/system/cpu/isolated', '/sys/class/dmi/id/sys_vendor', '/proc/net/vlan/config'],
    ]),
  )
  // Serial numbers are nobody's business.
  expect(read.filter((path) => /serial|uuid|asset/.test(path))).toEqual([])
  expect(ran).toEqual([])
})

it('each interface is read with its queues, its device and that one’s parent', async () => {
  const { read } = await asked(
    { [`${ETH0}/queues/tx-1/xps_cpus`]: '0', '/sys/class/net/lo/mtu': '1' },
    [],
    [],
  )
  expect(read).toEqual(
    expect.arrayContaining([
      ...[`${ETH0}/address`, `${ETH0}/bonding/slaves`, `${ETH0}/queues/tx-1/xps_cpus`],
      ...[`${ETH0}/device/features`, `${ETH0}/device/../numa_node`, '/sys/class/net/lo/mtu'],
    ]),
  )
  // After one that cannot be read.
  expect(read.indexOf(`${ETH0}/duplex`)).toBeGreaterThan(read.indexOf(`${ETH0}/speed`))
})

it('who is above and below it is told by links', async () => {
  const links = ['master', 'lower_eth1', 'upper_br0', 'bonding_slave']
  const files = Object.fromEntries([...links, 'other'].map((name) => [`${ETH0}/${name}`, '']))
  const { read } = await asked(files, [], [])
  expect(read.filter((path) => path.startsWith('-> ')).sort()).toEqual(
    links.map((name) => `-> ${ETH0}/${name}`).sort(),
  )
})

it('ip is asked once and ethtool for each NIC, also where all of them fail; nothing that is not installed', async () => {
  expect((await asked({}, ['ip'], ['eth0'])).ran).toEqual(['ip -j -d link show'])
  const { ran } = await asked({}, ['ip', 'ethtool'], ['eth0', 'eth1'])
  expect(ran).toEqual([
    'ip -j -d link show',
    ...['-l', '-i', '-x', '-S', '-k', '-g', '-c'].map((query) => `ethtool ${query} eth0`),
    ...['-l', '-i', '-x', '-S', '-k', '-g', '-c'].map((query) => `ethtool ${query} eth1`),
  ])
})
