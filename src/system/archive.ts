/**
 * A captured guest in one file: reads a .tar.gz into memory. Nothing of it is written anywhere, so nothing is left however
 * the process ends, and no name and no link in it can lead to a file of this machine. Own code, since libraries repair
 * names that this one refuses, and decode names of which every byte counts; it is not on the boot path.
 */
import { readFileSync, statSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { errnoOf, VqtuneError } from '../errors'

export interface ArchivedDirectory {
  readonly kind: 'directory'
  /** By name. A name is bytes, each a character from U+0000 to U+00FF. */
  readonly entries: Map<string, ArchivedNode>
}

export type ArchivedNode =
  | ArchivedDirectory
  | { readonly kind: 'file'; readonly content: Buffer }
  /** The target as written, in bytes like a name. */
  | { readonly kind: 'link'; readonly target: string }

/** What no captured guest comes near: the largest is a few MiB and a few thousand entries. */
export const ARCHIVE_LIMITS = { bytes: 256 * 1024 * 1024, entries: 200_000 } as const

type Limits = Readonly<Record<keyof typeof ARCHIVE_LIMITS, number>>

/** PATH_MAX of Linux: no file has a longer name. */
const MAX_NAME_BYTES = 4096
/** Names, and attributes that do not matter here. */
const MAX_EXTENSION_BYTES = 1024 * 1024
const BLOCK = 512
const END = Buffer.alloc(BLOCK)

/**
 * The tree in a gzip-compressed tar archive (ustar, GNU or pax).
 * @throws VqtuneError kind state when it cannot be read, and as parseArchive
 */
export function readArchive(file: string): ArchivedDirectory {
  const refusal = refusalOf(file)
  let packed: Buffer | undefined
  try {
    packed = statSync(file).size > ARCHIVE_LIMITS.bytes ? undefined : readFileSync(file)
  } catch (cause) {
    throw refusal(`cannot be read (${errnoOf(cause)})`)
  }
  if (packed === undefined) throw refusal(tooLarge(ARCHIVE_LIMITS))
  return parseArchive(file, packed)
}

/**
 * Pure.
 * @param file its name, for messages
 * @throws VqtuneError kind state: truncated, damaged, too large, no captured guest, or with an entry that none has: a name
 *   or link that leads outside, a device, two entries of one name
 */
export function parseArchive(
  file: string,
  packed: Buffer,
  limits: Limits = ARCHIVE_LIMITS,
): ArchivedDirectory {
  const refusal = refusalOf(file)
  const tree = new TarReader(unzipped(packed, limits, refusal), limits, refusal).read()
  if (!tree.entries.has('sys') && !tree.entries.has('proc')) {
    throw refusal('holds no captured guest: neither sys nor proc is at its top')
  }
  return tree
}

type Refusal = (problem: string) => VqtuneError

function refusalOf(file: string): Refusal {
  return (problem) => new VqtuneError('state', `${file}: ${problem}`)
}

function tooLarge({ bytes }: Limits): string {
  return `larger than ${bytes / 1024 / 1024} MiB when unpacked`
}

function unzipped(packed: Buffer, limits: Limits, refusal: Refusal): Buffer {
  if (packed[0] !== 0x1f || packed[1] !== 0x8b) throw refusal('not a .tar.gz archive')
  try {
    return gunzipSync(packed, { maxOutputLength: limits.bytes })
  } catch (cause) {
    const code = errnoOf(cause)
    if (code === 'ERR_BUFFER_TOO_LARGE') throw refusal(tooLarge(limits))
    throw refusal(code === 'Z_BUF_ERROR' ? TRUNCATED : DAMAGED)
  }
}

const TRUNCATED = 'truncated: the end of the archive is missing'
const DAMAGED = 'damaged: not a valid .tar.gz archive'

const SPARSE = 'a file with holes, as tar --sparse stores it'

/** Type flags of entries that no captured guest has. */
const REFUSED_TYPES: Readonly<Record<string, string>> = {
  '3': 'a device',
  '4': 'a device',
  '6': 'a named pipe',
  S: SPARSE,
}

/** What extension headers say of the entry behind them, in place of its own short fields. */
interface Extension {
  name?: string
  target?: string
  size?: number
}

class TarReader {
  private readonly root: ArchivedDirectory = { kind: 'directory', entries: new Map() }
  private count = 0
  private at = 0

  constructor(
    private readonly bytes: Buffer,
    private readonly limits: Limits,
    private readonly refusal: Refusal,
  ) {}

  read(): ArchivedDirectory {
    let extension: Extension = {}
    for (let header = this.next(BLOCK); !header.equals(END); header = this.next(BLOCK)) {
      this.verify(header)
      const type = text(header, 156, 1) || '0'
      const size = this.number(header, 124, 12)
      if ('xgLK'.includes(type)) {
        if (size > MAX_EXTENSION_BYTES) throw this.refusal(DAMAGED)
        const content = this.content(size)
        if (type === 'x') extension = { ...extension, ...this.paxRecords(content) }
        else if (type === 'L') extension.name = text(content, 0, size)
        else if (type === 'K') extension.target = text(content, 0, size)
      } else {
        // Only POSIX has a prefix; GNU tar keeps times there.
        const prefix = text(header, 257, 6) === 'ustar' && header[262] === 0 ? text(header, 345, 155) : ''
        const short = text(header, 0, 100)
        const name = extension.name ?? (prefix === '' ? short : `${prefix}/${short}`)
        const target = extension.target ?? text(header, 157, 100)
        this.add(type, name, target, this.content(extension.size ?? size))
        extension = {}
      }
    }
    return this.root
  }

  /** Padded to whole blocks. */
  private content(size: number): Buffer {
    return this.next(Math.ceil(size / BLOCK) * BLOCK).subarray(0, size)
  }

  private next(length: number): Buffer {
    if (this.at + length > this.bytes.length) throw this.refusal(TRUNCATED)
    this.at += length
    return this.bytes.subarray(this.at - length, this.at)
  }

  /** Every header carries the sum of its bytes, in which the sum itself counts as blanks. */
  private verify(header: Buffer): void {
    let sum = 0
    for (const [i, byte] of header.entries()) sum += i >= 148 && i < 156 ? 0x20 : byte
    if (sum !== this.number(header, 148, 8)) throw this.refusal(DAMAGED)
  }

  private number(header: Buffer, start: number, length: number): number {
    const digits = /^ *([0-7]+) *$/.exec(text(header, start, length))?.[1]
    if (digits === undefined) throw this.refusal(DAMAGED)
    return Number.parseInt(digits, 8)
  }

  /** `27 path=usr/share/long-name\n`: the length counts the whole record, in bytes. */
  private paxRecords(content: Buffer): Extension {
    const found: Extension = {}
    for (let start = 0; start < content.length; ) {
      const beginning = content.toString('latin1', start, start + 512)
      const [head = '', length, key = ''] = /^(\d{1,9}) ([^=]+)=/.exec(beginning) ?? []
      const end = start + Number(length)
      if (!(start + head.length < end && content[end - 1] === 0x0a)) throw this.refusal(DAMAGED)
      const value = content.toString('latin1', start + head.length, end - 1)
      if (key === 'path') found.name = value
      else if (key === 'linkpath') found.target = value
      else if (key === 'size') {
        if (!/^\d{1,15}$/.test(value)) throw this.refusal(DAMAGED)
        found.size = Number(value)
      } else if (key.startsWith('GNU.sparse.')) throw this.refusal(`has ${SPARSE}`)
      start = end
    }
    return found
  }

  private add(type: string, name: string, target: string, content: Buffer): void {
    const refusal: Refusal = (problem) => {
      const shown = Buffer.from(name, 'latin1').toString().slice(0, 100)
      return this.refusal(`${JSON.stringify(shown)}: ${problem}`)
    }
    if (Math.max(name.length, target.length) > MAX_NAME_BYTES) throw refusal('name too long')
    const parts = partsOf(name)
    const last = parts.at(-1)
    const isInside = !/^\/|\0/.test(name) && !parts.includes('..')
    // tar of old marked a directory by the end of its name alone. It may be the top itself, as `tar -c .` has it.
    if (isInside && (type === '5' || (type === '0' && name.endsWith('/')))) this.directory(parts, refusal)
    else if (isInside && last !== undefined) {
      const above = parts.slice(0, -1)
      const { entries } = this.directory(above, refusal)
      if (entries.has(last)) throw refusal('is there twice')
      if (type === '2' && !staysInside(above.length, target)) throw refusal('may link outside the tree')
      entries.set(last, this.counted(this.node(type, target, content, refusal)))
    } else throw refusal('not a name inside the tree')
  }

  private node(type: string, target: string, content: Buffer, refusal: Refusal): ArchivedNode {
    switch (type) {
      case '0':
      case '7':
        return { kind: 'file', content }
      case '1': {
        const other = partsOf(target).reduce<ArchivedNode | undefined>(
          (node, part) => (node?.kind === 'directory' ? node.entries.get(part) : undefined),
          this.root,
        )
        if (other?.kind !== 'file') throw refusal('hard link to a file that is not there')
        return other
      }
      case '2':
        return { kind: 'link', target }
      default:
        throw refusal(REFUSED_TYPES[type] ?? `an entry of unknown type ${type}`)
    }
  }

  /** The directory, made with those above it where the archive has no entry for them. */
  private directory(parts: readonly string[], refusal: Refusal): ArchivedDirectory {
    return parts.reduce((above, part) => {
      const there = above.entries.get(part)
      // A link, too, is no place to put files: who unpacks the archive would write where it leads.
      if (there !== undefined && there.kind !== 'directory')
        throw refusal('lies below what is not a directory')
      if (there !== undefined) return there
      const made: ArchivedDirectory = this.counted({ kind: 'directory', entries: new Map() })
      above.entries.set(part, made)
      return made
    }, this.root)
  }

  private counted<Node>(node: Node): Node {
    if (++this.count > this.limits.entries) throw this.refusal(`more than ${this.limits.entries} entries`)
    return node
  }
}

/**
 * A link may climb at its beginning, as far as the top, and then only go down, as every link of sysfs does. Further on,
 * `..` would lead up from wherever the link before it leads.
 */
export function staysInside(depth: number, target: string): boolean {
  const parts = partsOf(target)
  const down = parts.findIndex((part) => part !== '..')
  const climbs = down === -1 ? parts.length : down
  return !target.startsWith('/') && climbs <= depth && !parts.slice(climbs).includes('..')
}

/** The names on a way, in their order. */
export function partsOf(path: string): string[] {
  return path.split('/').filter((part) => part !== '' && part !== '.')
}

/** A field's bytes up to the first NUL. */
function text(bytes: Buffer, start: number, length: number): string {
  const field = bytes.subarray(start, start + length)
  const end = field.indexOf(0)
  return field.toString('latin1', 0, end === -1 ? undefined : end)
}
