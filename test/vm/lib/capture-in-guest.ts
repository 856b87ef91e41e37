/**
 * Runs inside a guest, bundled alone: copies what vqtune reads to <target>/{sys,proc,ethtool}, so that a test can give
 * these directories as roots. Symbolic links stay as they are (the kernel's are relative). A file that cannot be read
 * is left out, and named with its error in capture.json: a missing file is the nearest thing a tree can hold.
 */
import { spawnSync } from 'node:child_process'
import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'

const [target = '/tmp/capture', description = ''] = process.argv.slice(2)
const unreadable: Record<string, string> = {}

function copy(path: string): void {
  const destination = join(target, path)
  try {
    const status = lstatSync(path)
    if (status.isSymbolicLink()) {
      mkdirSync(dirname(destination), { recursive: true })
      symlinkSync(readlinkSync(path), destination)
    } else if (status.isFile()) {
      const content = readFileSync(path)
      mkdirSync(dirname(destination), { recursive: true })
      writeFileSync(destination, content)
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'EEXIST') unreadable[path] = code ?? String(error)
  }
}

function names(directory: string): string[] {
  try {
    return readdirSync(directory)
  } catch {
    return []
  }
}

function copyNamed(directory: string, files: readonly string[]): void {
  const present = new Set(names(directory))
  for (const file of files) {
    if (present.has(file.split('/')[0] ?? '')) copy(join(directory, file))
  }
}

function copyAll(directory: string): void {
  for (const name of names(directory)) copy(join(directory, name))
}

function copyPciDevice(directory: string): void {
  copyAll(join(directory, 'msi_irqs'))
  copyNamed(directory, [
    ...[
      'class',
      'device',
      'vendor',
      'subsystem_device',
      'irq',
      'modalias',
      'numa_node',
      'local_cpulist',
      'uevent',
    ],
    // On the PCI device, and for virtio-mmio on the platform device.
    ...['driver', 'subsystem', 'power/runtime_status', 'power/control'],
  ])
}

function copyNetdev(name: string): void {
  copy(`/sys/class/net/${name}`)
  const directory = realpathSync(`/sys/class/net/${name}`)
  copyNamed(directory, [
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
    ...['name_assign_type', 'dev_id', 'dev_port', 'iflink', 'speed', 'duplex', 'ifalias', 'uevent'],
    ...[
      'device',
      'subsystem',
      'master',
      'bonding/slaves',
      'bonding/mode',
      'bonding/active_slave',
      'bridge/bridge_id',
    ],
  ])
  for (const entry of names(directory))
    if (/^(lower|upper)_|^bonding_slave$/.test(entry)) copy(join(directory, entry))
  for (const entry of names(join(directory, 'brif'))) copy(join(directory, 'brif', entry))
  for (const queue of names(join(directory, 'queues'))) {
    copyNamed(join(directory, 'queues', queue), [
      'rps_cpus',
      'rps_flow_cnt',
      'xps_cpus',
      'xps_rxqs',
      'tx_timeout',
    ])
  }
  if (!names(directory).includes('device')) return
  const device = realpathSync(join(directory, 'device'))
  copyNamed(device, [
    'features',
    'status',
    'device',
    'vendor',
    'modalias',
    'uevent',
    'driver',
    'subsystem',
    'class',
  ])
  copyPciDevice(device)
  copyPciDevice(dirname(device))
}

function record(name: string, argv: readonly string[]): void {
  const [file = '', ...args] = argv
  const { status, stdout, stderr } = spawnSync(file, args, {
    encoding: 'utf8',
    env: { PATH: process.env.PATH, LC_ALL: 'C' },
  })
  mkdirSync(join(target, 'ethtool'), { recursive: true })
  writeFileSync(join(target, 'ethtool', name), stdout)
  if (status !== 0 || stderr !== '') writeFileSync(join(target, 'ethtool', `${name}.err`), stderr)
  if (status !== 0) writeFileSync(join(target, 'ethtool', `${name}.code`), `${status}\n`)
}

const links = names('/sys/class/net').filter((name) => lstatSync(`/sys/class/net/${name}`).isSymbolicLink())
for (const link of links) copyNetdev(link)
copyNamed(
  '/sys/class/net',
  names('/sys/class/net').filter((name) => !links.includes(name)),
)
for (const name of names('/sys/bus/virtio/drivers/virtio_net')) {
  if (/^virtio\d+$/.test(name)) copy(`/sys/bus/virtio/drivers/virtio_net/${name}`)
}
for (const device of names('/sys/bus/virtio/devices')) copy(`/sys/bus/virtio/devices/${device}`)
const cpus = '/sys/devices/system/cpu'
copyNamed(cpus, [
  'online',
  'offline',
  'present',
  'possible',
  'isolated',
  'nohz_full',
  'kernel_max',
  'smt/active',
  'hotplug/states',
])
for (const cpu of names(cpus))
  if (/^cpu\d+$/.test(cpu)) copyNamed(join(cpus, cpu), ['online', 'topology/core_id'])
for (const node of names('/sys/devices/system/node')) {
  if (/^node\d+$/.test(node)) copy(`/sys/devices/system/node/${node}/cpulist`)
}
copy('/sys/class/dmi/id')
copyNamed('/sys/devices/virtual/dmi/id', [
  ...[
    'sys_vendor',
    'product_name',
    'product_version',
    'product_family',
    'product_sku',
    'board_vendor',
    'board_name',
  ],
  ...['bios_vendor', 'bios_version', 'chassis_vendor', 'chassis_asset_tag'],
])

for (const file of [
  ...['interrupts', 'cmdline', 'softirqs', 'version', 'modules', 'irq/default_smp_affinity'],
  ...['sys/kernel/osrelease', 'sys/kernel/hostname', 'sys/kernel/random/boot_id'],
  ...['sys/net/core/rps_sock_flow_entries', 'sys/net/core/default_qdisc', 'net/vlan/config'],
]) {
  copy(join('/proc', file))
}
for (const bond of names('/proc/net/bonding')) copy(`/proc/net/bonding/${bond}`)
// /proc/net is a link to a process's directory; a tree needs real files.
for (const file of ['dev', 'softnet_stat']) {
  mkdirSync(join(target, 'proc/net'), { recursive: true })
  writeFileSync(join(target, 'proc/net', file), readFileSync(`/proc/net/${file}`))
}
for (const line of readFileSync('/proc/interrupts', 'utf8').split('\n')) {
  const irq = /^\s*(\d+):.*virtio/.exec(line)?.[1]
  if (!irq) continue
  copyNamed(`/proc/irq/${irq}`, [
    ...[
      'smp_affinity',
      'smp_affinity_list',
      'effective_affinity',
      'effective_affinity_list',
      'affinity_hint',
      'node',
    ],
  ])
}

for (const link of links) {
  record(`${link}.l`, ['ethtool', '-l', link])
  record(`${link}.i`, ['ethtool', '-i', link])
  record(`${link}.x`, ['ethtool', '-x', link])
  record(`${link}.S`, ['ethtool', '-S', link])
  record(`${link}.g`, ['ethtool', '-g', link])
  record(`${link}.c`, ['ethtool', '-c', link])
}
record('ip-link.json', ['ip', '-j', '-d', 'link', 'show'])
record('ethtool.version', ['ethtool', '--version'])
writeFileSync(join(target, 'capture.json'), `${JSON.stringify({ description, unreadable }, null, 2)}\n`)
