/**
 * A System for the search for writers: other people's directories may hold thousands of files, huge ones, pipes, and links
 * in circles. What is over a limit is left out, and told.
 */
import type { System } from '../system/system'

/** Larger than any script or configuration of this kind. */
export const MAX_FILE_BYTES = 256 * 1024
/** Of all directories together. */
export const MAX_FILES = 4_000
export const MAX_NAMES = 2_000
export const MAX_SEARCH_MS = 3_000
const MAX_LINKS = 40

export interface BoundedSearch {
  readonly system: System
  /** What was not searched, with the reason. */
  readonly left: readonly string[]
}

/** @param now milliseconds, of any beginning */
export function boundedSearch(system: System, now: () => number = () => performance.now()): BoundedSearch {
  const left: string[] = []
  const told = new Set<string>()
  const texts = new Map<string, string | undefined>()
  const end = now() + MAX_SEARCH_MS
  const { root, proc } = system.paths
  const leave = (path: string, why: string): undefined => {
    const text = `${path.slice(root.length) || 'other files'}: ${why}`
    if (left.length < 20 && !told.has(text)) left.push(text)
    told.add(text)
    return undefined
  }
  const isFree = (path: string): boolean => path.startsWith(`${proc}/`) || path === proc
  const read = (path: string): string | undefined => {
    if (now() > end) return leave(root, `not searched further after ${MAX_SEARCH_MS / 1000} s`)
    if (texts.size >= MAX_FILES) return leave(root, `not searched further after ${MAX_FILES} files`)
    const real = resolved(system, path)
    if (real === undefined) return undefined
    const facts = system.stat(real)
    // A mask: a link to /dev/null. Neither is a pipe read, which waits.
    if (facts === undefined || facts.kind === 'directory') return undefined
    if (facts.kind !== 'file') return ''
    // No script is as large as a program.
    if (facts.size > MAX_FILE_BYTES && /\/(?:s?bin|libexec)\//.test(path)) return undefined
    if (facts.size > MAX_FILE_BYTES) return leave(path, `larger than ${MAX_FILE_BYTES / 1024} KiB`)
    const text = system.readText(real)
    // A program, and not a script.
    return text?.includes('\0') === true ? undefined : text
  }
  const bounded = Object.assign(Object.create(system) as System, {
    readText(path: string): string | undefined {
      if (isFree(path)) return system.readText(path)
      if (!texts.has(path)) {
        const text = read(path)
        texts.set(path, text)
      }
      return texts.get(path)
    },
    list(path: string): readonly string[] {
      if (isFree(path)) return system.list(path)
      const names = system.list(path)
      if (names.length > MAX_NAMES)
        leave(path, `only the first ${MAX_NAMES} of ${names.length} files were searched`)
      return names.slice(0, MAX_NAMES)
    },
  })
  return { system: bounded, left }
}

/** Follows links below the root of a captured tree, too; undefined if they lead nowhere, or in a circle. */
export function resolved(system: System, path: string): string | undefined {
  const { root } = system.paths
  let at = path
  for (let links = 0; links < MAX_LINKS; links++) {
    const target = system.readLink(at)
    if (target === undefined) return at
    const directory = at.slice(root.length, at.lastIndexOf('/'))
    at = `${root}${normalized(target.startsWith('/') ? target : `${directory}/${target}`)}`
  }
  return undefined
}

/** As the kernel does it, `..` of the root is the root: no link of a captured tree leads out of it. */
function normalized(path: string): string {
  const parts: string[] = []
  for (const part of path.split('/')) {
    if (part === '..') parts.pop()
    else if (part !== '.' && part !== '') parts.push(part)
  }
  return `/${parts.join('/')}`
}
