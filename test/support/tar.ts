/** Archives made by hand, byte by byte: no tar would write what ours must refuse. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { onTestFinished } from 'vitest'

export interface TarEntry {
  /** One character for each byte, like every text here. */
  readonly name: string
  /** Type flag; '0', a file, unless told otherwise. */
  readonly type?: string
  readonly content?: string
  /** Of a link. */
  readonly target?: string
  /** Fields as they are, in place of what fits the entry. */
  readonly size?: string
  readonly prefix?: string
  readonly magic?: string
}

const octal = (value: number, digits: number) => value.toString(8).padStart(digits, '0')

/** Header and content of one entry. */
export function tarEntry({ name, type = '0', content = '', target = '', ...fields }: TarEntry): Buffer {
  const header = Buffer.alloc(512)
  header.write(name, 0, 100, 'latin1')
  header.write(octal(0o644, 7), 100)
  header.write(fields.size ?? octal(content.length, 11), 124, 12, 'latin1')
  header.write(type, 156, 1, 'latin1')
  header.write(target, 157, 100, 'latin1')
  header.write(fields.magic ?? 'ustar\x0000', 257, 'latin1')
  header.write(fields.prefix ?? '', 345, 155, 'latin1')
  header.fill(' ', 148, 156)
  header.write(
    `${octal(
      header.reduce((sum, byte) => sum + byte, 0),
      6,
    )}\0`,
    148,
    7,
    'latin1',
  )
  return Buffer.concat([header, Buffer.from(content, 'latin1'), Buffer.alloc(-content.length & 511)])
}

/** A pax extension header for the next entry. */
export function paxEntry(records: Readonly<Record<string, string>>): Buffer {
  const content = Object.entries(records).map(([key, value]) => {
    const rest = ` ${key}=${value}\n`
    // The length counts its own digits.
    const length = [1, 2, 3, 4].find((digits) => String(rest.length + digits).length === digits) ?? 0
    return `${rest.length + length}${rest}`
  })
  return tarEntry({ name: 'pax', type: 'x', content: content.join('') })
}

/** The two blocks of zeros at the end. */
export const TAR_END: Buffer = Buffer.alloc(1024)

/** An uncompressed archive with an empty directory `sys` in front, without which it is no captured guest. */
export function tarOf(...entries: readonly (TarEntry | Buffer)[]): Buffer {
  const blocks = entries.map((entry) => (Buffer.isBuffer(entry) ? entry : tarEntry(entry)))
  return Buffer.concat([tarEntry({ name: 'sys/', type: '5' }), ...blocks, TAR_END])
}

/** The path of a file with these bytes, compressed, which goes with the test. */
export function archiveFile(tar: Buffer): string {
  return fileOf(gzipSync(tar))
}

/** The same with bytes as they are. */
export function fileOf(bytes: Buffer): string {
  const directory = mkdtempSync(join(tmpdir(), 'vqtune-archive-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  const file = join(directory, 'guest.tar.gz')
  writeFileSync(file, bytes)
  return file
}
