/** Interrupts of virtio devices: /proc/interrupts names them, /proc/irq/N says where they may go. */
import type { CpuList, InterruptLayout, ObservedIrq } from '../model'
import type { System } from '../system/system'
import { parseWholeNumber } from '../text/numbers'
import { parseCpuList, parseCpuMask } from './cpulist'

/** IRQ number by action name (`virtio2-input.0`), for virtio devices only. */
export type VirtioInterrupts = ReadonlyMap<string, number>

/**
 * Finds the virtio actions in /proc/interrupts. The action is the last column (chip and type columns vary); a shared
 * line lists several with commas. Counts are not looked at: on a guest with 256 vCPUs they are 1 MB of text.
 */
export function parseVirtioInterrupts(text: string): VirtioInterrupts {
  const interrupts = new Map<string, number>()
  for (let start = 0; start < text.length; ) {
    const newline = text.indexOf('\n', start)
    const end = newline === -1 ? text.length : newline
    const line = text.slice(start, end)
    const colon = line.indexOf(':')
    const irq = colon === -1 ? undefined : parseWholeNumber(line.slice(0, colon).trim())
    if (irq !== undefined) addActions(interrupts, irq, line, colon)
    start = end + 1
  }
  return interrupts
}

function addActions(interrupts: Map<string, number>, irq: number, line: string, from: number): void {
  // Action names follow the last run of blanks; all but the last of a shared line end in a comma.
  let tail = line.length
  for (;;) {
    const blank = line.lastIndexOf(' ', tail - 1)
    if (blank <= from) return
    const name = line.slice(blank + 1, tail)
    if (name.startsWith('virtio')) interrupts.set(name, irq)
    if (line[blank - 1] !== ',') return
    tail = blank - 1
  }
}

/** @returns undefined where there is no such file. */
export function readVirtioInterrupts(system: System): VirtioInterrupts {
  return parseVirtioInterrupts(system.readText(system.paths.procInterrupts) ?? '')
}

/** How the queues of `virtio` are wired, told by the action names; see vp_find_vqs_msix() and vm_find_vqs(). */
export function interruptLayout(
  virtio: string,
  bus: 'pci' | 'mmio' | 'ccw' | 'other',
  interrupts: VirtioInterrupts,
): InterruptLayout {
  if (interrupts.has(`${virtio}-input.0`)) return 'per-queue'
  if (interrupts.has(`${virtio}-virtqueues`)) return 'shared'
  if (bus === 'ccw') return 'ccw'
  if (interrupts.has(virtio)) return bus === 'mmio' ? 'mmio' : 'intx'
  return 'unknown'
}

/**
 * Queue pairs that the device offers, where each has vectors of its own: the driver requests them all at its probe, whatever
 * number of channels is in use (virtnet_find_vqs), and ethtool_get_channels() tells the same number as the maximum.
 * @param vectors MSI-X vectors of the device; undefined: none
 * @returns undefined if names are missing or do not fit the vectors: then only ethtool knows
 */
export function queuePairsOf(
  virtio: string,
  interrupts: VirtioInterrupts,
  vectors: number | undefined,
): number | undefined {
  let pairs = 0
  while (interrupts.has(`${virtio}-input.${pairs}`) && interrupts.has(`${virtio}-output.${pairs}`)) pairs++
  const count = pairVectors(interrupts).get(virtio)
  // One more is for configuration changes.
  return pairs > 0 && count === 2 * pairs && vectors !== undefined && vectors > count ? pairs : undefined
}

const PAIR_VECTOR = /^(virtio\d+)-(?:in|out)put\.\d+$/

/** Counted once for all devices: each of 32 NICs would go through the names of all. */
const counted = new WeakMap<VirtioInterrupts, ReadonlyMap<string, number>>()

/** Interrupts of queue pairs, by device. */
function pairVectors(interrupts: VirtioInterrupts): ReadonlyMap<string, number> {
  const known = counted.get(interrupts)
  if (known !== undefined) return known
  const counts = new Map<string, number>()
  for (const name of interrupts.keys()) {
    const virtio = PAIR_VECTOR.exec(name)?.[1]
    if (virtio !== undefined) counts.set(virtio, (counts.get(virtio) ?? 0) + 1)
  }
  counted.set(interrupts, counts)
  return counts
}

/**
 * One queue's interrupt, or undefined when the queue has none of its own.
 * @param withEffective read where it arrives, too
 */
export function readQueueIrq(
  system: System,
  virtio: string,
  direction: 'rx' | 'tx',
  queue: number,
  interrupts: VirtioInterrupts,
  withEffective: boolean,
): ObservedIrq | undefined {
  const name = `${virtio}-${direction === 'rx' ? 'input' : 'output'}.${queue}`
  const irq = interrupts.get(name)
  if (irq === undefined) return undefined
  return { irq, name, effective: withEffective ? readCpus(system, irq, 'effective_affinity') : undefined }
}

/**
 * smp_affinity: what was asked for. Judged instead of effective_affinity, which is stale until the next interrupt.
 * @returns undefined where the interrupt went away
 */
export function readIrqAffinity(system: System, irq: number): CpuList | undefined {
  return readCpus(system, irq, 'smp_affinity')
}

function readCpus(system: System, irq: number, file: string): CpuList | undefined {
  const list = system.readText(`${system.paths.procIrq}/${irq}/${file}_list`)
  if (list !== undefined) return parseCpuList(list)
  const mask = system.readText(`${system.paths.procIrq}/${irq}/${file}`)
  return mask === undefined ? undefined : parseCpuMask(mask)
}

/** The attribute that takes a CPU list for an interrupt. */
export function irqAffinityPath(system: System, irq: number): string {
  return `${system.paths.procIrq}/${irq}/smp_affinity_list`
}
