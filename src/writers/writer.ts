/** Other software that may write channels, IRQ affinity or XPS of a NIC. */
import { globMatcher } from '../config/match'
import { isDenied } from '../errors'
import type { ObservedNic, TunableName } from '../model'
import { shadowedFiles } from '../system/shadowed-files'
import type { System } from '../system/system'

/** What identifies a NIC in the files of other programs. */
export type WriterTarget = Pick<ObservedNic, 'name' | 'altnames' | 'mac' | 'busAddress' | 'bus' | 'queues'>

export const WRITER_MATCHES = [
  /** It is active and means this NIC. */
  'yes',
  /** It cannot be decided from files, or the program does not run now. */
  'maybe',
  /** Only root can tell. */
  'unreadable',
] as const

export interface Writer {
  /** A name of the registry. */
  readonly writer: string
  /** The file and, where one line says it, the line; or `pid N`. */
  readonly where: string
  /** What it writes, one clause. */
  readonly what: string
  readonly tunable: TunableName
  readonly matches: (typeof WRITER_MATCHES)[number]
  /** How to leave the setting to vqtune, one clause. */
  readonly remedy: string
  /** Channels that it sets, if that is known: a number, `max` (the maximum of the host) or `vcpus`. */
  readonly value?: string
}

/** An entry of the registry: software that writes these settings. */
export interface KnownWriter {
  readonly name: string
  /** In words, for the guide. */
  readonly title: string
  /** It may write at any time while it runs, and so can be named for a change; the others write at an event of their own. */
  readonly actsByItself?: boolean
  /** Reads files and /proc only. Does not throw for what cannot be read. */
  readonly find: (system: System, nic: WriterTarget) => readonly Writer[]
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
    return isDenied(error) ? 'unreadable' : undefined
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
    return isDenied(error) ? 'unreadable' : []
  }
}

/** As shadowedFiles, of the directories that this user may list. */
export function readableFiles(
  system: System,
  directories: readonly string[],
  suffix: string,
): readonly string[] {
  return shadowedFiles(directories, suffix, (directory) => {
    const names = listAllowed(system, directory)
    return names === 'unreadable' ? [] : names
  })
}

/** Globs as other programs write them; a malformed one matches nothing. */
export function globMatches(glob: string, text: string): boolean {
  try {
    return globMatcher(glob)(text)
  } catch {
    return false
  }
}
