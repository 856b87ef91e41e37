/**
 * The hypervisor verbs where libvirt is not the one that runs the guests: Proxmox VE (with a stand-in for qm that is made from
 * its documentation), QEMU without a manager, and other monitors. On trees for --root.
 */
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { vqtune } from '../support/bundle'
import { expectSchema } from '../support/schema'

const fixtures = fileURLToPath(new URL('../fixtures/host/proxmox-documented', import.meta.url))
const roots: string[] = []
afterAll(() => {
  for (const root of roots) rmSync(root, { recursive: true, force: true })
})

function tree(files: Readonly<Record<string, string>>): string {
  const root = mkdtempSync(join(tmpdir(), 'vqtune-stacks-'))
  roots.push(root)
  chmodSync(root, 0o755)
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  return root
}

const LIMITS = 'Max open files            1024                 524288               files     \n'
const links = [
  ['tap100i0', false, 1, 0],
  ['tap100i1', true, 1, 1],
] as const
const IP = `#!/bin/sh\necho '${JSON.stringify(
  links.map(([ifname, multi_queue, numqueues, numdisabled]) => ({
    ifname,
    linkinfo: { info_kind: 'tun', info_data: { multi_queue, numqueues, numdisabled } },
  })),
)}'\n`

/** A node with 100 running and 101 stopped. */
function node(extra: Readonly<Record<string, string>> = {}): string {
  const root = tree({
    'etc/pve/qemu-server/100.conf': readFileSync(`${fixtures}/100.conf`, 'utf8'),
    'etc/pve/qemu-server/101.conf': readFileSync(`${fixtures}/101.conf`, 'utf8'),
    'run/qemu-server/100.pid': '4711',
    'proc/4711/cmdline': readFileSync(`${fixtures}/100.cmdline`, 'utf8').replaceAll('\n', '\0'),
    'proc/4711/limits': LIMITS,
    'proc/4711/fd/0': '',
    'usr/sbin/ip': IP,
    ...extra,
  })
  cpSync(`${fixtures}/qm`, `${root}/usr/sbin/qm`)
  chmodSync(`${root}/usr/sbin/ip`, 0o755)
  return root
}
const host = (root: string, ...args: string[]) => vqtune(['host', ...args, '--root', root])
const confOf = (root: string, vmid: number) =>
  readFileSync(`${root}/etc/pve/qemu-server/${vmid}.conf`, 'utf8')

describe('Proxmox VE', () => {
  it('checks its virtual machines in the same table', async () => {
    const { code, stdout, stderr } = await host(node(), 'check')
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(/^100 \(web01\) +bc:24:11:00:00:01 +bridge +virtio +vhost +4 +1 +1 +1 of 1024$/m)
    expect(stdout).toMatch(/^100 \(web01\) +bc:24:11:00:00:02 +bridge +virtio +vhost +4 +2 +1 +1 of 1024$/m)
    expect(stdout).toMatch(/^100 \(web01\) +bc:24:11:00:00:03 +bridge +e1000 +default +4 +1 +1 /m)
    expect(stdout).toMatch(/^101 \(win\) +bc:24:11:00:00:11 +bridge +virtio +vhost +2 +4 +- +off$/m)
    expect(stdout).toContain('warning (host) 100 bc:24:11:00:00:01: one queue for 4 vCPUs')
    expect(stdout).toContain('-> vqtune host set-queues 100 --nic bc:24:11:00:00:01 vcpus --apply')
    expect(stdout).toContain('warning (guest) 100 bc:24:11:00:00:02: the guest (Linux) uses 1 of 2 queues')
    expect(stdout).not.toMatch(/virsh|virt-xml|takes effect after a power-off/)
    const json = await host(node(), 'check', 'web01', '--json')
    expectSchema('host-check', JSON.parse(json.stdout))
    expect(JSON.parse(json.stdout).domains).toMatchObject([{ name: '100', title: 'web01', stack: 'proxmox' }])
  })

  it('tells of a change that waits for a power-off, also where the process may not be seen', async () => {
    const root = node()
    writeFileSync(`${root}/etc/pve/qemu-server/100.conf`, confOf(root, 100).replace('queues=2', 'queues=4'))
    expect((await host(root, 'check')).stdout).toContain('takes effect after a power-off: queues 2 -> 4')
    mkdirSync(`${root}/current`)
    cpSync(`${fixtures}/100.conf`, `${root}/current/100.conf`)
    rmSync(`${root}/proc`, { recursive: true })
    const { stdout } = await host(root, 'check')
    expect(stdout).toContain('takes effect after a power-off: queues 2 -> 4')
    expect(stdout).toContain(
      '-> power off and start again (a reboot inside the guest is not enough): qm shutdown 100; qm start 100',
    )
  })

  it('sets queues of a stopped machine, keeps every other option, and undoes it', async () => {
    const root = node()
    const before = confOf(root, 101)
    const dry = await host(root, 'set-queues', '101', '2')
    expect(dry.stdout.match(/^[-+].*/gm)).toEqual([
      '--- 101.conf',
      '+++ 101.conf',
      '-net0: model=virtio,macaddr=BC:24:11:00:00:11,bridge=vmbr0,queues=4',
      '+net0: model=virtio,macaddr=BC:24:11:00:00:11,bridge=vmbr0,queues=2',
    ])
    expect(confOf(root, 101)).toBe(before)
    const done = await host(root, 'set-queues', 'win', 'vcpus', '--apply', '--json')
    expect(done.stderr).toBe('')
    const report = JSON.parse(done.stdout)
    expectSchema('host-set-queues', report)
    expect(report).toMatchObject({ verb: 'set-queues', target: '101', applied: true })
    expect(confOf(root, 101)).toBe(before.replace('queues=4', 'queues=2'))
    expect((await host(root, 'set-queues', '101', '2')).stdout).toContain('101: already configured: 2 queues')
    const list = JSON.parse((await host(root, 'undo', '--list', '--json')).stdout)
    expectSchema('host-undo-list', list)
    expect(list.backups).toMatchObject([{ id: report.backup, target: '101.conf', undone: null }])
    const undone = await host(root, 'undo', '--apply')
    expect([undone.code, undone.stderr]).toEqual([0, ''])
    expect(confOf(root, 101)).toBe(before)
  })

  it('does not take the NIC of a running machine out unasked', async () => {
    const root = node()
    const before = confOf(root, 100)
    const dry = await host(root, 'set-queues', '100', 'vcpus', '--nic', 'net0')
    expect(dry.stdout).toContain('+net0: virtio=BC:24:11:00:00:01,bridge=vmbr0,firewall=1,queues=4\n')
    expect(dry.stdout).toContain('qm would take net0 out and plug it in anew at once')
    const refused = await host(root, 'set-queues', '100', 'vcpus', '--nic', 'tap100i0', '--apply')
    expect([refused.code, refused.stdout]).toEqual([1, ''])
    expect(refused.stderr).toMatch(/nothing was changed; --force sets it anyway\n$/)
    expect(confOf(root, 100)).toBe(before)
    writeFileSync(`${root}/etc/pve/qemu-server/100.conf`, `${before}hotplug: disk,usb\n`)
    const done = await host(root, 'set-queues', '100', 'vcpus', '--nic', 'BC:24:11:00:00:01', '--apply')
    expect([done.code, done.stderr]).toEqual([0, ''])
    expect(done.stdout).toContain('qm shutdown 100; qm start 100\n')
    expect(confOf(root, 100)).toContain('firewall=1,queues=4\n')
    expect(confOf(root, 100)).toContain('bridge=vmbr1,queues=2,tag=30\n')
  })

  it('leaves no backup of what did not come about', async () => {
    for (const [mark, message] of [
      ['refuse', "can't lock file '/var/lock/qemu-server/lock-101.conf' - got timeout; it is as it was"],
      ['forget', 'the configuration has not got it; it is as it was'],
    ] as const) {
      const root = node({ [mark]: '' })
      const { code, stderr } = await host(root, 'set-queues', '101', '2', '--apply')
      expect(code).toBe(1)
      expect(stderr).toContain(message)
      expect(confOf(root, 101)).toBe(readFileSync(`${fixtures}/101.conf`, 'utf8'))
      expect(readdirSync(`${root}/var/lib/vqtune/backups`)).toEqual([])
    }
  })

  it('refuses numbers and names that it does not take, in one line', async () => {
    const root = node()
    for (const [args, message] of [
      [['set-queues', '100', '65'], 'Proxmox VE takes 64 at most'],
      [
        ['set-queues', '102', '2'],
        '102: no such virtual machine on this node; there are: 100 (web01), 101 (win)',
      ],
      [['set-queues', '100', '2', '--nic', 'net2'], 'model e1000 is not virtio'],
      [['set-queues', '100', '2', '--nic', 'net9'], 'no such interface'],
    ] as const) {
      const { code, stderr } = await host(root, ...args)
      expect(code).not.toBe(0)
      expect(stderr).toContain(message)
      expect(stderr.trim().split('\n')).toHaveLength(1)
    }
  })
})

describe('QEMU without a manager', () => {
  const cmdline = (...args: string[]) => `${args.join('\0')}\0`
  const plain = (program: string, ...args: string[]) => ({
    'proc/77/cmdline': cmdline(program, ...args),
    'proc/77/limits': LIMITS,
    'proc/77/fd/0': '',
  })
  const NIC = [
    '-netdev',
    'tap,id=n0,ifname=tap100i1,queues=2,vhost=on',
    '-device',
    'virtio-net-pci,netdev=n0,mac=52:54:00:00:00:77,mq=on,vectors=6',
  ]

  it('is shown from its command line, with where its queues are set', async () => {
    const root = tree({
      ...plain('/usr/bin/qemu-system-x86_64', '-enable-kvm', '-name', 'lab', '-smp', '4', ...NIC),
      'usr/sbin/ip': IP,
    })
    chmodSync(`${root}/usr/sbin/ip`, 0o755)
    const { code, stdout, stderr } = await host(root, 'check')
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(
      /^lab \(process 77\) +52:54:00:00:00:77 +tap +virtio-net-pci +vhost +4 +2 +1 +1 of 1024$/m,
    )
    expect(stdout).toContain('warning (host) lab 52:54:00:00:00:77: 2 queues for 4 vCPUs')
    expect(stdout).toContain(
      '-> where it is started: queues=4 on its -netdev, mq=on,vectors=10 on its -device',
    )
    expect(stdout).not.toMatch(/set-queues|virsh/)
    const json = await host(root, 'check', 'lab', '--json')
    expectSchema('host-check', JSON.parse(json.stdout))
    expect(JSON.parse(json.stdout).domains).toMatchObject([{ name: 'lab', stack: 'qemu', persistent: false }])
  })

  it('names the manager that started it where its paths tell', async () => {
    for (const [path, by] of [
      ['/run/incus/vm1/qemu.conf', 'LXD or Incus'],
      ['/var/run/kubevirt-private/x', 'KubeVirt'],
      ['/var/lib/libvirt/qemu/domain-1-x/monitor.sock', 'another libvirt'],
    ] as const) {
      const root = tree(
        plain('/usr/libexec/qemu-kvm', '-S', '-chardev', `socket,path=${path}`, '-smp', '2', ...NIC),
      )
      expect((await host(root, 'check')).stdout, path).toContain(
        `to be changed where it is started, by ${by}`,
      )
    }
  })

  it('of other monitors says in one line that it knows no more', async () => {
    const root = tree({ 'proc/78/comm': 'firecracker\n', 'proc/78/cmdline': cmdline('firecracker') })
    const { code, stderr } = await host(root, 'check')
    expect(code).toBe(1)
    expect(stderr).toMatch(/this host runs Firecracker, which has one queue pair for each NIC; .*\n$/)
    expect(stderr.trim().split('\n')).toHaveLength(1)
  })
})
