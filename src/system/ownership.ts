/** Whether only root can write what vqtune, as root, trusts: configuration, state, and programs of a captured tree. */
import { resolve } from 'node:path'

export interface FileFacts {
  readonly uid: number
  /** Permission bits, such as 0o644. */
  readonly mode: number
  /** Bytes. */
  readonly size: number
  readonly kind: 'file' | 'directory' | 'link' | 'other'
}

/** The part of System that is needed here. */
export interface FileInspector {
  /** Owner, mode and kind of a symbolic link itself or of anything else; undefined when there is nothing. */
  linkStat(path: string): FileFacts | undefined
  /** The target of a symbolic link as written, or undefined. */
  readLink(path: string): string | undefined
}

const WRITABLE_BY_OTHERS = 0o022
/** As many links as the kernel follows. */
const MAX_LINKS = 40

/**
 * Why a path must not be trusted, in one clause; undefined: it can be. The file, every directory above it and every
 * symbolic link on the way must belong to root (or to the caller, who could only harm himself) and be writable by
 * nobody else. So nobody else can replace any part between this check and the use of the file.
 * Of a path that does not exist, the existing part is checked.
 */
export function ownershipProblem(looker: FileInspector, path: string): string | undefined {
  const ahead = resolve(path).split('/').filter(Boolean)
  let at = ''
  let links = 0
  const top = problemWith('its directory /', looker.linkStat('/'))
  if (top !== undefined) return top
  for (let name = ahead.shift(); name !== undefined; name = ahead.shift()) {
    if (name === '..') {
      at = at.slice(0, at.lastIndexOf('/'))
      continue
    }
    const here = `${at}/${name}`
    const facts = looker.linkStat(here)
    if (facts === undefined) return undefined
    const isEnd = ahead.length === 0 && facts.kind !== 'link'
    const problem = problemWith(isEnd ? 'it' : `its ${facts.kind} ${here}`, facts)
    if (problem !== undefined) return problem
    if (facts.kind === 'link') {
      if (++links > MAX_LINKS) return 'refused: too many levels of symbolic links'
      const target = looker.readLink(here) ?? ''
      if (target.startsWith('/')) at = ''
      ahead.unshift(...target.split('/').filter((part) => part !== '' && part !== '.'))
    } else at = here
  }
  return undefined
}

function problemWith(what: string, facts: FileFacts | undefined): string | undefined {
  if (facts === undefined) return undefined
  const caller = process.geteuid?.() ?? 0
  if (facts.uid !== 0 && facts.uid !== caller) {
    const owner = caller === 0 ? 'root' : `root or user ${caller}`
    return `refused: ${what} belongs to user ${facts.uid}, not to ${owner}`
  }
  // In a sticky directory such as /tmp, others can add files but not replace this one. A link has no mode of its own.
  const isSticky = facts.kind === 'directory' && (facts.mode & 0o1000) !== 0
  if (facts.kind === 'link' || (facts.mode & WRITABLE_BY_OTHERS) === 0 || isSticky) return undefined
  const remedy = facts.kind === 'directory' ? 'chmod go-w on it' : 'chmod go-w'
  return `refused: ${what} is group- or world-writable (mode ${facts.mode.toString(8).padStart(4, '0')}); run ${remedy}`
}
