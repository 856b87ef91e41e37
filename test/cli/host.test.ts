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

/** Guests in the shapes that libvirt's documentation and the managers show, in libvirt's test driver. */
describe('guests that are not plain', () => {
  const guest = (name: string, interfaces: string, head = '') =>
    `<domain type='test'><name>${name}</name><uuid>0a000000-0000-4000-8000-000000000009</uuid><memory>1048576</memory><vcpu>4</vcpu>${head}<os><type arch='x86_64' machine='pc-q35-rhel9.4.0'>hvm</type></os><devices>${interfaces}</devices></domain>`
  const nic = (type: string, mac: string, inner: string) =>
    `<interface type='${type}'><mac address='52:54:00:00:01:${mac}'/>${inner}</interface>`
  const uri = (...guests: string[]) =>
    `test://${tree({ 'node.xml': `<node>${guests.join('')}</node>` })}/node.xml`
  const host = (connection: string, ...args: string[]) => vqtune(['host', ...args, '--connect', connection])

  const teaming = guest(
    'failover',
    nic(
      'network',
      '01',
      "<source network='lan'/><model type='virtio'/><driver name='vhost' queues='2'/><teaming type='persistent'/><alias name='ua-backup0'/>",
    ) +
      nic(
        'hostdev',
        '01',
        "<source><address type='pci' domain='0x0000' bus='0x42' slot='0x02' function='0x5'/></source><teaming type='transient' persistent='ua-backup0'/>",
      ),
  )

  it('shows both halves of a teaming pair, and changes the virtio one', async () => {
    const check = await host(uri(teaming), 'check')
    expect(check.stdout).toMatch(/^failover +52:54:00:00:01:01 +network +virtio +vhost +4 +2 /m)
    expect(check.stdout).toMatch(/^failover +52:54:00:00:01:01 +hostdev +- +- +4 +- +- /m)
    expect(check.stdout).toContain('2 queues for 4 vCPUs')
    for (const name of ['52:54:00:00:01:01', 'ua-backup0']) {
      const { code, stdout, stderr } = await host(
        uri(teaming),
        'set-queues',
        'failover',
        'vcpus',
        '--nic',
        name,
      )
      expect([code, stderr], name).toEqual([0, ''])
      expect(stdout.match(/^[-+] .*/gm), name).toEqual([
        "-      <driver name='vhost' queues='2'/>",
        "+      <driver name='vhost' queues='4'/>",
      ])
    }
  })

  it('takes the target of the running guest, and names all names where none fits', async () => {
    const json = JSON.parse((await host(uri(teaming), 'check', '--json')).stdout)
    expectSchema('host-check', json)
    const { target } = json.domains[0].nics[0]
    expect(target).toBeTruthy()
    const by = await host(uri(teaming), 'set-queues', 'failover', '4', '--nic', target)
    expect(by.stdout).toContain("queues='4'")
    const none = await host(uri(teaming), 'set-queues', 'failover', '4', '--nic', 'nosuch')
    expect([none.code, none.stderr.trim().split('\n').length]).toEqual([2, 1])
    expect(none.stderr).toMatch(/52:54:00:00:01:01 \S+ ua-backup0/)
  })

  it('does not change what a manager writes anew, unless forced, and prints its setting', async () => {
    const nova = guest(
      'instance-0000abcd',
      nic('bridge', '02', "<source bridge='qbr0'/><model type='virtio'/>"),
      "<metadata><nova:instance xmlns:nova='http://openstack.org/xmlns/libvirt/nova/1.1'><nova:name>x</nova:name></nova:instance></metadata>",
    )
    const check = await host(uri(nova), 'check')
    expect(check.stdout).toContain('hw:vif_multiqueue_enabled=true')
    expect(check.stdout).not.toMatch(/set-queues|virsh/)
    const dry = await host(uri(nova), 'set-queues', 'instance-0000abcd', 'vcpus')
    expect(dry.stdout).toContain(
      'OpenStack (nova) writes its XML anew at each start: the change would be lost',
    )
    const refused = await host(uri(nova), 'set-queues', 'instance-0000abcd', 'vcpus', '--apply')
    expect(refused.code).toBe(1)
    expect(refused.stderr).toMatch(/nothing was changed; --force defines it anyway\n$/)
  })

  it('warns of a tap that somebody else makes before the change that would keep the guest from starting', async () => {
    const own = guest(
      'lab',
      nic('ethernet', '03', "<target dev='tap-vqtest-none' managed='no'/><model type='virtio'/>"),
    )
    const check = await host(uri(own), 'check')
    expect(check.stdout).toContain('ip tuntap add dev tap-vqtest-none mode tap multi_queue')
    const dry = await host(uri(own), 'set-queues', 'lab', 'vcpus', '--json')
    const report = JSON.parse(dry.stdout)
    expectSchema('host-set-queues', report)
    expect(report.applied).toBe(false)
    expect(report.notes.join()).toContain('starts only when it was made with multi_queue')
    const refused = await host(uri(own), 'set-queues', 'lab', 'vcpus', '--apply')
    expect(refused.code).toBe(1)
    expect(refused.stderr).toContain('nothing was changed; --force defines it anyway')
  })

  it('asks for many guests in one virsh, twice for each at most', async () => {
    const many = Array.from({ length: 30 }, (_, i) =>
      guest(`g${i}`, nic('bridge', '01', "<source bridge='b'/><model type='virtio'/>")).replace(
        '-000000000009<',
        `-${String(i).padStart(12, '0')}<`,
      ),
    )
    const root = tree({
      'node.xml': `<node>${many.join('')}</node>`,
      'usr/bin/virsh': '#!/bin/sh\necho "$*" >>"$(dirname "$0")/calls"\nexec /usr/bin/virsh "$@"\n',
    })
    chmodSync(`${root}/usr/bin/virsh`, 0o755)
    const { code, stdout } = await vqtune([
      ...['host', 'check', '--root', root, '--connect', `test://${root}/node.xml`],
    ])
    expect([code, stdout.match(/^g\d+ /gm)?.length]).toEqual([0, 30])
    const calls = readFileSync(`${root}/usr/bin/calls`, 'utf8')
    expect(calls.match(/dumpxml/g)).toHaveLength(60)
    expect(calls.trim().split('\n')).toHaveLength(4)
  })

  it('counts the interrupt routes of the whole guest', async () => {
    const many = (count: number) =>
      guest(
        'wide',
        Array.from({ length: count }, (_, i) =>
          nic(
            'bridge',
            (16 + i).toString(16),
            "<source bridge='b'/><model type='virtio'/><driver queues='100'/>",
          ),
        ).join(''),
      ).replace('<vcpu>4<', '<vcpu>100<')
    expect((await host(uri(many(10)), 'check')).stdout).not.toContain('interrupt routes')
    const full = await host(uri(many(20)), 'check')
    expect(full.stdout).toContain(
      "its virtio devices take 4020 of KVM's 4096 interrupt routes, some 36 are left",
    )
    expect(full.stdout).toContain('the next hot-plug of a NIC of 100 queues (201) or a disk (101) ends QEMU')
    const over = await host(uri(many(21)), 'check')
    expect(over.stdout).toMatch(/^error \(host\) wide: its virtio devices take 4221 of KVM's 4096/m)
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

  it('explains itself with the numbers of this host, and never lowers what guests inherit or use', async () => {
    const limits = (soft: number) => `Max open files            ${soft}  524288  files\n`
    const daemon = (soft: number) => ({
      'etc/libvirt/qemu.conf': conf,
      'proc/42/comm': 'virtqemud\n',
      'proc/42/status': 'Uid:\t0\t0\t0\t0\n',
      'proc/42/limits': limits(soft),
    })
    const withVirsh = (files: Record<string, string>, script: string) => {
      const root = tree({ ...files, 'usr/bin/virsh': `#!/bin/sh\n${script}\n` })
      chmodSync(`${root}/usr/bin/virsh`, 0o755)
      return root
    }
    const rich = await host(withVirsh(daemon(8192), 'exit 0'), 'max-files')
    expect(rich.stdout).toContain(
      "RHEL's guide says 2048 for multi-queue guests: enough for every guest of this host",
    )
    expect(rich.stdout).toContain('guests inherit the soft limit of virtqemud, 8192')
    expect(rich.stdout).toContain('guests inherit 8192 from virtqemud: max_files = 2048 would lower it')
    expect(rich.stdout).toContain('max_files is not set, and need not be\n')
    const poor = await host(withVirsh(daemon(1024), 'exit 0'), 'max-files', '--json')
    const report = JSON.parse(poor.stdout)
    expectSchema('host-max-files', report)
    expect(report).toMatchObject({ verb: 'max-files', applied: false, backup: null })
    expect(report.diff).toContain('+max_files = 2048\n')

    const uuid = '0a000000-0000-4000-8000-000000000001'
    const busy = withVirsh(
      {
        ...daemon(1024),
        'run/libvirt/qemu/big.pid': '77',
        'proc/77/cmdline': 'qemu-system-x86_64\0-name\0guest=big\0',
        'proc/77/limits': limits(65_536),
        ...Object.fromEntries(Array.from({ length: 2500 }, (_, i) => [`proc/77/fd/${i}`, ''])),
      },
      `case "$*" in *list*) echo '${uuid} big';; *dumpxml*) echo "<domain type='kvm' id='1'><name>big</name><uuid>${uuid}</uuid><devices/></domain>";; *) exit 1;; esac`,
    )
    const suggestion = await host(busy, 'max-files')
    expect(suggestion.stdout).toContain(
      'the running guests have up to 2500 files open (big); their limit is 65536',
    )
    expect(suggestion.stdout).toContain('+max_files = 4096\n')
    const below = await host(busy, 'max-files', '2048', '--apply')
    expect([below.code, below.stdout]).toEqual([2, ''])
    expect(below.stderr).toBe(
      'vqtune: host max-files: 2048 is below what big has open now (2500 files); nothing was changed\n',
    )
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
