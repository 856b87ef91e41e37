/** The hypervisor verbs as a user runs them: against libvirt's test driver, and on trees for --root. */
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { BUNDLE, inNamespace, vqtune } from '../support/bundle'
import { expectSchema } from '../support/schema'
import { processFiles } from '../support/systems'

const top = fileURLToPath(new URL('../..', import.meta.url))
const recorded = (name: string) => readFileSync(`${top}test/fixtures/host/debian12-libvirt9/${name}`, 'utf8')
const roots: string[] = []
afterAll(() => {
  for (const root of roots) rmSync(root, { recursive: true, force: true })
})

/** A directory with the given files, readable by everybody. */
function tree(files: Readonly<Record<string, string>> = {}): string {
  const root = mkdtempSync(join(tmpdir(), 'vqtune-host-'))
  roots.push(root)
  chmodSync(root, 0o755)
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  return root
}

/** The recorded guest in libvirt's test driver, which forgets all changes when its client ends. */
const domainXml = recorded('web01.inactive.xml').replace("type='qemu'", "type='test'")
const connect = (): string => `test://${tree({ 'node.xml': `<node>\n${domainXml}</node>\n` })}/node.xml`

describe("with libvirt's test driver", () => {
  it('checks: table, findings, JSON by its schema, exit codes', async () => {
    const uri = connect()
    const text = await vqtune(['host', 'check', '--connect', uri])
    expect(text.stderr).toBe('')
    expect(text.code).toBe(0)
    expect(text.stdout).toMatch(/^GUEST +MAC +TYPE +MODEL +DRIVER +VCPUS +QUEUES +USED +FILES\n/)
    expect(text.stdout).toMatch(/^web01 +52:54:00:00:00:01 +bridge +virtio +qemu +2 of 4 +4 /m)
    expect(text.stdout).toContain('warning (host) web01 52:54:00:00:00:02: one queue for 2 vCPUs')
    expect(text.stdout).toContain('-> vqtune host set-queues web01 --nic 52:54:00:00:00:02 vcpus --apply')
    const json = await vqtune(['host', 'check', 'web01', '--json', '--check', '--connect', uri])
    expect(json.code).toBe(3)
    expectSchema('host-check', JSON.parse(json.stdout))
  })

  it('shows what set-queues would change, and changes nothing', async () => {
    const { code, stdout, stderr } = await vqtune([
      'host',
      'set-queues',
      'web01',
      'vcpus',
      '--connect',
      connect(),
    ])
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout.match(/^[-+].*/gm)).toEqual([
      '--- web01.xml',
      '+++ web01.xml',
      "+      <driver queues='4'/>",
    ])
    expect(stdout).toContain('52:54:00:00:00:03: skipped: model e1000e is not virtio\n')
    expect(stdout).toContain('dry run: nothing was changed; --apply defines it\n')
  })

  it('defines, reads back, and keeps a backup for root only', async () => {
    const { code, stdout, stderr } = await inNamespace(
      `mkdir -p /var/lib && mount -t tmpfs tmpfs /var/lib &&
       vqtune host set-queues web01 8 --nic 52:54:00:00:00:01 --apply --connect "$URI" &&
       stat -c '%a %n' /var/lib/vqtune/backups /var/lib/vqtune/backups/*`,
      { URI: connect() },
    )
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toContain("+      <driver name='qemu' queues='8'/>\n")
    expect(stdout).toMatch(/web01: defined; to undo: vqtune host undo \S+-set-queues-\w+ --apply\n/)
    expect(stdout).toContain('8 queues are more than the 4 vCPUs that web01 can have')
    // The test driver has forgotten the change by then; what counts is that nothing else lies there.
    expect(stdout).toMatch(/\n700 \S+backups\n600 \S+-set-queues-\w+\.json\n$/)
  })

  it.each([
    [
      'an unknown guest',
      ['check', 'nosuch'],
      2,
      /^vqtune: nosuch: no such guest in test:.*; there are: web01\n$/,
    ],
    ['an unknown MAC', ['set-queues', 'web01', '2', '--nic', '52:54:00:00:00:99'], 2, /no such interface/],
    [
      'a queue count',
      ['set-queues', 'web01', '257'],
      2,
      /queues '257': expected vcpus or a number from 1 to 256\n$/,
    ],
    ['a file count', ['max-files', '100'], 2, /'100': expected a number from 2048 to 1048576\n$/],
  ])('refuses %s in one line', async (_name, args, expected, message) => {
    const { code, stderr, stdout } = await vqtune(['host', ...args, '--connect', connect()])
    expect([code, stdout]).toEqual([expected, ''])
    expect(stderr).toMatch(message)
    expect(stderr.trim().split('\n')).toHaveLength(1)
  })

  it.each([
    ['malformed XML', 'test:///ROOT/bad.xml', 1, /bad\.xml:\d+: /],
    ['a missing daemon', 'qemu+unix:///system?socket=/nonexistent', 1, /is virtqemud or libvirtd running\?/],
    ['a URI that is none', '-r', 2, /expected a libvirt URI/],
  ])('reports %s in one line', async (_name, uri, expected, message) => {
    const root = tree({ 'bad.xml': '<node><domain>' })
    const { code, stderr, stdout } = await vqtune([
      'host',
      'check',
      `--connect=${uri.replace('/ROOT', root)}`,
    ])
    expect([code, stdout]).toEqual([expected, ''])
    expect(stderr).toMatch(message)
    expect(stderr.trim().split('\n')).toHaveLength(1)
  })

  it('reports a missing libvirt in one line', async () => {
    const { code, stderr } = await vqtune(['host', 'check', '--root', tree()])
    expect(code).toBe(1)
    expect(stderr).toMatch(/^vqtune: virsh is not installed .*libvirt-clients\)\n$/)
  })
})

describe('max-files', () => {
  const conf = recorded('qemu.conf')
  const qemuConf = (root: string) => `${root}/etc/libvirt/qemu.conf`
  const host = (root: string, ...args: string[]) => vqtune(['host', ...args, '--root', root])

  it('is a dry run, then writes, then is undone, then the undo is undone', async () => {
    const root = tree({ 'etc/libvirt/qemu.conf': conf, ...processFiles(42, 'virtqemud') })
    chmodSync(qemuConf(root), 0o600)
    const dry = await host(root, 'max-files', '4096')
    expect(dry.stdout).toContain('+max_files = 4096\n')
    expect(readFileSync(qemuConf(root), 'utf8')).toBe(conf)
    const wet = await host(root, 'max-files', '4096', '--apply')
    expect(wet.stdout).toContain(
      'systemctl restart virtqemud (guests keep running)\nrunning guests keep their old limit',
    )
    const changed = conf.replace('#max_files = 0\n', '#max_files = 0\nmax_files = 4096\n')
    expect(readFileSync(qemuConf(root), 'utf8')).toBe(changed)
    expect(statSync(qemuConf(root)).mode & 0o777).toBe(0o600)
    expect((await host(root, 'max-files', '4096')).stdout).toContain('max_files = 4096 already')
    expect((await host(root, 'undo')).stdout).toContain('dry run')
    const undone = await host(root, 'undo', '--apply')
    expect(readFileSync(qemuConf(root), 'utf8')).toBe(conf)
    const redo = /vqtune host undo (\S+) --apply/.exec(undone.stdout)?.[1] ?? ''
    await host(root, 'undo', redo, '--apply')
    expect(readFileSync(qemuConf(root), 'utf8')).toBe(changed)
    expect((await host(root, 'undo')).stderr).toBe(
      'vqtune: host undo: nothing to undo; see vqtune host undo --list\n',
    )
  })

  it('does not undo over the change of somebody else unless forced', async () => {
    const root = tree({ 'etc/libvirt/qemu.conf': conf })
    await host(root, 'max-files', '4096', '--apply')
    writeFileSync(qemuConf(root), 'user = "qemu"\n')
    const refused = await host(root, 'undo', '--apply')
    expect(refused.code).toBe(1)
    expect(refused.stderr).toContain('modified since')
    expect(readFileSync(qemuConf(root), 'utf8')).toBe('user = "qemu"\n')
    await host(root, 'undo', '--apply', '--force')
    expect(readFileSync(qemuConf(root), 'utf8')).toBe(conf)
  })

  it('puts back no file but those that a host verb changes, whatever a record says', async () => {
    const root = tree({ 'etc/libvirt/qemu.conf': conf, 'etc/passwd': 'root:x:0:0\n' })
    await host(root, 'max-files', '4096', '--apply')
    const backups = `${root}/var/lib/vqtune/backups`
    const [file = ''] = readdirSync(backups)
    const record = JSON.parse(readFileSync(`${backups}/${file}`, 'utf8'))
    const target = { kind: 'file', path: `${root}/etc/passwd` }
    const forged = { ...record, target, before: 'eve::0:0\n', after: 'root:x:0:0\n' }
    writeFileSync(`${backups}/${file}`, JSON.stringify(forged))
    const { code, stderr } = await host(root, 'undo', '--apply', '--force')
    expect([code, stderr]).toEqual([
      1,
      `vqtune: backup ${record.id}: ${root}/etc/passwd is not a file that host commands change\n`,
    ])
    expect(readFileSync(`${root}/etc/passwd`, 'utf8')).toBe('root:x:0:0\n')
  })

  it('takes the number from the guests, at least 2048', async () => {
    const root = tree({ 'etc/libvirt/qemu.conf': conf })
    // Only etc is exchanged: virsh and its test driver are the real ones.
    const { stdout, code } = await inNamespace(
      'mkdir -p /etc/libvirt && mount --bind "$ROOT/etc/libvirt" /etc/libvirt && vqtune host max-files --connect "$URI"',
      { ROOT: root, URI: connect() },
    )
    expect(code).toBe(0)
    expect(stdout).toContain('web01 needs the most: up to 70 files; max_files = 2048 leaves room\n')
  })

  it('changes nothing on a broken qemu.conf, without libvirt, or without permission', async () => {
    const broken = await host(
      tree({ 'etc/libvirt/qemu.conf': 'a = 1\nmax_files = lots\n' }),
      'max-files',
      '4096',
    )
    expect(broken.code).toBe(2)
    expect(broken.stderr).toMatch(/^vqtune: \S+qemu\.conf:2: max_files: the value is not a number.*\n$/)
    const missing = await host(tree(), 'max-files', '4096', '--apply')
    expect(missing.stderr).toMatch(/libvirt is not installed here\n$/)
    const root = tree({ 'etc/libvirt/qemu.conf': conf })
    const asNobody = (setup: string) =>
      inNamespace(
        `${setup}; setpriv --reuid 65534 --regid 65534 --clear-groups "${process.execPath}" "${BUNDLE}" host max-files 4096 --apply --root "$ROOT"`,
        { ROOT: root },
      )
    const readable = await asNobody('true')
    expect(readable.code).toBe(1)
    expect(readable.stderr).toMatch(
      /^vqtune: \S+: cannot write: permission denied; run as root; nothing was changed\n$/,
    )
    const secret = await asNobody('chmod 600 "$ROOT/etc/libvirt/qemu.conf"')
    expect(secret.stderr).toMatch(/^vqtune: \S+qemu\.conf: cannot read: permission denied; run as root\n$/)
    expect(readFileSync(qemuConf(root), 'utf8')).toBe(conf)
  })

  it.each([
    ['the backup has no room', 'var/lib/vqtune', 'size=8k', 'dd if=/dev/zero of=fill bs=4k 2>/dev/null'],
    ['the file has no room', 'etc/libvirt', 'size=16k', 'dd if=/dev/zero of=fill bs=4k 2>/dev/null'],
    ['the file system is read-only', 'etc/libvirt', 'size=64k', 'mount -o remount,ro .'],
  ])('changes nothing when %s', async (_name, where, size, spoil) => {
    const root = tree({ 'etc/libvirt/qemu.conf': conf, 'var/lib/vqtune/.keep': '' })
    const { code, stdout, stderr } = await inNamespace(
      `cd "$ROOT/${where}" && cp -a . /tmp/keep.$$ && mount -t tmpfs -o ${size} tmpfs . && cd "$ROOT/${where}" &&
       cp -a /tmp/keep.$$/. . && rm -r /tmp/keep.$$ && { ${spoil}; cd /
       vqtune host max-files 4096 --apply --root "$ROOT" >/dev/null; code=$?
       cat "$ROOT/etc/libvirt/qemu.conf"; echo "=="; ls "$ROOT/etc/libvirt" "$ROOT/var/lib/vqtune/backups"; exit $code; }`,
      { ROOT: root },
    )
    expect(code).toBe(1)
    expect(stderr).toMatch(/^vqtune: \S+: cannot write: .*; nothing was changed\n$/)
    const [text, files] = stdout.split('==\n')
    expect(text).toBe(conf)
    expect(files).not.toMatch(/\.json|\.tmp/)
  })
})

describe('zerocopy', () => {
  const own = 'etc/modprobe.d/vqtune-vhost-net.conf'
  const parameter = 'sys/module/vhost_net/parameters/experimental_zcopytx'
  const inUse = { 'proc/modules': 'vhost_net 36864 2 - Live 0x0\n', [parameter]: '0\n' }
  const host = (root: string, ...args: string[]) => vqtune(['host', 'zerocopy', ...args, '--root', root])

  it('turns on only with the risk accepted, and says what to do while guests run', async () => {
    const root = tree(inUse)
    const dry = await host(root, 'on')
    expect(dry.code).toBe(0)
    expect(dry.stdout).toContain('+options vhost_net experimental_zcopytx=1\n')
    const refused = await host(root, 'on', '--apply')
    expect(refused.code).toBe(2)
    expect(refused.stderr).toMatch(
      /mitigation.*denial of service.*information leaks.*--accept-risk.*nothing was changed\n$/,
    )
    expect(readdirSync(root)).not.toContain('etc')
    mkdirSync(`${root}/etc/modprobe.d`, { recursive: true })
    const done = await host(root, 'on', '--apply', '--accept-risk')
    expect(done.stderr).toBe('')
    expect(done.stdout).toContain('vhost_net is in use: 2 open descriptors')
    expect(done.stdout).toContain('  rmmod vhost_net && modprobe vhost_net\n')
    expect(statSync(`${root}/${own}`).mode & 0o777).toBe(0o644)
    const off = await host(root, 'off', '--apply')
    expect(off.stdout).toContain('+options vhost_net experimental_zcopytx=0\n')
    await vqtune(['host', 'undo', '--root', root, '--apply'])
    expect(readFileSync(`${root}/${own}`, 'utf8')).toContain('experimental_zcopytx=1')
    await vqtune(['host', 'undo', '--root', root, '--apply'])
    expect(readdirSync(`${root}/etc/modprobe.d`)).toEqual([])
  })

  it('warns of a file that wins', async () => {
    const root = tree({ ...inUse, 'etc/modprobe.d/zz.conf': 'options vhost_net experimental_zcopytx=0\n' })
    const { stderr } = await host(root, 'on', '--apply', '--accept-risk')
    expect(stderr).toMatch(
      /zz\.conf:1 sets experimental_zcopytx=0 and takes precedence; vqtune does not edit it\n$/,
    )
  })

  it('says that a kernel without the parameter cannot do it, and cleans up its own file', async () => {
    const root = tree({
      'proc/modules': inUse['proc/modules'],
      'sys/module/vhost_net/refcnt': '2\n',
      [own]: 'options vhost_net experimental_zcopytx=1\n',
    })
    const on = await host(root, 'on')
    expect([on.code, on.stderr]).toEqual([
      1,
      'vqtune: vhost_net of this kernel no longer has experimental_zcopytx: zero copy is not possible\n',
    ])
    expect((await host(root, 'off', '--apply')).stdout).toContain('removed; to undo')
    expect(readdirSync(`${root}/etc/modprobe.d`)).toEqual([])
  })

  it('does not measure without the module or without tracefs', async () => {
    expect((await host(tree({ 'proc/modules': '' }), 'probe')).stderr).toMatch(
      /is not loaded: .*nothing to measure\n$/,
    )
    const root = tree({ ...inUse, 'proc/kallsyms': '0 t vhost_zerocopy_callback\t[vhost_net]\n' })
    const { code, stderr } = await host(root, 'probe', '--seconds', '601')
    expect([code, stderr]).toEqual([2, 'vqtune: host zerocopy probe: --seconds 601: expected 1 to 600\n'])
  })
})
