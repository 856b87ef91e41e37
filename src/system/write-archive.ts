/** Writes the archives that archive.ts reads. Of the same entries the same bytes. */
import { gzipSync } from 'node:zlib'

export interface TarEntry {
  /** Without a slash in front or at the end. */
  readonly path: string
  readonly node:
    | { readonly kind: 'file'; readonly text: string }
    | { readonly kind: 'link'; readonly target: string }
    | { readonly kind: 'directory' }
}

const BLOCK = 512
const NAME_BYTES = 100
const TYPES = { file: '0', link: '2', directory: '5' } as const
const MODES = { file: 0o644, link: 0o777, directory: 0o755 } as const

/** A gzip-compressed tar archive in GNU's format: names of any length, no owner, no times. Pure. */
export function packArchive(entries: readonly TarEntry[]): Buffer {
  const blocks = [...entries]
    .sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0))
    .flatMap(({ path, node }) => entryBlocks(path, node))
  return gzipSync(Buffer.concat([...blocks, Buffer.alloc(2 * BLOCK)]), { level: 9 })
}

function entryBlocks(path: string, node: TarEntry['node']): Buffer[] {
  const name = Buffer.from(node.kind === 'directory' ? `${path}/` : path)
  const target = Buffer.from(node.kind === 'link' ? node.target : '')
  const content = Buffer.from(node.kind === 'file' ? node.text : '')
  return [
    ...longName('L', name),
    ...longName('K', target),
    header(TYPES[node.kind], MODES[node.kind], name, target, content.length),
    padded(content),
  ]
}

/** GNU's entry for what does not fit its field. */
function longName(type: 'L' | 'K', value: Buffer): Buffer[] {
  if (value.length <= NAME_BYTES) return []
  const content = Buffer.concat([value, Buffer.alloc(1)])
  return [header(type, 0, Buffer.from('././@LongLink'), Buffer.alloc(0), content.length), padded(content)]
}

function header(type: string, mode: number, name: Buffer, target: Buffer, size: number): Buffer {
  const block = Buffer.alloc(BLOCK)
  name.copy(block, 0, 0, Math.min(name.length, NAME_BYTES))
  block.write(octal(mode, 7), 100)
  block.write(octal(0, 7), 108)
  block.write(octal(0, 7), 116)
  block.write(octal(size, 11), 124)
  block.write(octal(0, 11), 136)
  block.write(type, 156)
  target.copy(block, 157, 0, Math.min(target.length, NAME_BYTES))
  block.write('ustar  ', 257)
  // The checksum counts itself as spaces.
  block.fill(' ', 148, 156)
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(`${octal(sum, 6)}\0`, 148)
  return block
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, '0')
}

function padded(content: Buffer): Buffer {
  return Buffer.concat([content, Buffer.alloc(-content.length & (BLOCK - 1))])
}
