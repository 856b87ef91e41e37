/**
 * A System that remembers what was read through it. What it holds afterwards is, by construction, all that the same
 * readings need on another machine, whatever vqtune learns to read.
 */
import { errnoOf, messageOf } from '../errors'
import { partsOf, staysInside } from '../system/archive'
import { recordingPath } from '../system/captured-tree'
import type { RunOptions, System, ToolResult } from '../system/system'

export type CapturedNode =
  | { readonly kind: 'file'; readonly text: string }
  /** Always relative, and inside the tree. */
  | { readonly kind: 'link'; readonly target: string }
  | { readonly kind: 'directory' }

/** By path below the root, all links in it resolved, without a slash in front. */
export type CapturedNodes = Map<string, CapturedNode>

/** As many links as the kernel follows. */
const MAX_LINKS = 40

/** Links to the reader's own process, which is none of the captured guest: its files are kept below these names. */
const OWN_PROCESS = new Set(['proc/net', 'proc/self', 'proc/thread-self'])

export class Recording {
  readonly nodes: CapturedNodes = new Map()
  /** What existed and could not be read, with the error's name. */
  readonly unreadable = new Map<string, string>()
  /** Reads what `base` reads. A file that was read keeps its first text, so that all answers are of one moment. */
  readonly system: System
  private readonly links = new Map<string, string | undefined>()
  private readonly texts = new Map<string, string>()
  private readonly results = new Map<string, Promise<ToolResult>>()

  constructor(private readonly base: System) {
    this.system = Object.assign(Object.create(base) as System, {
      readText: (path: string) => this.readText(path),
      list: (path: string) => this.list(path),
      exists: (path: string) => this.noted(path, base.exists(path)),
      stat: (path: string) => this.noted(path, base.stat(path)),
      linkStat: (path: string) => this.noted(path, base.linkStat(path), false),
      readLink: (path: string) => this.noted(path, base.readLink(path), false),
      run: (tool: string, args: readonly string[], options?: RunOptions) => this.run(tool, args, options),
    })
  }

  private readText(path: string): string | undefined {
    const at = this.locate(path)
    if (at === undefined) return this.base.readText(path)
    const known = this.texts.get(at)
    if (known !== undefined) return known
    const text = this.watched(at, () => this.base.readText(path))
    if (text === undefined) return undefined
    this.texts.set(at, text)
    this.nodes.set(at, { kind: 'file', text })
    return text
  }

  private list(path: string): readonly string[] {
    const at = this.locate(path)
    if (at === undefined) return this.base.list(path)
    const names = this.watched(at, () => this.base.list(path))
    if (names.length > 0 || this.base.exists(path)) this.note(at, 'directory')
    // Of the processes only those are kept of which more than the name was read; see withoutStrangers.
    if (at !== 'proc') for (const name of names) this.noteEntry(`${at}/${name}`)
    return names
  }

  private noteEntry(at: string): void {
    if (this.nodes.has(at) || this.linkAt(at) !== undefined) return
    const kind = this.base.linkStat(`${this.base.paths.root}/${at}`)?.kind
    if (kind !== undefined) this.note(at, kind)
  }

  /** Something was asked about a path: it is there in the capture if it is there. */
  private noted<T>(path: string, answer: T, followsLast = true): T {
    const at = answer === undefined || answer === false ? undefined : this.locate(path, followsLast)
    if (at !== undefined) this.noteEntry(at)
    return answer
  }

  private note(at: string, kind: string): void {
    if (this.nodes.has(at) || at === '') return
    this.nodes.set(at, kind === 'directory' ? { kind } : { kind: 'file', text: '' })
  }

  private run(tool: string, args: readonly string[], options?: RunOptions): Promise<ToolResult> {
    const at = recordingPath(tool, args)
    const known = this.results.get(at)
    if (known !== undefined) return known
    const result = this.recorded(at, () => this.base.run(tool, args, options))
    this.results.set(at, result)
    return result
  }

  private async recorded(at: string, run: () => Promise<ToolResult>): Promise<ToolResult> {
    try {
      const result = await run()
      const { code, stdout, stderr } = result
      const keep = (ending: string, text: string) => this.nodes.set(`${at}${ending}`, { kind: 'file', text })
      keep('', stdout)
      if (stderr !== '') keep('.err', stderr)
      if (code !== 0) keep('.code', `${code}\n`)
      return result
    } catch (error) {
      this.unreadable.set(at, messageOf(error))
      throw error
    }
  }

  private watched<T>(at: string, read: () => T): T {
    try {
      return read()
    } catch (error) {
      this.unreadable.set(at, errnoOf(error) ?? messageOf(error))
      throw error
    }
  }

  /** Where a path leads, by its names in the tree; undefined if it is not below the root. Notes the links on the way. */
  private locate(path: string, followsLast = true): string | undefined {
    const { root } = this.base.paths
    if (!path.startsWith(`${root}/`)) return undefined
    const ahead = partsOf(path.slice(root.length))
    const way: string[] = []
    let links = 0
    for (let name = ahead.shift(); name !== undefined; name = ahead.shift()) {
      if (name === '..') {
        way.pop()
        continue
      }
      way.push(name)
      const target = this.linkAt(way.join('/'))
      if (target === undefined || (ahead.length === 0 && !followsLast)) continue
      if (++links > MAX_LINKS) return undefined
      way.pop()
      ahead.unshift(...partsOf(target))
    }
    return way.join('/')
  }

  private linkAt(at: string): string | undefined {
    if (OWN_PROCESS.has(at)) return undefined
    if (!this.links.has(at)) {
      const target = this.base.readLink(`${this.base.paths.root}/${at}`)
      const kept = target === undefined ? undefined : relativeTarget(at, target)
      this.links.set(at, kept)
      if (kept !== undefined) this.nodes.set(at, { kind: 'link', target: kept })
    }
    return this.links.get(at)
  }
}

/** The target of a link as an archive may hold it: relative, and climbing only at its beginning. */
function relativeTarget(at: string, target: string): string {
  const above = at.split('/').slice(0, -1)
  if (staysInside(above.length, target)) return target
  const way: string[] = target.startsWith('/') ? [] : [...above]
  for (const part of partsOf(target)) {
    if (part === '..') way.pop()
    else way.push(part)
  }
  return [...above.map(() => '..'), ...way].join('/') || '.'
}

/** Without the processes of which only the name was read: they are not vqtune's business. */
export function withoutStrangers(nodes: CapturedNodes): CapturedNodes {
  const known = new Set(
    [...nodes].flatMap(([at, { kind }]) => {
      const [, pid, file] = /^proc\/(\d+)(?:\/(.*))?$/.exec(at) ?? []
      const says = file === undefined ? kind === 'directory' : file !== 'comm'
      return pid !== undefined && says ? [pid] : []
    }),
  )
  return new Map(
    [...nodes].filter(([at]) => {
      const pid = /^proc\/(\d+)(?:\/|$)/.exec(at)?.[1]
      return pid === undefined || known.has(pid)
    }),
  )
}
