/**
 * The boot record: all that the plan of this guest depends on, as text, written after a boot with nothing to do. At the next
 * boot systemd/boot-gate makes the same text from the same files, without the runtime, and hands over to vqtune unless the
 * two are equal. So what is in this text, and what is refused here, is what makes "nothing to do" safe to repeat.
 */
import { loadSettings } from '../config/load'
import type { Settings } from '../config/settings'
import { parseVirtioInterrupts } from '../kernel/interrupts'
import { VIRTIO_ID_NET } from '../kernel/nics'
import { pendingNics } from '../kernel/pending-nics'
import type { ObservedGuest } from '../model'
import type { System } from '../system/system'
import { RFS_KEY, RFS_SPREAD } from '../tunables/rfs'
import { concernsRings } from '../tunables/rings'
import { readLedger } from './ledger'
import type { Operation } from './reconcile'

/** A config file of more lines is not compared: the shell would take longer than vqtune. */
const MAX_LINES = 1_000

/** A doubt: this guest has no record. */
class Unrecordable extends Error {}

/**
 * Records the guest, if vqtune has nothing to do on it now, and nothing that it depends on is beyond a shell. Reads everything
 * anew, and once more after planning: what changed meanwhile is not recorded. The same record is not written again.
 * Never fails: without a record the next boot starts vqtune.
 * @param operationFor `apply` by these settings, with all holds respected
 */
export async function recordBoot(
  system: System,
  operationFor: (settings: Settings) => Operation,
): Promise<void> {
  try {
    const { bootRecord } = system.paths
    const before = readBootState(system)
    const settings = await loadSettings(system)
    const text = recordText(identityOfGate(system), settings.boot, before)
    if (system.readText(bootRecord) === text) return
    const operation = operationFor(settings)
    const guest = await operation.observe(new Map())
    const ledger = readLedger(system, guest.bootId)
    const { steps, skips } = operation.plan(guest, ledger)
    if (steps.length + skips.length + ledger.entries.length > 0) return
    if (!isComparable(guest, settings, before) || readBootState(system) !== before) return
    system.replaceFile(bootRecord, text)
  } catch {
    // A full or read-only disk, an unreadable file, or a doubt.
  }
}

/** Whether all that the plan depends on is in files that a shell can compare. */
function isComparable({ nics }: ObservedGuest, { rules }: Settings, state: string): boolean {
  // Only ethtool shows ring sizes.
  if (concernsRings(rules)) return false
  // A shell reads byte by byte, and the kernel gives a number of /proc/sys only to the first read (proc_dointvec).
  if (rules.some(({ settings: { switches } }) => switches?.[RFS_KEY] === RFS_SPREAD)) return false
  // Altnames and permanent addresses are shown by `ip` only.
  const needsIp = rules.some(({ match: { name, mac } }) => name !== undefined || mac !== undefined)
  return (
    !needsIp &&
    nics.length > 0 &&
    nics.length === [...state.matchAll(/^nic /gm)].length &&
    nics.every(
      ({ channels, interruptLayout, features, obstacle }) =>
        // Elsewhere only ethtool tells the maximum, and the RSS table.
        channels.maximum !== undefined &&
        interruptLayout === 'per-queue' &&
        !features.rss &&
        obstacle === undefined,
    )
  )
}

/** The whole file. */
function recordText(identity: string, { waitMs, limitMs }: Settings['boot'], state: string): string {
  return `${identity}\nwait ${Math.min(waitMs, limitMs)}\n${state}`
}

/** The gate takes records of its own build only. @throws Unrecordable if it is not installed: nobody would read the record */
function identityOfGate(system: System): string {
  const identity = /^identity='([^'\n]+)'$/m.exec(system.readText(system.paths.bootGate) ?? '')?.[1]
  if (identity === undefined) throw new Unrecordable()
  return identity
}

/**
 * The text that systemd/boot-gate makes, too: line by line the same.
 * @throws Unrecordable, or the system error
 */
function readBootState(system: System): string {
  if (pendingNics(system).length > 0) throw new Unrecordable()
  return [...machineLines(system), ...configLines(system), ...nicLines(system), 'end', ''].join('\n')
}

function machineLines(system: System): string[] {
  const { paths } = system
  const files = [
    paths.procKernelRelease,
    paths.procCmdline,
    `${paths.sysCpu}/online`,
    `${paths.sysCpu}/isolated`,
    `${paths.sysCpu}/nohz_full`,
    `${paths.sysCgroup}/cpuset.cpus.isolated`,
  ]
  for (const name of system.list(paths.sysCgroup)) {
    const partition = oneLine(system, `${paths.sysCgroup}/${name}/cpuset.cpus.partition`)
    if (partition !== '-' && partition !== 'member') throw new Unrecordable()
  }
  return files.map((file) => `${file.slice(paths.root.length)} ${oneLine(system, file)}`)
}

function configLines(system: System): string[] {
  const { vendorConfig, etcConfig, etcConfigDir, root } = system.paths
  const dropIns = system
    .list(etcConfigDir)
    .filter((name) => name.endsWith('.toml') && !name.startsWith('.'))
    .map((name) => `${etcConfigDir}/${name}`)
  return [vendorConfig, etcConfig, ...dropIns].flatMap((file) => {
    const text = system.readText(file)
    if (text === undefined) return []
    const lines = text.split('\n')
    if (lines.at(-1) === '') lines.pop()
    // A shell drops NUL.
    if (lines.length >= MAX_LINES || text.includes('\0')) throw new Unrecordable()
    return [`file ${file.slice(root.length)}`, ...lines.map((line) => `= ${line}`)]
  })
}

function nicLines(system: System): string[] {
  const { sysVirtioDevices } = system.paths
  const interrupts = parseVirtioInterrupts(system.readText(system.paths.procInterrupts) ?? '')
  return system
    .list(sysVirtioDevices)
    .filter((virtio) => oneLine(system, `${sysVirtioDevices}/${virtio}/device`) === VIRTIO_ID_NET)
    .flatMap((virtio) => deviceLines(system, virtio, interrupts))
}

function deviceLines(system: System, virtio: string, interrupts: ReadonlyMap<string, number>): string[] {
  const { sysVirtioDevices, sysVirtioNetDriver, sysClassNet, procIrq } = system.paths
  const at = `${sysVirtioDevices}/${virtio}`
  const [name, ...others] = system.list(`${at}/net`)
  const parent = system.readLink(at)?.split('/').at(-2)
  // net_failover shows two, another network namespace none.
  if (name === undefined || others.length > 0 || parent === undefined) throw new Unrecordable()
  if (!system.list(sysVirtioNetDriver).includes(virtio)) throw new Unrecordable()
  const device = `${sysClassNet}/${name}/device`
  const queues = system.list(`${sysClassNet}/${name}/queues`)
  const count = (direction: string): number => queues.filter((queue) => queue.startsWith(direction)).length
  const tx = count('tx-')
  const pairs = [...interrupts.keys()].filter((action) => /-(?:in|out)put\.\d+$/.test(action))
  const own = pairs.filter((action) => action.startsWith(`${virtio}-`))
  const flows = (queue: number): string => `${sysClassNet}/${name}/queues/rx-${queue}/rps_flow_cnt`
  return [
    `nic ${name} ${virtio} ${parent} ${oneLine(system, `${sysClassNet}/${name}/ifindex`)}`,
    `features ${oneLine(system, `${device}/features`)}`,
    `power ${oneLine(system, `${device}/../power/runtime_status`)}`,
    `threaded ${oneLine(system, `${sysClassNet}/${name}/threaded`)}`,
    `vectors ${system.list(`${device}/../msi_irqs`).length} interrupts ${own.length} rx ${count('rx-')} tx ${tx}`,
    ...Array.from({ length: tx }, (_, queue) => [
      ...['input', 'output'].map((end) => {
        const irq = interrupts.get(`${virtio}-${end}.${queue}`)
        if (irq === undefined) throw new Unrecordable()
        return `${virtio}-${end}.${queue} ${oneLine(system, `${procIrq}/${irq}/smp_affinity_list`)}`
      }),
      `tx-${queue} ${oneLine(system, `${sysClassNet}/${name}/queues/tx-${queue}/xps_cpus`)}`,
      `rx-${queue} ${oneLine(system, `${sysClassNet}/${name}/queues/rx-${queue}/rps_cpus`)}`,
      `flows ${oneLine(system, flows(queue))}`,
    ]).flat(),
  ]
}

/** The only line of a kernel file; `-` if it has none. @throws Unrecordable if it is not one line */
function oneLine(system: System, path: string): string {
  const text = system.readText(path) ?? ''
  if (text === '') return '-'
  if (text.indexOf('\n') !== text.length - 1) throw new Unrecordable()
  return text.slice(0, -1)
}
