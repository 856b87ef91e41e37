/** What --root may name: a directory, an archive, the running guest; and what is refused. */
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { gzipSync } from 'node:zlib'
import { execa } from 'execa'
import { describe, expect, it, onTestFinished } from 'vitest'
import { COMMANDS } from '../../src/commands/registry'
import { BUNDLE, capturedRoot, inNamespace, vqtune } from '../support/bundle'
import { guestArchive, packGuest, unpackGuest } from '../support/captured-guest'
import { fileOf, tarOf } from '../support/tar'

const META = new URL('meta.json', `file://${BUNDLE}`)

function temporary(): string {
  const directory = mkdtempSync(`${tmpdir()}/vqtune-root-`)
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

const READING = COMMANDS.filter(({ readsOnly }) => readsOnly === true)
const WRITING = COMMANDS.filter(({ readsOnly }) => readsOnly !== true)

/** Members of a gzip file follow each other: 257 MiB in 260 KiB. */
const BOMB = Buffer.concat(new Array<Buffer>(257).fill(gzipSync(Buffer.alloc(1024 * 1024))))

/** A command with something for each argument that it must have. */
const called = ({ words, positionals = [] }: (typeof COMMANDS)[number]) => [
  ...words,
  ...positionals.filter((slot) => slot.startsWith('<')).map(() => 'enp0s8'),
]

/** One line on standard error, and nothing else. */
async function refusal(args: readonly string[], env: Record<string, string> = {}): Promise<[number, string]> {
  const { code, stdout, stderr } = await vqtune(args, env)
  expect(stdout).toBe('')
  const line = /^vqtune: ([^\n]*)\n$/.exec(stderr)?.[1]
  expect(line, stderr).toBeDefined()
  return [code, line ?? '']
}

describe('an archive', () => {
  it.each([
    ['hotplug-drift', ['status', '--check'], 3],
    ['hotplug-drift', ['plan', '--json'], 0],
    ['bond', ['status', '--json'], 0],
    ['many-cpus', ['status'], 0],
    ['ccw', ['plan'], 0],
    ['rss-table-by-hand', ['explain', 'enp0s8'], 0],
    ['xdp-attached', ['explain', 'enp0s8', '--json'], 0],
    ['two-nics', ['config', 'check'], 0],
    ['two-nics', ['drift'], 0],
  ] as const)('%s: %j says of it what it says of the directory', async (name, args, code) => {
    const archive = guestArchive(name)
    const root = capturedRoot(name)
    const ofArchive = await vqtune([...args, '--root', archive])
    const ofDirectory = await vqtune([...args, '--root', `${root}/`])
    expect(ofArchive).toMatchObject({ code, stderr: '' })
    expect(ofArchive.stdout.replaceAll(archive, '')).toBe(ofDirectory.stdout.replaceAll(root, ''))
  })

  it('is measured by report like the directory', async () => {
    const { code, stdout, stderr } = await vqtune([
      ...['report', '--window', '1', '--root', guestArchive('debian-6.12-4cpu-4q')],
    ])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(/^enp0s8: 4 channels, 1\.\d s\n/)
  })

  it('shows configuration, its problems and the drift history of the guest, by the names that they have in it', async () => {
    const tree = temporary()
    unpackGuest('two-nics', tree)
    const record = {
      ...{ at: '2026-03-01T10:00:00.000Z', kind: 'channels', nic: 'enp0s8', old: '4', new: '2' },
      ...{ writer: 'irqbalance', evidence: 'it ran', action: 'repaired', why: '' },
    }
    await execa('mkdir', ['-p', `${tree}/etc/vqtune`, `${tree}/var/lib/vqtune`])
    writeFileSync(`${tree}/etc/vqtune/vqtune.toml`, '[defaults]\ncap = 0\n')
    writeFileSync(`${tree}/var/lib/vqtune/drift.jsonl`, `${JSON.stringify(record)}\n`)
    const archive = `${tree}.tar.gz`
    onTestFinished(() => rmSync(archive, { force: true }))
    packGuest(tree, archive)
    const check = await vqtune(['config', 'check', '--root', archive])
    expect(check).toMatchObject({ code: 2, stderr: '' })
    expect(check.stdout).toMatch(`${archive}/etc/vqtune/vqtune.toml:2: defaults.cap = 0: allowed is `)
    expect((await vqtune(['drift', '--root', archive])).stdout).toContain('irqbalance')
    // A configuration of this machine, for what it would mean there.
    const mine = `${tree}/mine.toml`
    writeFileSync(mine, '[defaults]\ncap = 1\n')
    const plan = await vqtune(['plan', 'enp0s8', '--root', archive, '--config', mine])
    expect(plan.stdout).toContain('enp0s8: channels 4 -> 1 ')
  })

  it('has no program that would be run', async () => {
    const tree = capturedRoot('hotplug-drift')
    const marks = temporary()
    rmSync(`${tree}/usr/sbin/ethtool`)
    writeFileSync(`${tree}/usr/sbin/ethtool`, `#!/bin/sh\ntouch ${marks}/mark\n`)
    chmodSync(`${tree}/usr/sbin/ethtool`, 0o755)
    rmSync(`${tree}/usr/sbin/ip`)
    const archive = `${temporary()}/guest.tar.gz`
    packGuest(tree, archive)
    expect((await vqtune(['plan', '--root', archive])).stdout).toContain('enp0s8: channels 2 -> 4 ')
    await vqtune(['explain', 'enp0s8', '--root', archive])
    expect(readdirSync(marks)).toEqual([])
    // The directory's own is run, so the test would see it.
    await vqtune(['explain', 'enp0s8', '--root', tree])
    expect(readdirSync(marks)).toEqual(['mark'])
  })

  it('a directory with recorded output, but without programs, is as good', async () => {
    const tree = temporary()
    unpackGuest('hotplug-drift', tree)
    expect((await vqtune(['plan', '--root', tree])).stdout).toContain('enp0s8: channels 2 -> 4 ')
  })

  it.each(WRITING.map((command) => [called(command)]))('%j, which writes, refuses it', async (args) => {
    const archive = guestArchive('hotplug-drift')
    const before = readFileSync(archive)
    expect(await refusal([...args, '--root', archive])).toEqual([
      2,
      `--root ${archive}: ${args.filter((word) => word !== 'enp0s8').join(' ')} writes, and an archive is only read`,
    ])
    expect(readFileSync(archive).equals(before)).toBe(true)
  })

  it('of a hypervisor: verbs that only read say what is not there', async () => {
    const archive = guestArchive('hotplug-drift')
    expect(READING.map(({ words }) => words.join(' '))).toEqual([
      ...[
        'status',
        'plan',
        'drift',
        'explain',
        'report',
        'capture',
        'config check',
        'host check',
        'host zerocopy status',
      ],
    ])
    const status = await vqtune(['host', 'zerocopy', 'status', '--root', archive])
    expect(status).toMatchObject({ code: 0, stderr: '' })
    expect(await refusal(['host', 'check', '--root', archive])).toEqual([
      1,
      expect.stringContaining(`${archive}: has no recorded output of virsh`),
    ])
  })

  it.each([
    ['cut off', gzipSync(tarOf({ name: 'sys/a', content: 'x' })).subarray(0, 60), /: truncated: /],
    ['damaged', gzipSync('x'.repeat(2_000)), /: damaged: /],
    ['not compressed', tarOf(), /: not a \.tar\.gz archive$/],
    ['empty', Buffer.alloc(0), /: not a \.tar\.gz archive$/],
    ['no guest', gzipSync(Buffer.alloc(1024)), /: holds no captured guest: /],
    ['with a way out', gzipSync(tarOf({ name: '../../etc/cron.d/x' })), /: not a name inside the tree$/],
    ['with a link out', gzipSync(tarOf({ name: 'sys/a', type: '2', target: '/etc' })), /: may link outside /],
    ['with a device', gzipSync(tarOf({ name: 'sys/a', type: '3' })), /: a device$/],
    ['with terminal escapes', gzipSync(tarOf({ name: '/\u001b[2J\n' })), /: not a name inside the tree$/],
    ['a bomb', BOMB, /: larger than 256 MiB when unpacked$/],
  ])('%s: refused in one line that names the file, and nothing is left', async (_what, bytes, message) => {
    const file = fileOf(bytes)
    const TMPDIR = temporary()
    const [code, line] = await refusal(['status', '--root', file], { TMPDIR })
    expect({ code, names: line.startsWith(`${file}: `) }).toEqual({ code: 1, names: true })
    expect(line).toMatch(message)
    expect(readdirSync(TMPDIR)).toEqual([])
  })

  it('is unpacked nowhere: nothing need be writable, so nothing is left however vqtune ends', async () => {
    const { code, stdout, stderr } = await inNamespace(
      `mount --make-rprivate /
       while read -r _ at _; do mount -o remount,bind,ro "$at" 2>/dev/null; done </proc/self/mounts
       touch "$TMPDIR/x"; vqtune status --root "$ARCHIVE"`,
      { ARCHIVE: guestArchive('two-nics'), TMPDIR: temporary() },
    )
    expect(stderr).toMatch(/^touch: .*: Read-only file system\n$/)
    expect(code).toBe(0)
    expect(stdout).toMatch(/^enp0s8: 4 channels /)
  })

  it('costs the boot path nothing: its code is in the chunk of the other verbs alone', () => {
    const chunks = JSON.parse(readFileSync(META, 'utf8')) as Record<
      string,
      { inputs: Record<string, unknown> }
    >
    const having = Object.entries(chunks).filter(([, { inputs }]) =>
      Object.keys(inputs).some((input) => /src\/system\/(archive|captured)/.test(input)),
    )
    expect(having.map(([name]) => name)).toEqual(['vqtune-full'])
  })
})

describe('what is no tree', () => {
  it.each(['status', 'apply', 'daemon'])("%s --root '': a script's empty variable", async (verb) => {
    for (const option of [['--root', ''], ['--root=']]) {
      expect(await refusal([verb, ...option])).toEqual([
        2,
        "--root '': no tree is named; / is the running guest",
      ])
    }
  })

  it('what does not exist, and what is neither file nor directory', async () => {
    for (const root of ['/nonexistent', '/dev/null', '/dev/null/x', guestArchive('gone')]) {
      for (const verb of ['status', 'apply', 'daemon']) {
        expect(await refusal([verb, '--root', root])).toEqual([
          2,
          `--root ${root}: neither a directory nor a .tar.gz archive`,
        ])
      }
    }
    expect(await refusal(['status', '--root', 'a\u001b[2J\nb'])).toEqual([
      2,
      '--root a\\u001b[2J\\u000ab: neither a directory nor a .tar.gz archive',
    ])
    const long = '/x'.repeat(3_000)
    expect(await refusal(['status', '--root', long])).toEqual([
      1,
      `--root ${long}: cannot be read (ENAMETOOLONG)`,
    ])
  })

  it('/ is the running guest', async () => {
    expect(await vqtune(['config', 'check', '--root', '//'])).toEqual(await vqtune(['config', 'check']))
  })
})
