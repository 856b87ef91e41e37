/**
 * Programs running at the moment a change is noticed, from one scan of procfs. The kernel does not show who wrote, and a
 * program that was running is not necessarily the one: the evidence says no more than that.
 */

import { SETTING_FLAGS } from '../kernel/ethtool'
import {
  isNamed,
  isProgram,
  type Program,
  processIds,
  readArguments,
  readLoginUid,
  readName,
  readProcess,
} from '../kernel/processes'
import type { TunableName } from '../model'
import type { System } from '../system/system'
import { escapeToOneLine } from '../text/escape'

export interface RunningTool {
  /** The kernel's command name: at most 15 characters. */
  readonly name: string
  readonly pid: number
  readonly args: readonly string[]
  /** Its parent, if known. */
  readonly parent: { readonly name: string; readonly pid: number } | undefined
  /** The user who logged in, whoever it became by sudo; absent if no login led to it. */
  readonly loginUid?: number
}

/** Short-lived programs that administrators and services use to change these settings. */
const TOOLS: readonly (Program & { readonly name: RegExp; readonly writes: readonly TunableName[] })[] = [
  { name: /^ethtool$/, writes: ['channels', 'rings', 'rss-table'] },
  { name: /^tuna$/, script: true, writes: ['irq-affinity'] },
  // Vendors' scripts: set_irq_affinity.sh, set_irq_affinity_bynode.sh ...
  { name: /^set_irq_affinit/, script: true, writes: ['irq-affinity', 'xps'] },
  { name: /^set_xps_rps[\w.]*$/, script: true, writes: ['xps', 'rps'] },
]

/** Services that start a tool for each setting: the other writer is the service. */
const SERVICES: readonly Program[] = [{ name: 'tuned', script: true }, { name: 'NetworkManager' }]

/**
 * Scans procfs once, the newest processes first: a tool that an event tells of was started just before, and exits within
 * a millisecond. All that is told of one is read at once.
 * @param ownPid its children are ours
 * @param newest no more processes than this, if told
 */
export function readRunningTools(system: System, ownPid: number, newest?: number): readonly RunningTool[] {
  const pids = [...processIds(system)].sort((a, b) => b - a).slice(0, newest)
  return pids.flatMap((pid): RunningTool[] => {
    const name = readName(system, pid)
    const program = TOOLS.find((tool) => isNamed(name, tool))
    if (program === undefined) return []
    const args = readArguments(system, pid)
    const found = readProcess(system, pid)
    if (found === undefined || !isProgram(found, program)) return []
    // Our own children, and monitors, write nothing that needs attribution.
    if (found.parentPid === ownPid || args.includes('--monitor')) return []
    const loginUid = readLoginUid(system, pid)
    const parent = parentOf(system, found.parentPid)
    return [{ name, pid, args, parent, ...(loginUid === undefined ? {} : { loginUid }) }]
  })
}

/** Only root's, as the tool itself; a process that only has a service's name is not named. */
export function parentOf(system: System, pid: number): RunningTool['parent'] {
  const parent = pid > 1 ? readProcess(system, pid) : undefined
  if (parent?.uid !== 0) return undefined
  const service = SERVICES.find(({ name }) => name === parent.name)
  if (service !== undefined && !isProgram(parent, service)) return undefined
  return { name: parent.name, pid }
}

const AT_WORK = 'was running when the change was noticed'
const EVIDENCE = new RegExp(
  `^(.+) \\(pid (\\d+)(?:, started by (.+?) (\\d+))?(?:, login uid \\d+)?\\) ${AT_WORK}$`,
)

/** A program as named in the evidence. */
export interface SeenAtWork extends Pick<RunningTool, 'pid' | 'parent'> {
  readonly command: string
}

/** Parses the evidence of runningWriter; undefined for any other. Pure. */
export function seenAtWork(evidence: string): SeenAtWork | undefined {
  const [, command, pid, parent, parentPid] = EVIDENCE.exec(evidence) ?? []
  if (command === undefined) return undefined
  return {
    command,
    pid: Number(pid),
    parent: parent === undefined ? undefined : { name: parent, pid: Number(parentPid) },
  }
}

/** The one program seen that can have written this; undefined for none or several. Pure. */
export function runningWriter(
  runningTools: readonly RunningTool[],
  kind: TunableName,
  drift: { readonly nic: string | undefined; readonly new: string },
): { readonly name: string; readonly evidence: string } | undefined {
  const able = runningTools.filter(
    (one) =>
      TOOLS.some((tool) => tool.name.test(one.name) && tool.writes.includes(kind)) && means(one, kind, drift),
  )
  const [seen] = able
  if (seen === undefined || new Set(able.map(writerOf)).size > 1) return undefined
  const by = seen.parent === undefined ? '' : `, started by ${seen.parent.name} ${seen.parent.pid}`
  const login = seen.loginUid === undefined ? '' : `, login uid ${seen.loginUid}`
  return {
    name: writerOf(seen),
    evidence: `${commandOf(seen)} (pid ${seen.pid}${by}${login}) ${AT_WORK}`,
  }
}

/** The arguments of ethtool show what it sets: another NIC, another value, or nothing. Scripts show nothing. */
function means(
  { name, args }: RunningTool,
  kind: TunableName,
  drift: { nic: string | undefined; new: string },
): boolean {
  return name !== 'ethtool' || setsBy(args, kind, drift)
}

/** Whether these arguments of ethtool set this of the NIC, and to this value. Pure. */
export function setsBy(
  args: readonly string[],
  kind: TunableName,
  drift: { readonly nic: string | undefined; readonly new: string },
): boolean {
  if (drift.nic === undefined || !args.includes(drift.nic)) return false
  // The table or the sizes that come of its arguments are not compared.
  if (kind === 'rss-table' || kind === 'rings') return sets(args, kind)
  return kind === 'channels' && sets(args, kind) && args.includes(drift.new)
}

function sets(args: readonly string[], kind: keyof typeof SETTING_FLAGS): boolean {
  const flags: readonly string[] = SETTING_FLAGS[kind]
  return args.some((arg) => flags.includes(arg))
}

/** The service that started it is the writer. Pure. */
export function writerOf({ name, parent }: Pick<RunningTool, 'name' | 'parent'>): string {
  return parent !== undefined && SERVICES.some((service) => service.name === parent.name) ? parent.name : name
}

/** The command in one line of at most 80 characters. Pure. */
export function commandOf({ name, args }: Pick<RunningTool, 'name' | 'args'>): string {
  const text = escapeToOneLine(args.length === 0 ? name : args.join(' '))
  return text.length <= 80 ? text : `${text.slice(0, 77)}...`
}
