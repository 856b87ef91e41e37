/**
 * A captured guest to look at, a directory or an archive, with what ethtool and ip printed in it: `ip -j -d link show` in
 * ethtool/ip-link.json, `ethtool -l NIC` in ethtool/NIC.l, and beside each its standard error (.err) and exit code (.code).
 */
import { readArchive } from './archive'
import { ArchivedSystem } from './archived-system'
import { openSystem, type RunOptions, type System, type ToolResult } from './system'

/** @throws VqtuneError for an archive; see readArchive */
export function openCapturedTree(root: string): System {
  const isDirectory = openSystem().stat(root)?.kind === 'directory'
  return withRecordings(isDirectory ? openSystem(root) : new ArchivedSystem(root, readArchive(root)))
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

/** Where the recordings of a program are, if there are any. */
function recordingsOf(tree: System, tool: string): string | undefined {
  const places: Readonly<Record<string, string>> = { ethtool: '', ip: '/ip-link.json' }
  const place = places[tool]
  const path = `${tree.paths.root}/ethtool${place}`
  return place !== undefined && tree.exists(path) ? path : undefined
}

function recorded(tree: System, tool: string, args: readonly string[]): ToolResult {
  const call = [tool, ...args].join(' ')
  const file = call === 'ip -j -d link show' ? 'ip-link.json' : `${args[1]}.${args[0]?.slice(1)}`
  const read = (name: string) => tree.readText(`${tree.paths.root}/ethtool/${name}`)
  const stdout = read(file)
  if (stdout === undefined) return { code: 1, stdout: '', stderr: `${call} was not recorded\n` }
  return { code: Number(read(`${file}.code`) ?? 0), stdout, stderr: read(`${file}.err`) ?? '' }
}
