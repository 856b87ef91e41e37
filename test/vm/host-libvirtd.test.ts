/**
 * The host verbs against a real libvirtd with emulated guests. libvirtd runs in its own network, mount and PID
 * namespaces, with directories of its own: the machine's NICs and libvirt are out of its reach, and everything ends
 * with its first process.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { BUNDLE } from '../support/bundle'
import { PATIENCE_MS, scaled, waitUntil } from './lib/wait'

const DIRECTORIES = [
  'etc/libvirt',
  'var/lib/libvirt',
  'run/libvirt',
  'var/log/libvirt',
  'var/cache/libvirt',
  'var/lib/vqtune',
]

/** What libvirtd would otherwise want from a whole machine: cgroups, a log daemon, users, security labels. */
const QEMU_CONF = [
  '# a comment that must stay',
  'stdio_handler = "file"',
  'security_driver = "none"',
  'cgroup_controllers = [ ]',
  'user = "root"',
  'group = "root"',
  'namespaces = [ ]',
  'remember_owner = 0',
  '#max_files = 0',
  '',
].join('\n')

const START = `
set -eu
mount --make-rprivate /
for d in ${DIRECTORIES.join(' ')}; do mkdir -p "/$d" "$DIR/$d"; mount --bind "$DIR/$d" "/$d"; done
mount -t sysfs sysfs /sys
ip link set lo up
ip link add br0 type bridge
ip link set br0 up
while :; do libvirtd -f /dev/null -p "$DIR/libvirtd.pid" || true; sleep 0.1; done
`

const nic = (mac: string, driver: string) =>
  `<interface type='bridge'><mac address='52:54:00:00:00:${mac}'/><source bridge='br0'/><model type='virtio'/>${driver}</interface>`

const guest = (name: string, interfaces: string) => `<domain type='qemu'><name>${name}</name>
<memory unit='MiB'>64</memory><vcpu>4</vcpu>
<os><type arch='x86_64' machine='q35'>hvm</type></os><features><acpi/></features>
<devices><emulator>/usr/bin/qemu-system-x86_64</emulator>
<graphics type='vnc' port='-1' autoport='yes' passwd='s3cret'/>${interfaces}</devices></domain>`

let directory: string
let init: ReturnType<typeof startInit>
let pid: string

function startInit() {
  const namespaces = ['unshare', '-n', '-m', '-p', '--fork', '--kill-child', '--mount-proc']
  // It ends with this process, however that ends.
  return execa('setpriv', ['--pdeathsig', 'KILL', ...namespaces, 'bash', '-c', START], {
    env: { DIR: directory },
    reject: false,
    stdio: 'ignore',
  })
}

async function inside(argv: readonly string[], reject = true) {
  const result = await execa('nsenter', ['-t', pid, '-n', '-m', '-p', ...argv], {
    reject,
    stripFinalNewline: false,
    timeout: scaled(60_000),
  })
  return { code: result.exitCode ?? -1, stdout: String(result.stdout), stderr: String(result.stderr) }
}
const virsh = (...args: string[]) => inside(['virsh', '-q', '-c', 'qemu:///system', ...args])
const vqtune = (...args: string[]) => inside([process.execPath, BUNDLE, 'host', ...args], false)
const stored = async (name: string) => (await virsh('dumpxml', name, '--inactive', '--security-info')).stdout
const findings = async (name: string) => {
  const { stdout } = await vqtune('check', name, '--json')
  const { findings } = JSON.parse(stdout) as { findings: { nic: string | null; code: string }[] }
  return findings.map(({ nic: mac, code }) => `${mac?.slice(-2) ?? '-'} ${code}`)
}

/** Waits until something is true; what it throws meanwhile is told when it never is. */
async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  let cause: unknown
  const quietly = () =>
    isSo().catch((error) => {
      cause = error
      return false
    })
  await waitUntil(what, PATIENCE_MS, quietly).catch((error) => {
    throw new Error((error as Error).message, { cause })
  })
}

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'vqtune-libvirt-'))
  mkdirSync(`${directory}/etc/libvirt`, { recursive: true })
  writeFileSync(`${directory}/etc/libvirt/qemu.conf`, QEMU_CONF, { mode: 0o600 })
  init = startInit()
  await until('libvirtd', async () => {
    pid = (await execa('pgrep', ['-P', String(init.pid)])).stdout.trim()
    return (await virsh('list')).code === 0
  })
  for (const [name, interfaces] of [
    ['web01', nic('01', "<driver name='qemu' queues='4'/>") + nic('02', '')],
    ['off02', nic('03', "<driver queues='300'/>")],
  ] as const) {
    writeFileSync(`${directory}/var/lib/libvirt/${name}.xml`, guest(name, interfaces))
    await virsh('define', `/var/lib/libvirt/${name}.xml`, '--validate')
  }
  await virsh('start', 'web01')
  // The firmware has looked at the NIC when it uses one queue of four.
  await until('the firmware', async () =>
    (await inside(['ip', '-j', '-d', 'link', 'show', 'vnet0'])).stdout.includes('"numdisabled":3'),
  )
})

afterAll(async () => {
  init.kill('SIGKILL')
  await init
  rmSync(directory, { recursive: true, force: true })
})

describe('with a real libvirtd', () => {
  it('checks a running and a stopped guest', async () => {
    const { code, stdout, stderr } = await vqtune('check', '--check')
    expect([code, stderr]).toEqual([3, ''])
    expect(stdout).toMatch(/^web01 +52:54:00:00:00:01 +bridge +virtio +qemu +4 +4 +1 +\d+ of \d+$/m)
    expect(stdout).toMatch(/^off02 +52:54:00:00:00:03 +bridge +virtio +default +4 +300 +- +off$/m)
    expect(await findings('web01')).toEqual([
      '01 unused-queues',
      '02 single-queue',
      '01 emulated',
      '02 emulated',
    ])
    expect(await findings('off02')).toEqual(['03 too-many-queues', '03 emulated'])
    // libvirt agrees that it does not start.
    await expect(virsh('start', 'off02')).rejects.toThrow('Unable to create tap device')
  })

  it('lets an unprivileged user look only as far as libvirt does', async () => {
    const { code, stdout, stderr } = await inside(
      [
        'setpriv',
        '--reuid',
        '65534',
        '--regid',
        '65534',
        '--clear-groups',
        process.execPath,
        BUNDLE,
        'host',
        'check',
      ],
      false,
    )
    expect([code, stdout]).toEqual([1, ''])
    expect(stderr.trim().split('\n')).toHaveLength(1)
  })

  it('sets queues in the stored configuration only, and undoes it to the byte', async () => {
    const before = await stored('web01')
    const live = (await virsh('dumpxml', 'web01')).stdout
    expect((await vqtune('set-queues', 'web01', 'vcpus')).stdout).toContain("+      <driver queues='4'/>\n")
    expect(await stored('web01')).toBe(before)
    const done = await vqtune('set-queues', 'web01', '3', '--apply')
    expect([done.code, done.stderr]).toEqual([0, ''])
    expect(done.stdout).not.toContain('s3cret')
    expect(done.stdout).toContain('until it is powered off and started again (a reboot is not enough)')
    expect(await stored('web01')).toBe(
      before
        .replace("queues='4'", "queues='3'")
        .replace(/(52:54:00:00:00:02[\s\S]*?<model type='virtio'\/>\n)/, "$1      <driver queues='3'/>\n"),
    )
    expect((await virsh('dumpxml', 'web01')).stdout).toBe(live)
    expect((await findings('web01')).filter((each) => each.includes('pending'))).toEqual([
      '01 pending-power-off',
      '02 pending-power-off',
    ])
    const undone = await vqtune('undo', '--apply')
    expect([undone.code, undone.stderr]).toEqual([0, ''])
    expect(await stored('web01')).toBe(before)
    expect((await virsh('domstate', 'web01')).stdout.trim()).toBe('running')
  })

  it('gives the guest the queues after a power-off', async () => {
    await vqtune('set-queues', 'web01', '2', '--nic', '52:54:00:00:00:02', '--apply')
    await virsh('destroy', 'web01')
    await virsh('start', 'web01')
    await until('the firmware', async () => {
      const { stdout } = await inside(['ip', '-j', '-d', 'link', 'show'])
      const taps = JSON.parse(stdout) as { linkinfo?: { info_data?: { numdisabled?: number } } }[]
      return taps.some((tap) => tap.linkinfo?.info_data?.numdisabled === 1)
    })
    expect((await findings('web01')).some((each) => each.includes('pending'))).toBe(false)
    expect((await vqtune('check', 'web01')).stdout).toMatch(/^web01 +52:54:00:00:00:02 .* 4 +2 +1 /m)
  })

  it('changes nothing, and keeps no backup, when libvirt cannot store the XML', async () => {
    const before = await stored('web01')
    const backups = (await vqtune('undo', '--list')).stdout
    await inside(['mount', '-t', 'tmpfs', '-o', 'ro,size=4k', 'tmpfs', '/etc/libvirt/qemu'])
    try {
      const { code, stderr } = await vqtune('set-queues', 'web01', '4', '--apply')
      expect(code).toBe(1)
      expect(stderr).toMatch(
        /^vqtune: virsh qemu:\/\/\/system: Failed to define domain .*; nothing was changed\n$/,
      )
    } finally {
      await inside(['umount', '/etc/libvirt/qemu'])
    }
    expect(await stored('web01')).toBe(before)
    expect((await vqtune('undo', '--list')).stdout).toBe(backups)
  })

  it('raises max_files: not for running guests, but for new ones after a restart of the daemon', async () => {
    const limit = async () => {
      const own = (await inside(['cat', '/run/libvirt/qemu/web01.pid'])).stdout.trim()
      const { stdout } = await inside(['cat', `/proc/${own}/limits`])
      return /^Max open files\s+(\d+)/m.exec(stdout)?.[1]
    }
    const before = await limit()
    // off02 has 300 queues: 16 + 4 + 3000 files.
    const advice = await vqtune('max-files', '--apply')
    expect(advice.stdout).toContain('off02 needs the most: up to 3020 files; max_files = 4096 leaves room\n')
    expect(advice.stdout).toContain("RHEL's guide says 2048 for multi-queue guests: too few for off02")
    // What this daemon hands on is more than that.
    expect(advice.stdout).toMatch(/guests inherit \d+ from libvirtd: max_files = 4096 would lower it/)
    expect(readFileSync(`${directory}/etc/libvirt/qemu.conf`, 'utf8')).toBe(QEMU_CONF)
    const done = await vqtune('max-files', '4096', '--apply')
    expect(done.stdout).toContain('to activate: systemctl restart libvirtd (guests keep running)\n')
    expect(readFileSync(`${directory}/etc/libvirt/qemu.conf`, 'utf8')).toBe(
      QEMU_CONF.replace('#max_files = 0\n', '#max_files = 0\nmax_files = 4096\n'),
    )
    await inside(['pkill', '-x', 'libvirtd'])
    await until('libvirtd', async () => (await virsh('domstate', 'web01')).stdout.trim() === 'running')
    expect(await limit()).toBe(before)
    // On a busy machine libvirtd may have given the guest up when it came back: then there is nothing to destroy.
    await inside(['virsh', '-q', '-c', 'qemu:///system', 'destroy', 'web01'], false)
    await virsh('start', 'web01')
    // libvirt itself adds one (virProcessSetMaxFiles).
    expect(await limit()).toBe('4097')
  })
})
