/**
 * A captured guest to look at, a directory or an archive, with what ethtool and ip printed in it: `ip -j -d link show` in
 * ethtool/ip-link.json, `ethtool -l NIC` in ethtool/NIC.l, and beside each its standard error (.err) and exit code (.code).
 * Of other programs: programs/CALL. The counters of a second reading may be in later/.
 */

import { parseWholeNumber } from '../text/numbers'
import { readArchive } from './archive'
import { ArchivedSystem } from './archived-system'
import { pathsUnder } from './paths'
import { openSystem, type RunOptions, type System, type ToolResult } from './system'

/** @throws VqtuneError for an archive; see readArchive */
export function openCapturedTree(root: string): System {
  const isDirectory = openSystem().stat(root)?.kind === 'directory'
  const tree = isDirectory ? openSystem(root) : new ArchivedSystem(root, readArchive(root))
  return withRecordings(withRefusals(tree))
}

/** What could not be read in the guest cannot be read here, so that the answers are the same; see capture.json. */
function withRefusals(tree: System): System {
  const { root } = tree.paths
  const refused = new Map(refusedPaths(tree).map(([path, code]) => [`${root}${path}`, code]))
  if (refused.size === 0) return tree
  const unlessRefused = <T>(path: string, read: () => T): T => {
    const code = refused.get(path)
    if (code === undefined) return read()
    throw Object.assign(new Error(`${code}: ${path}`), { code })
  }
  return Object.assign(Object.create(tree) as System, {
    readText: (path: string) => unlessRefused(path, () => tree.readText(path)),
    list: (path: string) => unlessRefused(path, () => tree.list(path)),
  })
}

function refusedPaths(tree: System): readonly (readonly [path: string, code: string])[] {
  try {
    const { unreadable } = JSON.parse(tree.readText(`${tree.paths.root}/capture.json`) ?? '{}')
    return Object.entries<string>(unreadable ?? {}).filter(
      ([, code]) => code === 'EACCES' || code === 'EPERM',
    )
  } catch {
    // It is anybody's file; without it nothing is refused.
    return []
  }
}

/**
 * A directory's own programs are run, as in a chroot. For those that it does not have, and in an archive for all, what was
 * recorded stands in.
 */
export function withRecordings(tree: System): System {
  return Object.assign(Object.create(tree) as System, {
    findTool: (tool: string) => tree.findTool(tool) ?? recordingsOf(tree, tool),
    run: async (tool: string, args: readonly string[], options?: RunOptions): Promise<ToolResult> =>
      tree.findTool(tool) !== undefined || recordingsOf(tree, tool) === undefined
        ? tree.run(tool, args, options)
        : recorded(tree, tool, args),
  })
}

/** A second reading of the counters, for what grew between. */
export interface LaterReading {
  readonly system: System
  /** Milliseconds between the two. */
  readonly afterMs: number
}

/** Below the root: the files that were read again, and `after-ms`. */
export const LATER = 'later'

/** The second reading in a captured guest; undefined if it has none, as the running guest. */
export function laterReading(tree: System): LaterReading | undefined {
  const root = `${tree.paths.root}/${LATER}`
  const afterMs =
    tree.paths.root === '' ? undefined : parseWholeNumber(tree.readText(`${root}/after-ms`)?.trim())
  if (afterMs === undefined) return undefined
  const below = Object.assign(Object.create(tree) as System, {
    paths: pathsUnder(root),
    // The tree looks below its own root.
    readText: (path: string) => tree.readText(path),
    list: (path: string) => tree.list(path),
    exists: (path: string) => tree.exists(path),
    stat: (path: string) => tree.stat(path),
    linkStat: (path: string) => tree.linkStat(path),
    readLink: (path: string) => tree.readLink(path),
    findTool: () => undefined,
  })
  return { system: withRecordings(below), afterMs }
}

/** Whether the tree has recordings of a program, and where; there is no such program otherwise. */
function recordingsOf(tree: System, tool: string): string | undefined {
  const { root } = tree.paths
  const places: Readonly<Record<string, string>> = { ethtool: 'ethtool', ip: 'ethtool/ip-link.json' }
  const place = places[tool]
  const path = `${root}/${place}`
  if (place !== undefined) return tree.exists(path) ? path : undefined
  const calls = tree.list(`${root}/${PROGRAMS}`)
  return calls.some((call) => call.startsWith(`${tool} `)) ? `${root}/${PROGRAMS}` : undefined
}

const PROGRAMS = 'programs'

/** The file below the root with what a call printed. */
export function recordingPath(tool: string, args: readonly string[]): string {
  const call = [tool, ...args].join(' ')
  if (call === 'ip -j -d link show') return 'ethtool/ip-link.json'
  const [option = '', nic] = args
  if (tool === 'ethtool' && args.length === 2) return `ethtool/${nic}.${option.slice(1)}`
  return `${PROGRAMS}/${call.replace(/[%/]/g, (character) => encodeURIComponent(character))}`
}

function recorded(tree: System, tool: string, args: readonly string[]): ToolResult {
  const file = recordingPath(tool, args)
  const read = (ending: string) => tree.readText(`${tree.paths.root}/${file}${ending}`)
  const stdout = read('')
  if (stdout === undefined)
    return { code: 1, stdout: '', stderr: `${[tool, ...args].join(' ')} was not recorded\n` }
  return { code: Number(read('.code') ?? 0), stdout, stderr: read('.err') ?? '' }
}
