import { execFileSync } from 'node:child_process'
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { gzipSync } from 'node:zlib'
import { describe, expect, onTestFinished, test } from 'vitest'
import {
  ARCHIVE_LIMITS,
  type ArchivedNode,
  parseArchive,
  partsOf,
  readArchive,
} from '../../../src/system/archive'
import { guestArchive, guestNames, packGuest, unpackGuest } from '../../support/captured-guest'
import { archiveFile, fileOf, paxEntry, TAR_END, type TarEntry, tarEntry, tarOf } from '../../support/tar'

function temporary(): string {
  const directory = mkdtempSync(`${tmpdir()}/vqtune-archive-`)
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

/** Every path in a tree with what is there: 'directory', a file's bytes or a link's target. */
function contents(node: ArchivedNode, path = ''): Record<string, string> {
  if (node.kind === 'file') return { [path]: `file ${node.content.toString('latin1')}` }
  if (node.kind === 'link') return { [path]: `link ${node.target}` }
  const below = [...node.entries].map(([name, entry]) => contents(entry, `${path}/${name}`))
  return Object.assign({ [path]: 'directory' }, ...below)
}

/** The same of a directory on the disk. */
function contentsOnDisk(directory: Buffer, path = ''): Record<string, string> {
  const status = lstatSync(directory)
  if (status.isFile()) return { [path]: `file ${readFileSync(directory, 'latin1')}` }
  if (status.isSymbolicLink()) return { [path]: `link ${readlinkSync(directory, 'latin1')}` }
  const names = readdirSync(directory, 'buffer')
  const below = names.map((name) =>
    contentsOnDisk(Buffer.concat([directory, Buffer.from('/'), name]), `${path}/${name.toString('latin1')}`),
  )
  return Object.assign({ [path]: 'directory' }, ...below)
}

const read = (...entries: readonly (TarEntry | Buffer)[]) =>
  contents(parseArchive('x.tar.gz', gzipSync(tarOf(...entries))))

function refusal(...entries: readonly (TarEntry | Buffer)[]): string {
  return refusalOfBytes(gzipSync(tarOf(...entries)))
}

/** What is said of an archive, without the name of the file; that it is one line is every VqtuneError's doing. */
function refusalOfBytes(bytes: Buffer, limits: Parameters<typeof parseArchive>[2] = ARCHIVE_LIMITS): string {
  try {
    parseArchive('x.tar.gz', bytes, limits)
  } catch (error) {
    expect(error).toMatchObject({ name: 'VqtuneError', kind: 'state', exitCode: 1 })
    const { message } = error as Error
    expect(message).toMatch(/^x\.tar\.gz: /)
    return message.slice('x.tar.gz: '.length)
  }
  return 'accepted'
}

describe('what tar wrote is read', () => {
  test.each(['microvm-mmio', 'ccw', 'rhel7-derived'])('%s, as tar unpacks it', (name) => {
    const directory = temporary()
    unpackGuest(name, directory)
    expect(contents(readArchive(guestArchive(name)))).toEqual(contentsOnDisk(Buffer.from(directory)))
  })

  test('every captured guest is a tree without surprises', () => {
    const names = guestNames()
    expect(names.length).toBeGreaterThanOrEqual(30)
    for (const name of names)
      expect(readArchive(guestArchive(name)).entries.has('capture.json'), name).toBe(true)
  })

  describe.each(['gnu', 'pax', 'ustar', 'v7'])('--format=%s', (format) => {
    test('links, dangling ones, empty files, odd and long names', () => {
      const tree = temporary()
      const deep = `${tree}/sys/${'d'.repeat(format === 'v7' ? 30 : 90)}`
      mkdirSync(deep, { recursive: true })
      mkdirSync(`${tree}/sys/empty directory`)
      writeFileSync(`${deep}/${'n'.repeat(format === 'v7' ? 30 : 90)}`, 'long name')
      writeFileSync(`${tree}/sys/empty`, '')
      writeFileSync(`${tree}/sys/511`, 'x'.repeat(511))
      writeFileSync(`${tree}/sys/512`, 'x'.repeat(512))
      writeFileSync(`${tree}/sys/a\u001b[2J: b\n`, '\0\xff')
      writeFileSync(`${tree}/sys/größe`, 'grün')
      symlinkSync('../sys/empty', `${tree}/sys/link`)
      symlinkSync(
        `../../${'gone/'.repeat(format === 'gnu' || format === 'pax' ? 60 : 15)}x`,
        `${deep}/dangling`,
      )
      // Not UTF-8, as pax wants names to be.
      const odd = Buffer.concat([Buffer.from(`${tree}/sys/`), Buffer.from([0x80, 0xfe, 0x41])])
      writeFileSync(odd, 'odd')
      const archive = `${temporary()}/guest.tar.gz`
      execFileSync('tar', [`--format=${format}`, '-czf', archive, '-C', tree, '.'], { stdio: 'pipe' })
      expect(contents(readArchive(archive))).toEqual(contentsOnDisk(Buffer.from(tree)))
    })
  })

  test('a hard link is the file that it names', () => {
    expect(
      read({ name: 'sys/a', content: 'x' }, { name: 'sys/b', type: '1', target: 'sys/a' }),
    ).toMatchObject({
      '/sys/a': 'file x',
      '/sys/b': 'file x',
    })
  })

  test('a directory needs no entry, may have several, and may be marked by its name alone', () => {
    expect(
      read({ name: './sys//class/net/lo' }, { name: 'sys/class', type: '5' }, { name: 'proc/' }),
    ).toEqual({
      '': 'directory',
      '/sys': 'directory',
      '/sys/class': 'directory',
      '/sys/class/net': 'directory',
      '/sys/class/net/lo': 'file ',
      '/proc': 'directory',
    })
  })

  test('a prefix counts in POSIX archives, not in those of GNU tar, where times are in its place', () => {
    expect(read({ name: 'a', prefix: 'sys/b' })).toHaveProperty(['/sys/b/a'])
    expect(read({ name: 'a', prefix: 'sys/b', magic: 'ustar  \0' })).toHaveProperty(['/a'])
  })

  test('extension headers hold for one entry, and what they say of users and times does not matter', () => {
    const extended = [
      paxEntry({ path: 'sys/long', mtime: '1.5', 'SCHILY.xattr.user.x': 'a=b\n' }),
      tarEntry({ name: 'short', content: 'x' }),
      tarEntry({ name: 'comment', type: 'g', content: '19 path=sys/global\n' }),
      paxEntry({ linkpath: '../proc', size: '0' }),
      tarEntry({ name: 'sys/link', type: '2', target: 'x' }),
    ]
    expect(read(...extended, { name: 'last' })).toEqual({
      '': 'directory',
      '/sys': 'directory',
      '/sys/long': 'file x',
      '/sys/link': 'link ../proc',
      '/last': 'file ',
    })
  })
})

describe('what is refused', () => {
  test.each(['/etc/passwd', '../x', 'sys/../../x', 'sys/..', '.', '..', '/'])('the name %j', (name) => {
    expect(refusal({ name, content: 'x' })).toBe(`${JSON.stringify(name)}: not a name inside the tree`)
  })

  test('such names of directories and links, and a name with a NUL, which only a pax header can have', () => {
    expect(refusal({ name: '../x/', type: '5' })).toMatch(/: not a name inside the tree$/)
    expect(refusal({ name: '/', type: '2', target: 'sys' })).toMatch(/: not a name inside the tree$/)
    expect(refusal(paxEntry({ path: 'sys/a\0b' }), { name: 'a' })).toMatch(/: not a name inside the tree$/)
  })

  test.each([
    ['sys/a', '/etc/passwd'],
    ['a', '../etc/passwd'],
    ['sys/class/a', '../../..'],
    // Where sys/b leads decides where the last .. leads.
    ['sys/a', 'b/../x'],
  ])('the link %s -> %s', (name, target) => {
    expect(refusal({ name, type: '2', target })).toBe(`"${name}": may link outside the tree`)
  })

  test.each([
    ['sys/a', '..'],
    ['sys/a', '../proc'],
    ['sys/class/net/a', '../../../x'],
    ['a', './b'],
  ])('but not the link %s -> %s', (name, target) => {
    expect(read({ name, type: '2', target })).toHaveProperty([`/${name}`], `link ${target}`)
  })

  test('what lies below a link or a file: who unpacks it writes where the link leads', () => {
    const link = { name: 'sys/a', type: '2', target: '../proc' }
    expect(refusal(link, { name: 'sys/a/b' })).toBe('"sys/a/b": lies below what is not a directory')
    expect(refusal(link, { name: 'sys/a', type: '5' })).toBe('"sys/a": lies below what is not a directory')
    expect(refusal({ name: 'sys/a' }, { name: 'sys/a/b/c' })).toMatch(/: lies below what is not a directory$/)
  })

  test('a second entry of one name', () => {
    expect(refusal({ name: 'sys/a' }, { name: './sys/a' })).toBe('"./sys/a": is there twice')
    expect(refusal({ name: 'sys', type: '2', target: 'x' })).toBe('"sys": is there twice')
  })

  test.each([
    ['3', 'a device'],
    ['4', 'a device'],
    ['6', 'a named pipe'],
    ['S', 'a file with holes, as tar --sparse stores it'],
    ['M', 'an entry of unknown type M'],
  ])('an entry of type %s: %s', (type, what) => {
    expect(refusal({ name: 'sys/a', type })).toBe(`"sys/a": ${what}`)
  })

  test('a file with holes in pax format', () => {
    expect(refusal(paxEntry({ 'GNU.sparse.major': '1' }), { name: 'sys/a' })).toMatch(
      /^has a file with holes/,
    )
  })

  test.each(['sys/gone', 'sys', 'sys/a/b'])('a hard link to %s', (target) => {
    expect(refusal({ name: 'sys/a' }, { name: 'sys/b', type: '1', target })).toBe(
      '"sys/b": hard link to a file that is not there',
    )
  })

  test('names that no file can have', () => {
    const long = `sys/${'a/'.repeat(2_100)}`
    expect(refusal(tarEntry({ name: 'x', type: 'L', content: long }), { name: 'a' })).toMatch(
      /^"sys\/a.{95}": name too long$/,
    )
    expect(refusal(paxEntry({ linkpath: long }), { name: 'sys/a', type: '2' })).toBe('"sys/a": name too long')
  })

  test('escapes in a name do not reach the terminal', () => {
    expect(refusal({ name: '/\u001b[2J\nfine' })).toBe('"/\\u001b[2J\\nfine": not a name inside the tree')
  })

  test('no captured guest', () => {
    const said = 'holds no captured guest: neither sys nor proc is at its top'
    expect(refusalOfBytes(gzipSync(TAR_END))).toBe(said)
    expect(refusalOfBytes(gzipSync(Buffer.concat([tarEntry({ name: 'guest/sys/a' }), TAR_END])))).toBe(said)
  })

  test('no archive', () => {
    for (const bytes of [Buffer.alloc(0), Buffer.from('BZh9'), tarOf()]) {
      expect(refusalOfBytes(bytes)).toBe('not a .tar.gz archive')
    }
    expect(refusalOfBytes(gzipSync('an article about tar'.repeat(100)))).toBe(
      'damaged: not a valid .tar.gz archive',
    )
  })

  test('one that was cut off, at whatever byte', () => {
    const tar = tarOf({ name: 'sys/a', content: 'x'.repeat(700) })
    const packed = gzipSync(tar)
    for (let length = 2; length < packed.length; length++) {
      expect(refusalOfBytes(packed.subarray(0, length)), `${length}`).toMatch(/^(truncated|damaged): /)
    }
    // Cut off before it was compressed: up to the first block of zeros, which is the end.
    const end = tar.length - TAR_END.length + 512
    for (let length = 0; length < end; length += 100) {
      expect(refusalOfBytes(gzipSync(tar.subarray(0, length))), `${length}`).toBe(
        'truncated: the end of the archive is missing',
      )
    }
    expect(refusalOfBytes(gzipSync(tar.subarray(0, end)))).toBe('accepted')
  })

  test('one that was damaged: a bit of the compressed bytes, of a header, of a record', () => {
    const packed = gzipSync(tarOf({ name: 'sys/a', content: 'x' }))
    packed[packed.length - 8] = (packed.at(-8) ?? 0) ^ 1
    expect(refusalOfBytes(packed)).toBe('damaged: not a valid .tar.gz archive')
    const header = tarEntry({ name: 'sys/a' })
    header[4] = 0x62
    for (const damaged of [
      header,
      tarEntry({ name: 'sys/a', size: '0000000000x' }),
      tarEntry({ name: 'sys/a', size: '\x80\0\0\0\0\0\0\0\0\0\0\x01' }),
      tarEntry({ name: 'x', type: 'x', content: '12 path=sys/a\n' }),
      tarEntry({ name: 'x', type: 'x', content: '99 path=sys/a\n' }),
      tarEntry({ name: 'x', type: 'x', content: '3 path=a\n' }),
      tarEntry({ name: 'x', type: 'x', content: 'path=sys/a\n' }),
      paxEntry({ size: '-512' }),
      paxEntry({ size: '' }),
      tarEntry({ name: 'x', type: 'x', content: ' '.repeat(1024 * 1024 + 1) }),
    ]) {
      expect(refusal(damaged, { name: 'sys/b' }), header.toString('latin1', 0, 8)).toBe(
        'damaged: not a valid .tar.gz archive',
      )
    }
  })

  test('more than the limits: bytes before they are unpacked, and directories that have no entry of their own', () => {
    const bomb = gzipSync(tarOf({ name: 'sys/zeros', content: '\0'.repeat(1024 * 1024) }))
    expect(bomb.length).toBeLessThan(3_000)
    const limits = { bytes: 1024 * 1024, entries: 10 }
    expect(refusalOfBytes(bomb, limits)).toBe('larger than 1 MiB when unpacked')
    expect(refusalOfBytes(bomb)).toBe('accepted')
    const nine = { name: 'sys/2/3/4/5/6/7/8/9' }
    expect(refusalOfBytes(gzipSync(tarOf(nine, { name: '10' })), limits)).toBe('accepted')
    expect(refusalOfBytes(gzipSync(tarOf(nine, { name: '10' }, { name: '11' })), limits)).toBe(
      'more than 10 entries',
    )
  })

  test('a file that is too large to be one is not read', () => {
    const file = archiveFile(tarOf())
    truncateSync(file, ARCHIVE_LIMITS.bytes + 1)
    expect(() => readArchive(file)).toThrow(`${file}: larger than 256 MiB when unpacked`)
  })

  test('a file that cannot be read', () => {
    const directory = temporary()
    expect(() => readArchive(directory)).toThrow(`${directory}: cannot be read (EISDIR)`)
    expect(() => readArchive(`${directory}/gone`)).toThrow(`${directory}/gone: cannot be read (ENOENT)`)
    const file = fileOf(Buffer.from('x'))
    expect(() => readArchive(file)).toThrow(`${file}: not a .tar.gz archive`)
  })
})

test('packing a tree again makes the same bytes, whenever and by whomever it was made', () => {
  const [first, second] = [temporary(), temporary()]
  unpackGuest('rhel7-derived', first)
  // In another order, with other times and modes.
  execFileSync('cp', ['-R', '-P', `${first}/.`, second])
  execFileSync('chmod', ['-R', 'g+w', `${second}/sys`])
  const archive = `${temporary()}/again.tar.gz`
  packGuest(second, archive)
  expect(readFileSync(archive).equals(readFileSync(guestArchive('rhel7-derived')))).toBe(true)
})

test('the names on a way', () => {
  expect(partsOf('/sys//./class/net/')).toEqual(['sys', 'class', 'net'])
})
