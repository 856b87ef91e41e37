/** Archives of captured guests: whatever a file holds, it is a tree from which nothing leads out, or one line. */
import { posix } from 'node:path'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect } from 'vitest'
import { type ArchivedDirectory, type ArchivedNode, parseArchive } from '../../src/system/archive'
import { paxEntry, tarEntry, tarOf } from '../support/tar'
import { holds, must, parsedOrRefused } from './lib/check'

const TAR = tarOf(
  { name: 'sys/class/net/eth0', type: '2', target: '../../devices/pci0000:00/virtio0/net/eth0' },
  { name: 'sys/devices/pci0000:00/virtio0/net/eth0/', type: '5' },
  { name: 'sys/devices/pci0000:00/virtio0/net/eth0/ifindex', content: '2\n' },
  { name: 'proc/interrupts', content: '           CPU0\n 24: 0 virtio0-input.0\n'.repeat(20) },
  paxEntry({ path: `sys/${'long/'.repeat(30)}name`, size: '3' }),
  { name: 'short', content: 'abc' },
  tarEntry({ name: '././@LongLink', type: 'L', content: `ethtool/${'x'.repeat(120)}.l\0` }),
  { name: 'ethtool/x', content: 'Combined: 4\n', magic: 'ustar  \0' },
  { name: 'ethtool/y', type: '1', target: 'proc/interrupts' },
)
const PACKED = gzipSync(TAR)

/** The archive with up to six bytes, or runs of them, replaced. */
const damaged = (base: Buffer) =>
  fc
    .array(
      fc.record({
        at: fc.nat(base.length - 1),
        bytes: fc.oneof(
          fc.uint8Array({ minLength: 1, maxLength: 4 }),
          fc.constantFrom('../', '/', '..', '\0', '77777777777', '5', '2', 'x', 'L').map(Buffer.from),
        ),
      }),
      { maxLength: 6 },
    )
    .map((edits) => {
      const copy = Buffer.from(base)
      for (const { at, bytes } of edits) copy.set(bytes.slice(0, base.length - at), at)
      return copy
    })

/** Headers whose sums are right again: else almost all damage ends there. */
function summed(tar: Buffer): Buffer {
  for (let at = 0; at + 512 <= tar.length; at += 512) {
    const header = tar.subarray(at, at + 512)
    if (header.toString('latin1', 257, 262) !== 'ustar') continue
    header.fill(' ', 148, 156)
    header.write(
      `${header
        .reduce((sum, byte) => sum + byte, 0)
        .toString(8)
        .padStart(6, '0')}\0`,
      148,
    )
  }
  return tar
}

function checkTree(directory: ArchivedDirectory, path: string): void {
  for (const [name, node] of directory.entries) {
    must(name !== '' && name !== '.' && name !== '..' && !/[/\0\u0100-\uffff]/.test(name), `${path}/${name}`)
    if (node.kind === 'directory') checkTree(node, `${path}/${name}`)
    if (node.kind !== 'link') continue
    const leadsTo = posix.join('top', path, node.target)
    must(!posix.isAbsolute(node.target) && /^top(\/|$)/.test(leadsTo), `${path}/${name} -> ${node.target}`)
  }
}

const parse = (packed: Buffer) => parsedOrRefused(() => parseArchive('x.tar.gz', packed))

describe('a damaged archive', () => {
  for (const [what, mended] of [
    ['as it is', (tar: Buffer) => tar],
    ['with right sums', summed],
  ] as const) {
    holds(`${what}: no name and no link leads out`, damaged(TAR), (tar) => {
      const tree = parse(gzipSync(mended(tar), { level: 1 }))
      if (tree !== undefined) checkTree(tree, '')
    })
  }

  holds('after it was compressed: refused, or what was packed', damaged(PACKED), (packed) => {
    const tree = parse(packed)
    if (tree !== undefined) expect(tree).toEqual(parseArchive('x.tar.gz', PACKED))
  })

  holds('cut off anywhere: refused', fc.nat(PACKED.length - 1), (length) => {
    expect(parse(PACKED.subarray(0, length))).toBeUndefined()
  })
})

describe('an archive', () => {
  const byte = fc.integer({ min: 1, max: 255 }).filter((code) => code !== 0x2f)
  const name = fc
    .array(byte, { minLength: 1, maxLength: 40 })
    .map((codes) => String.fromCharCode(...codes))
    .filter((text) => text !== '.' && text !== '..')
  const node: fc.Arbitrary<ArchivedNode> = fc.oneof(
    fc
      .uint8Array({ maxLength: 1_100 })
      .map((bytes) => ({ kind: 'file' as const, content: Buffer.from(bytes) })),
    name.map((target) => ({ kind: 'link' as const, target })),
  )
  holds(
    'is read as it was written: names and contents of any bytes, short and long',
    fc.dictionary(
      fc.oneof(
        name,
        fc.tuple(name, name, name).map((parts) => parts.join('/')),
      ),
      node,
      {
        maxKeys: 6,
        noNullPrototype: true,
      },
    ),
    (files) => {
      const written = Object.entries(files).map(([path, file], i) => ({
        name: `${i}/${path}`,
        ...(file.kind === 'link'
          ? { type: '2', target: file.target }
          : { content: (file as { content: Buffer }).content.toString('latin1') }),
      }))
      // Long names, and half of the others, by a pax header.
      const tar = tarOf(
        ...written.flatMap((entry) =>
          entry.name.length > 100 || entry.name.length % 2 === 0
            ? [paxEntry({ path: entry.name }), { ...entry, name: 'short' }]
            : [entry],
        ),
      )
      const tree = parseArchive('x.tar.gz', gzipSync(tar, { level: 1 }))
      for (const [i, [path, file]] of Object.entries(files).entries()) {
        const found = `${i}/${path}`
          .split('/')
          .reduce<ArchivedNode | undefined>(
            (at, part) => (at?.kind === 'directory' ? at.entries.get(part) : undefined),
            tree,
          )
        expect(found).toEqual(file)
      }
    },
  )
})
