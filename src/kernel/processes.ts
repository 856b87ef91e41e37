/**
 * Processes, as procfs shows them. Anybody can give a process any name and any arguments, and a file any name; what a user
 * cannot choose is whose the process is. Only root's can write what vqtune tunes, so only those are found here.
 */
import type { System } from '../system/system'
import { parseWholeNumber } from '../text/numbers'
import { basename } from './nics'

export interface Process {
  readonly pid: number
  /** As the kernel keeps it (comm): at most 15 characters. */
  readonly name: string
  /** The real user id; undefined when it ended while it was looked at. */
  readonly uid: number | undefined
  /** 0: none. */
  readonly parentPid: number
  /** The file that it runs; undefined where that may not be seen: a daemon with few capabilities may not. */
  readonly exe: string | undefined
}

/** What a process must be to be taken for a program. */
export interface Program {
  readonly name: string | RegExp
  /** Its process runs an interpreter. */
  readonly script?: boolean
}

const NAME_LENGTH = 15
const INTERPRETER = /^(?:(?:platform-)?python[\d.]*|(?:ba|da|k)?sh|perl[\d.]*)$/

/** Root's processes that run one of these, by one look at procfs: a name of each process, more only of those named so. */
export function findPrograms(system: System, programs: readonly Program[]): readonly Process[] {
  return listed(system).flatMap((entry): Process[] => {
    const pid = parseWholeNumber(entry)
    if (pid === undefined) return []
    const name = readName(system, pid)
    const program = programs.find((one) => isNamed(name, one))
    if (program === undefined) return []
    const process = readProcess(system, pid)
    return process !== undefined && isProgram(process, program) ? [process] : []
  })
}

/** None where procfs cannot be listed (EMFILE): who is at work is worth less than the daemon. */
function listed(system: System): readonly string[] {
  try {
    return system.list(system.paths.proc)
  } catch {
    return []
  }
}

/** Root's, named like the program, and, where that can be seen, running its file and not another of that name. Pure. */
export function isProgram({ name, uid, exe }: Process, program: Program): boolean {
  if (uid !== 0 || !isNamed(name, program)) return false
  const file = basename(exe)?.replace(/ \(deleted\)$/, '')
  if (file === undefined) return true
  return program.script === true ? INTERPRETER.test(file) : isNamed(file.slice(0, NAME_LENGTH), program)
}

function isNamed(name: string, program: Program): boolean {
  return typeof program.name === 'string'
    ? name === program.name.slice(0, NAME_LENGTH)
    : program.name.test(name)
}

/** @returns undefined when there is none. */
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

/** Its arguments, which it may have changed; none when it ended. */
export function readArguments(system: System, pid: number): readonly string[] {
  const args = readOf(system, pid, 'cmdline').split('\0')
  return args.at(-1) === '' ? args.slice(0, -1) : args
}

function readName(system: System, pid: number): string {
  return readOf(system, pid, 'comm').trim()
}

/** The text of a process that may end at any moment, or that may be closed to this user. */
function readOf(system: System, pid: number, file: string): string {
  try {
    return system.readText(`${system.paths.proc}/${pid}/${file}`) ?? ''
  } catch {
    return ''
  }
}
