/** The running irqbalance and its socket. */
import { startTicksOf } from '../kernel/process-identity'
import { findPrograms } from '../kernel/processes'
import { ownershipProblem } from '../system/ownership'
import type { System } from '../system/system'

export interface Instance {
  readonly pid: number
  /** As the kernel counts it; empty if this process may not see irqbalance's, as in the sandbox of the boot unit. */
  readonly startTicks: string
  readonly socket: string
}

/** One that is not asked, and why: one clause. */
export interface Unasked {
  readonly pid: number
  readonly why: string
}

/** @returns undefined if none is running */
export function findInstance(system: System): Instance | Unasked | undefined {
  const { runIrqbalance, procNet } = system.paths
  const [name] = socketNames(system)
  if (name === undefined) {
    const [running] = findPrograms(system, [{ name: 'irqbalance' }])
    return running === undefined ? undefined : { pid: running.pid, why: whyNoSocket(system, running.pid) }
  }
  const pid = Number(/\d+/.exec(name)?.[0])
  const socket = `${runIrqbalance}/${name}`
  const problem = ownershipProblem(system, socket)
  if (problem !== undefined) return { pid, why: `${socket}: ${problem}` }
  // 1.6 bound its socket with a slash too many.
  if (readText(system, `${procNet}/unix`).includes(`//${name}`)) return { pid, why: TOO_OLD }
  return { pid, startTicks: startTicksOf(system, pid) ?? '', socket }
}

/**
 * Versions before 1.7 read a wrong address when they list what they ban: asking them what is banned would end them, and
 * replacing a list unread would undo what others banned.
 */
const TOO_OLD = 'it is older than 1.7, and telling what it has banned would crash it'

function whyNoSocket({ paths }: System, pid: number): string {
  return `PID ${pid} has no socket in ${paths.runIrqbalance.slice(paths.root.length)}: it is older than 1.7, or was built without one`
}

/** More than one if the last one was killed: the newest PID is not always the living one, so the living ones come first. */
function socketNames(system: System): readonly string[] {
  const names = list(system).filter((name) => /^irqbalance\d{1,10}\.sock$/.test(name))
  const isAlive = (name: string): boolean => startTicksOf(system, Number(/\d+/.exec(name)?.[0])) !== undefined
  return [...names.filter(isAlive), ...names.filter((name) => !isAlive(name))]
}

function list(system: System): readonly string[] {
  try {
    return system.list(system.paths.runIrqbalance)
  } catch {
    return []
  }
}

function readText(system: System, path: string): string {
  try {
    return system.readText(path) ?? ''
  } catch {
    return ''
  }
}
