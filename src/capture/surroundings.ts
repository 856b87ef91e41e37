/**
 * Files that vqtune does not read, but that whoever opens a capture asks for next: kernel, distribution, and the NICs'
 * surroundings. Each may be missing.
 */
import type { System } from '../system/system'

const NETDEV_FILES = [
  ...[
    'ifindex',
    'address',
    'addr_assign_type',
    'operstate',
    'carrier',
    'carrier_changes',
    'mtu',
    'type',
    'flags',
  ],
  ...['name_assign_type', 'dev_port', 'iflink', 'speed', 'duplex', 'uevent'],
  ...['bonding/slaves', 'bonding/mode', 'bonding/active_slave', 'bridge/bridge_id'],
]
const QUEUE_FILES = ['rps_cpus', 'rps_flow_cnt', 'xps_cpus', 'xps_rxqs', 'tx_timeout']
const DEVICE_FILES = [
  'features',
  'status',
  'device',
  'vendor',
  'modalias',
  'uevent',
  'class',
  'irq',
  'numa_node',
]
const POWER_FILES = ['power/runtime_status', 'power/control']
const CPU_FILES = [
  'online',
  'offline',
  'present',
  'possible',
  'isolated',
  'nohz_full',
  'kernel_max',
  'smt/active',
]
const DMI_FILES = [
  ...['sys_vendor', 'product_name', 'product_version', 'product_family'],
  ...['board_vendor', 'board_name', 'bios_vendor', 'bios_version', 'chassis_vendor'],
]
/** ethtool's queries: channels, driver, RSS table, statistics, offloads, rings, coalescing. */
const ETHTOOL_QUERIES = ['-l', '-i', '-x', '-S', '-k', '-g', '-c']

/**
 * Does not throw.
 * @param plain the same system without a memory: a listing alone is not worth being kept
 * @param system remembers what is read through it
 */
export async function readSurroundings(
  plain: System,
  system: System,
  nics: readonly string[],
): Promise<void> {
  const { paths } = system
  const files = [
    ...[paths.procVersion, paths.procHostname, paths.procKernelRelease, paths.osRelease],
    ...[paths.procCmdline, `${paths.procIrq}/default_smp_affinity`, `${paths.procNet}/vlan/config`],
    ...CPU_FILES.map((file) => `${paths.sysCpu}/${file}`),
    ...DMI_FILES.map((file) => `${paths.sysDmi}/${file}`),
    ...listed(plain, paths.sysClassNet).flatMap((name) =>
      netdevFiles(plain, system, `${paths.sysClassNet}/${name}`),
    ),
  ]
  for (const file of files) attempt(() => system.readText(file))
  if (system.findTool('ip') !== undefined) await tried(system, 'ip', ['-j', '-d', 'link', 'show'])
  if (system.findTool('ethtool') === undefined) return
  for (const nic of nics) for (const query of ETHTOOL_QUERIES) await tried(system, 'ethtool', [query, nic])
}

function netdevFiles(plain: System, system: System, directory: string): string[] {
  const members = listed(plain, directory).filter((name) =>
    /^(?:lower|upper)_|^bonding_slave$|^master$/.test(name),
  )
  for (const member of members) attempt(() => system.readLink(`${directory}/${member}`))
  return [
    ...NETDEV_FILES.map((file) => `${directory}/${file}`),
    ...listed(plain, `${directory}/queues`).flatMap((queue) =>
      QUEUE_FILES.map((file) => `${directory}/queues/${queue}/${file}`),
    ),
    ...['device', 'device/..'].flatMap((device) =>
      [...DEVICE_FILES, ...POWER_FILES].map((file) => `${directory}/${device}/${file}`),
    ),
  ]
}

function listed(system: System, directory: string): readonly string[] {
  return attempt(() => system.list(directory)) ?? []
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    // Remembered as unreadable.
    return undefined
  }
}

async function tried(system: System, tool: string, args: readonly string[]): Promise<void> {
  await system.run(tool, args).catch(() => undefined)
}
