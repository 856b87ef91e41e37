/** Other software that may write channels, IRQ affinity or XPS of a NIC. */
import { globMatcher } from '../config/match'
import { errnoOf } from '../errors'
import type { ObservedNic, TunableName } from '../model'
import type { System } from '../system/system'

/** What identifies a NIC in the files of other programs. */
export type WriterTarget = Pick<ObservedNic, 'name' | 'altnames' | 'mac' | 'busAddress' | 'bus' | 'queues'>

export type WriterName = 'irqbalance' | 'tuned' | 'NetworkManager' | 'ifcfg' | 'systemd-link' | 'udev-rule'

export interface Writer {
  readonly writer: WriterName
  /** The file, or `pid N`. */
  readonly where: string
  /** What it writes, one clause. */
  readonly what: string
  readonly tunable: TunableName
  /**
   * yes: it is active and affects this NIC. maybe: files do not show it for sure, or the program is not running.
   * unreadable: only root can read its files.
   */
  readonly matches: 'yes' | 'maybe' | 'unreadable'
  /** How to leave the setting to vqtune, one clause. */
  readonly remedy: string
}

/** Whether one condition of another program's file matches a NIC. */
export type Match = 'yes' | 'no' | 'maybe'

/** All must match: no beats maybe, maybe beats yes; no condition at all is a yes. */
export function allOf(verdicts: readonly Match[]): Match {
  if (verdicts.includes('no')) return 'no'
  return verdicts.includes('maybe') ? 'maybe' : 'yes'
}

/** The verdict of a condition that must not hold. */
export function negated(verdict: Match): Match {
  if (verdict === 'maybe') return 'maybe'
  return verdict === 'yes' ? 'no' : 'yes'
}

/** The files of a program that is not running only show what it may do later. */
export function certainIf(isRunning: boolean, writer: Writer): Writer {
  return isRunning ? writer : { ...writer, matches: 'maybe' }
}

/** Text of a file; 'unreadable' when this user may not read it; undefined when it is not there or no text. */
export function readAllowed(system: System, path: string): { text: string } | 'unreadable' | undefined {
  try {
    const text = system.readText(path)
    return text === undefined ? undefined : { text }
  } catch (error) {
    return isForbidden(error) ? 'unreadable' : undefined
  }
}

/** Text of a file that is there and may be read. */
export function readableText(system: System, path: string): string | undefined {
  const read = readAllowed(system, path)
  return typeof read === 'object' ? read.text : undefined
}

/** Like System.list, but a directory that this user may not list is 'unreadable'. */
export function listAllowed(system: System, directory: string): readonly string[] | 'unreadable' {
  try {
    return system.list(directory)
  } catch (error) {
    return isForbidden(error) ? 'unreadable' : []
  }
}

function isForbidden(error: unknown): boolean {
  return errnoOf(error) === 'EACCES' || errnoOf(error) === 'EPERM'
}

/**
 * Files by name over several directories, in the order of their names; a file hides those of the same name in later
 * directories, as systemd and udev do it. @param directories highest precedence first
 */
export function shadowedFiles(
  system: System,
  directories: readonly string[],
  suffix: string,
): readonly string[] {
  const found = new Map<string, string>()
  for (const directory of directories) {
    const names = listAllowed(system, directory)
    if (names === 'unreadable') continue
    for (const name of names) {
      if (name.endsWith(suffix) && !found.has(name)) found.set(name, `${directory}/${name}`)
    }
  }
  return [...found.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, path]) => path)
}

/** Globs as other programs write them; a malformed one matches nothing. */
export function globMatches(glob: string, text: string): boolean {
  try {
    return globMatcher(glob)(text)
  } catch {
    return false
  }
}

/**
 * PIDs of root's processes by command name, from /proc; the kernel truncates names to 15 characters. Any user can give a
 * process any name, but only root's processes can write these settings.
 */
export function processesNamed(system: System, command: string): readonly number[] {
  const wanted = command.slice(0, 15)
  return system
    .list(system.paths.proc)
    .filter((entry) => /^\d+$/.test(entry))
    .filter((pid) => {
      // In a captured tree everything belongs to whoever unpacked it.
      if (system.paths.root === '' && system.stat(`${system.paths.proc}/${pid}`)?.uid !== 0) return false
      return readableText(system, `${system.paths.proc}/${pid}/comm`)?.trim() === wanted
    })
    .map(Number)
}
