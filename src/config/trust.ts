/** Who could have written a configuration file. A root agent obeys it, so only root may. */
import { dirname } from 'node:path'
import type { FileFacts, Host } from '../system/host'

const WRITABLE_BY_OTHERS = 0o022

/**
 * Why a file must not be obeyed, in one clause, or undefined. The file, its directory and, behind a symbolic link, the
 * directory of its target must belong to root (or to the caller, who then can harm only himself) and be writable by
 * nobody else. Directories further up are not looked at: packages make them.
 * A captured guest tree is not judged: its owners are whoever unpacked it.
 */
export function trustProblem(host: Host, file: string, directory: string): string | undefined {
  if (host.paths.root !== '') return undefined
  const target = host.realPath(file)
  const directories = new Set([directory, ...(target === undefined ? [] : [dirname(target)])])
  return (
    distrust('it', host.stat(file)) ??
    [...directories]
      .map((path) => distrust(`its directory ${path}`, host.stat(path)))
      .find((why) => why !== undefined)
  )
}

function distrust(what: string, facts: FileFacts | undefined): string | undefined {
  if (facts === undefined) return undefined
  const caller = process.geteuid?.() ?? 0
  if (facts.uid !== 0 && facts.uid !== caller) {
    const owner = caller === 0 ? 'root' : `root or user ${caller}`
    return `refused, since ${what} belongs to user ${facts.uid}: allowed is ${owner}`
  }
  // In a sticky directory such as /tmp others can add files, but not replace this one.
  const isSticky = facts.kind === 'directory' && (facts.mode & 0o1000) !== 0
  if ((facts.mode & WRITABLE_BY_OTHERS) === 0 || isSticky) return undefined
  const remedy = facts.kind === 'directory' ? 'chmod go-w on it' : 'chmod go-w'
  return `refused, since ${what} is writable by others (mode ${facts.mode.toString(8).padStart(4, '0')}): ${remedy} helps`
}
