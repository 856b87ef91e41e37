/**
 * Programs at work at the moment a change is noticed, from one look at procfs. The kernel tells nobody who wrote, and a
 * program that ran was not necessarily the one: the evidence says no more than that.
 */
import type { System } from '../system/system'
import { escapeToOneLine } from '../text/escape'
import type { SettingDrift } from './classify'

export interface RunningTool {
  /** Command name, as the kernel keeps it: at most 15 characters. */
  readonly name: string
  readonly pid: number
  readonly args: readonly string[]
  /** Who started it, while that is known. */
  readonly parent: { readonly name: string; readonly pid: number } | undefined
}

/** Short-lived programs that people and services set these things with. */
const TOOLS: readonly { readonly name: RegExp; readonly writes: readonly SettingDrift[] }[] = [
  { name: /^ethtool$/, writes: ['channels'] },
  { name: /^tuna$/, writes: ['irq-affinity'] },
  // Vendors' scripts: set_irq_affinity.sh, set_irq_affinity_bynode.sh ...
  { name: /^set_irq_affinit/, writes: ['irq-affinity', 'xps'] },
  { name: /^set_xps_rps[\w.]*$/, writes: ['xps'] },
]

/** Services that start a tool for each setting: the rival is the service. */
const SERVICES = new Set(['tuned', 'NetworkManager'])

/**
 * One look at procfs: a name for each process, more only for the few that match. None where procfs cannot be read.
 * @param ownPid whose children are ours
 */
export function readRunningTools(system: System, ownPid: number): readonly RunningTool[] {
  const { proc } = system.paths
  const nameOf = (pid: number): string => readGone(system, `${proc}/${pid}/comm`).trim()
  return listed(system, proc).flatMap((entry): RunningTool[] => {
    if (!/^\d+$/.test(entry)) return []
    const pid = Number(entry)
    const name = nameOf(pid)
    if (!TOOLS.some((tool) => tool.name.test(name))) return []
    const args = readGone(system, `${proc}/${pid}/cmdline`).split('\0').slice(0, -1)
    const parent = Number(/^PPid:\s*(\d+)$/m.exec(readGone(system, `${proc}/${pid}/status`))?.[1] ?? 0)
    // What this process started, or somebody's monitor, writes nothing that we would wonder about.
    if (parent === ownPid || args.includes('--monitor')) return []
    const parentName = parent > 1 ? nameOf(parent) : ''
    return [{ name, pid, args, parent: parentName === '' ? undefined : { name: parentName, pid: parent } }]
  })
}

function listed(system: System, path: string): readonly string[] {
  try {
    return system.list(path)
  } catch {
    return []
  }
}

/** The text of a process that may end at any moment. */
function readGone(system: System, path: string): string {
  try {
    return system.readText(path) ?? ''
  } catch {
    return ''
  }
}

/** The one program that was seen and can have written this; undefined for none or several. Pure. */
export function runningWriter(
  runningTools: readonly RunningTool[],
  kind: SettingDrift,
  drift: { readonly nic: string | undefined; readonly new: string },
): { readonly name: string; readonly evidence: string } | undefined {
  const able = runningTools.filter(
    (one) =>
      TOOLS.some((tool) => tool.name.test(one.name) && tool.writes.includes(kind)) && means(one, drift),
  )
  const [seen] = able
  if (seen === undefined || new Set(able.map(writerOf)).size > 1) return undefined
  const by = seen.parent === undefined ? '' : `, started by ${seen.parent.name} ${seen.parent.pid}`
  return {
    name: writerOf(seen),
    evidence: `${commandOf(seen)} (pid ${seen.pid}${by}) was running when the change was noticed`,
  }
}

/** ethtool says what it sets: another NIC, another value, or only a question. Scripts say nothing. */
function means({ name, args }: RunningTool, drift: { nic: string | undefined; new: string }): boolean {
  if (name !== 'ethtool') return true
  const sets = args.some((arg) => arg === '-L' || arg === '--set-channels')
  return sets && drift.nic !== undefined && args.includes(drift.nic) && args.includes(drift.new)
}

function writerOf({ name, parent }: RunningTool): string {
  return parent !== undefined && SERVICES.has(parent.name) ? parent.name : name
}

function commandOf({ name, args }: RunningTool): string {
  const text = escapeToOneLine(args.length === 0 ? name : args.join(' '))
  return text.length <= 80 ? text : `${text.slice(0, 77)}...`
}
