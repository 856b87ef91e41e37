/**
 * Programs running at the moment a change is noticed, from one scan of procfs. The kernel does not show who wrote, and a
 * program that was running is not necessarily the one: the evidence says no more than that.
 */

import { findPrograms, isProgram, type Program, readArguments, readProcess } from '../kernel/processes'
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
}

/** Short-lived programs that administrators and services use to change these settings. */
const TOOLS: readonly (Program & { readonly name: RegExp; readonly writes: readonly TunableName[] })[] = [
  { name: /^ethtool$/, writes: ['channels', 'rss-table'] },
  { name: /^tuna$/, script: true, writes: ['irq-affinity'] },
  // Vendors' scripts: set_irq_affinity.sh, set_irq_affinity_bynode.sh ...
  { name: /^set_irq_affinit/, script: true, writes: ['irq-affinity', 'xps'] },
  { name: /^set_xps_rps[\w.]*$/, script: true, writes: ['xps', 'rps'] },
]

/** Services that start a tool for each setting: the other writer is the service. */
const SERVICES: readonly Program[] = [{ name: 'tuned', script: true }, { name: 'NetworkManager' }]

/** Scans procfs once. @param ownPid its children are ours */
export function readRunningTools(system: System, ownPid: number): readonly RunningTool[] {
  return findPrograms(system, TOOLS).flatMap(({ name, pid, parentPid }): RunningTool[] => {
    const args = readArguments(system, pid)
    // Our own children, and monitors, write nothing that needs attribution.
    if (parentPid === ownPid || args.includes('--monitor')) return []
    return [{ name, pid, args, parent: parentOf(system, parentPid) }]
  })
}

/** Only root's, as the tool itself; a process that only has a service's name is not named. */
function parentOf(system: System, pid: number): RunningTool['parent'] {
  const parent = pid > 1 ? readProcess(system, pid) : undefined
  if (parent?.uid !== 0) return undefined
  const service = SERVICES.find(({ name }) => name === parent.name)
  if (service !== undefined && !isProgram(parent, service)) return undefined
  return { name: parent.name, pid }
}

const AT_WORK = 'was running when the change was noticed'
const EVIDENCE = new RegExp(`^(.+) \\(pid (\\d+)(?:, started by (.+) (\\d+))?\\) ${AT_WORK}$`)

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
  return {
    name: writerOf(seen),
    evidence: `${commandOf(seen)} (pid ${seen.pid}${by}) ${AT_WORK}`,
  }
}

/** The arguments of ethtool show what it sets: another NIC, another value, or nothing. Scripts show nothing. */
function means(
  { name, args }: RunningTool,
  kind: TunableName,
  drift: { nic: string | undefined; new: string },
): boolean {
  if (name !== 'ethtool') return true
  if (drift.nic === undefined || !args.includes(drift.nic)) return false
  // The table that comes of its arguments is not compared.
  if (kind === 'rss-table') return args.some((arg) => SETS_RSS_TABLE.has(arg))
  return args.some((arg) => arg === '-L' || arg === '--set-channels') && args.includes(drift.new)
}

const SETS_RSS_TABLE: ReadonlySet<string> = new Set(['-X', '--set-rxfh-indir', '--rxfh'])

function writerOf({ name, parent }: RunningTool): string {
  return parent !== undefined && SERVICES.some((service) => service.name === parent.name) ? parent.name : name
}

function commandOf({ name, args }: RunningTool): string {
  const text = escapeToOneLine(args.length === 0 ? name : args.join(' '))
  return text.length <= 80 ? text : `${text.slice(0, 77)}...`
}
