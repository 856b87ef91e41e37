/**
 * Processes in procfs. Any user can give a process any name and arguments, and a file any name, but cannot change its owner.
 * Only root's processes can write these settings, so only those are found here.
 */
import type { System } from '../system/system'
import { parseWholeNumber } from '../text/numbers'
import { basename } from './nics'

export interface Process {
  readonly pid: number
  /** The kernel's comm: truncated to 15 characters. */
  readonly name: string
  /** The real user id; undefined if it exited while it was read. */
  readonly uid: number | undefined
  /** 0: none. */
  readonly parentPid: number
  /** The executable; undefined if that is not readable, as for a daemon with few capabilities. */
  readonly exe: string | undefined
}

/** What identifies a process as a program. */
export interface Program {
  readonly name: string | RegExp
  /** The process runs an interpreter. */
  readonly script?: boolean
}

const NAME_LENGTH = 15
const INTERPRETER = /^(?:(?:platform-)?python[\d.]*|(?:ba|da|k)?sh|perl[\d.]*)$/

/** Root's processes that run one of these. Reads the name of each process, and more only of those with a matching name. */
export function findPrograms(system: System, programs: readonly Program[]): readonly Process[] {
  return processIds(system).flatMap((pid): Process[] => {
    const name = readName(system, pid)
    const program = programs.find((one) => isNamed(name, one))
    if (program === undefined) return []
    const process = readProcess(system, pid)
    return process !== undefined && isProgram(owned(system, process), program) ? [process] : []
  })
}

/** In a captured tree nothing exits, and one made by hand may hold no more of a process than its name and arguments. */
function owned({ paths }: System, process: Process): Process {
  return process.uid === undefined && paths.root !== '' ? { ...process, uid: 0 } : process
}

/** Empty if procfs cannot be listed (EMFILE): attribution is worth less than the daemon. */
export function processIds(system: System): readonly number[] {
  try {
    return system.list(system.paths.proc).flatMap((entry) => parseWholeNumber(entry) ?? [])
  } catch {
    return []
  }
}

/**
 * Whether procfs hides the processes of others from this one, as hidepid= does from whoever is not in the group of its gid=: not
 * even that of the service manager shows. Itself every process sees, except in a captured tree.
 */
export function isAloneInProcfs(system: System): boolean {
  const { proc } = system.paths
  return !system.exists(`${proc}/1`) && system.exists(`${proc}/${process.pid}`)
}

/** True if it is root's, has the program's name, and, if that is readable, its executable. Pure. */
export function isProgram({ name, uid, exe }: Process, program: Program): boolean {
  if (uid !== 0 || !isNamed(name, program)) return false
  const file = basename(exe)?.replace(/ \(deleted\)$/, '')
  if (file === undefined) return true
  return program.script === true ? INTERPRETER.test(file) : isNamed(file.slice(0, NAME_LENGTH), program)
}

/** Pure. */
export function isNamed(name: string, program: Program): boolean {
  return typeof program.name === 'string'
    ? name === program.name.slice(0, NAME_LENGTH)
    : program.name.test(name)
}

/** @returns undefined if there is none. */
export function readProcess(system: System, pid: number): Process | undefined {
  const name = readName(system, pid)
  if (name === '') return undefined
  const status = readOf(system, pid, 'status')
  return {
    pid,
    name,
    uid: parseWholeNumber(/^Uid:\s*(\d+)\s/m.exec(status)?.[1]),
    parentPid: Number(/^PPid:\s*(\d+)$/m.exec(status)?.[1] ?? 0),
    exe: system.readLink(`${system.paths.proc}/${pid}/exe`),
  }
}

/** Its arguments, which it may have changed; empty if it exited. */
export function readArguments(system: System, pid: number): readonly string[] {
  const args = readOf(system, pid, 'cmdline').split('\0')
  return args.at(-1) === '' ? args.slice(0, -1) : args
}

const NO_LOGIN = 4_294_967_295

/** The user id that logged in, which sudo and su do not change; undefined if none, or if the kernel keeps none. */
export function readLoginUid(system: System, pid: number): number | undefined {
  const uid = parseWholeNumber(readOf(system, pid, 'loginuid').trim())
  return uid === NO_LOGIN ? undefined : uid
}

/** The kernel's comm; empty if it exited. */
export function readName(system: System, pid: number): string {
  return readOf(system, pid, 'comm').trim()
}

/** The process may exit at any moment, and this user may not be allowed to read the file. */
function readOf(system: System, pid: number, file: string): string {
  try {
    return system.readText(`${system.paths.proc}/${pid}/${file}`) ?? ''
  } catch {
    return ''
  }
}
