/** The System of a guest in an archive. It is only read, and it runs nothing: its programs would have our rights. */
import { VqtuneError } from '../errors'
import { type ArchivedDirectory, type ArchivedNode, partsOf } from './archive'
import type { FileFacts } from './ownership'
import { type Paths, pathsUnder } from './paths'
import { openSystem, type System, type ToolResult } from './system'

/** As many links as the kernel follows. */
const MAX_LINKS = 40

export class ArchivedSystem implements System {
  /** Everything is below the archive's own name, where this machine can have no file. */
  readonly paths: Paths
  readonly mayWrite = false
  /** For what is not in the archive: a configuration file that the command line names. */
  private readonly outside = openSystem()

  constructor(
    file: string,
    private readonly tree: ArchivedDirectory,
  ) {
    this.paths = pathsUnder(file)
  }

  readText(path: string): string | undefined {
    if (!this.holds(path)) return this.outside.readText(path)
    const node = this.find(path)
    if (node?.kind === 'directory') throw systemError('EISDIR', path)
    return node?.kind === 'file' ? node.content.toString() : undefined
  }

  list(path: string): readonly string[] {
    if (!this.holds(path)) return this.outside.list(path)
    const node = this.find(path)
    return node?.kind === 'directory' ? [...node.entries.keys()].map(fromBytes).sort() : []
  }

  exists(path: string): boolean {
    return this.holds(path) ? this.find(path) !== undefined : this.outside.exists(path)
  }

  stat(path: string): FileFacts | undefined {
    return this.holds(path) ? factsOf(this.find(path)) : this.outside.stat(path)
  }

  linkStat(path: string): FileFacts | undefined {
    return this.holds(path) ? factsOf(this.find(path, false)) : this.outside.linkStat(path)
  }

  readLink(path: string): string | undefined {
    if (!this.holds(path)) return this.outside.readLink(path)
    const node = this.find(path, false)
    return node?.kind === 'link' ? fromBytes(node.target) : undefined
  }

  writeAttribute(path: string): never {
    throw systemError('EROFS', path)
  }

  replaceFile(path: string): never {
    throw systemError('EROFS', path)
  }

  removeFile(path: string): never {
    throw systemError('EROFS', path)
  }

  touchFile(path: string): never {
    throw systemError('EROFS', path)
  }

  findTool(): undefined {
    return undefined
  }

  run(tool: string): Promise<ToolResult> {
    return Promise.reject(
      new VqtuneError('tool-missing', `${this.paths.root}: has no recorded output of ${tool}`),
    )
  }

  private holds(path: string): boolean {
    return path === this.paths.root || path.startsWith(`${this.paths.root}/`)
  }

  /** What is at a path, and the last link followed unless told otherwise. Links that go round in a circle lead nowhere. */
  private find(path: string, followsLast = true): ArchivedNode | undefined {
    const ahead = partsOf(Buffer.from(path.slice(this.paths.root.length)).toString('latin1'))
    const way: ArchivedNode[] = [this.tree]
    let links = 0
    for (let name = ahead.shift(); name !== undefined; name = ahead.shift()) {
      if (name === '..') {
        way.pop()
        if (way.length === 0) return undefined
        continue
      }
      const here = way.at(-1)
      const next = here?.kind === 'directory' ? here.entries.get(name) : undefined
      if (next === undefined) return undefined
      if (next.kind !== 'link' || (ahead.length === 0 && !followsLast)) way.push(next)
      else if (++links > MAX_LINKS) return undefined
      else ahead.unshift(...partsOf(next.target))
    }
    return way.at(-1)
  }
}

/** A name as Node.js reads it from a directory: what is not UTF-8 becomes U+FFFD, and cannot be opened by that. */
function fromBytes(name: string): string {
  return Buffer.from(name, 'latin1').toString()
}

function factsOf(node: ArchivedNode | undefined): FileFacts | undefined {
  if (node === undefined) return undefined
  return {
    uid: process.geteuid?.() ?? 0,
    mode: node.kind === 'directory' ? 0o755 : node.kind === 'file' ? 0o644 : 0o777,
    size: node.kind === 'file' ? node.content.length : 0,
    kind: node.kind,
  }
}

function systemError(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code })
}
