/**
 * Hardened guests, with the package installed as users install it: what works, and what is told where something cannot. The
 * table is in docs/threat-model.md. One guest; its hardenings take turns, except for those of the kernel's command line, which
 * concern neither files nor processes.
 */
import { copyFileSync, mkdtempSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildRpms } from '../packaging/rpms'
import { earlyRival } from './lib/early-rival'
import { Guest } from './lib/guest'
import { Nic } from './lib/vqtuned'
import { PATIENCE_MS, waitUntil } from './lib/wait'

const BOOT_LIMIT_MS = 600_000
const slowly = { timeoutMs: 300_000 }
const HISTORY = '/var/lib/vqtune/drift.jsonl'
const ROOT = '/dev/vda / ext4 rw,noatime 0 0\n'
/** An ordinary user. */
const USER = 'plain'
const UNKNOWN = 'daemon: unknown (this user may not see other processes)'

let guest: Guest
let nic: Nic

const EMULATED = '[Service]\nTimeoutStartSec=infinity\nTimeoutStopSec=infinity\n'

/** As STIGs have them, and each execve besides. */
const AUDIT_RULES = `-b 8192
-f 1
-a always,exit -F arch=b64 -S execve,execveat -k exec
-a always,exit -F arch=b64 -S execve -C uid!=euid -F euid=0 -k execpriv
-a always,exit -F arch=b64 -S chmod,fchmod,fchmodat,chown,fchown,fchownat,lchown -F auid>=1000 -F auid!=unset -k perm_mod
-a always,exit -F arch=b64 -S open,openat,open_by_handle_at,truncate,ftruncate -F exit=-EPERM -k perm_access
-a always,exit -F arch=b64 -S open,openat,open_by_handle_at,truncate,ftruncate -F exit=-EACCES -k perm_access
-a always,exit -F arch=b64 -S init_module,finit_module,delete_module -k modules
-w /etc/sudoers -p wa -k identity
`

beforeAll(async () => {
  const { arch } = await buildRpms(1)
  const media = mkdtempSync(join(tmpdir(), 'vqtune-media-'))
  copyFileSync(arch, join(media, basename(arch)))
  const disk = join(mkdtempSync(join(tmpdir(), 'vqtune-disk-')), 'var')
  writeFileSync(disk, '')
  truncateSync(disk, 2 ** 30)
  guest = await Guest.boot({
    ...{ kernel: '6.12', cpus: 2, nics: [{ queues: 2 }], hardened: true },
    kernelArgs: ['fips=1', 'lockdown=integrity'],
    extraArgs: [
      ...['-drive', `file=${disk},format=raw,if=none,id=var,snapshot=on`],
      ...['-device', 'virtio-blk-pci,drive=var,bus=pcie.0,addr=0x14'],
    ],
    bootTimeoutMs: BOOT_LIMIT_MS,
  })
  nic = new Nic(guest, await guest.nicName(0))
  await guest.pushDir(media, '/root/media')
  await guest.shell(`useradd -m ${USER}; umask 077; rpm -i --nodeps /root/media/*.rpm`, slowly)
  await guest.writeFile('/etc/systemd/system/rival.service', earlyRival(nic.name))
  for (const unit of ['vqtune-boot', 'vqtuned'])
    await guest.writeFile(`/etc/systemd/system/${unit}.service.d/50-emulated.conf`, EMULATED)
  await guest.writeFile(
    '/etc/vqtune/conf.d/50-test.toml',
    '[boot]\nlimit-ms = 25000\nwait-ms = 25000\n[guard]\ncommit-confirm-seconds = 0\n[daemon]\nconflict-reversals = 100\n',
  )
  await guest.shell('systemctl enable rival.service; mkfs.ext4 -q /dev/vdb')
  await guest.writeFile(
    '/etc/sysctl.d/99-hardened.conf',
    'kernel.kptr_restrict = 2\nkernel.yama.ptrace_scope = 3\n',
  )
  await guest.writeFile('/etc/fstab', `${ROOT}proc /proc proc nosuid,nodev,noexec,hidepid=2 0 0\n`)
  await reboot()
})
afterAll(async () => {
  await guest?.dispose()
})

const vqtune = (...args: string[]) => guest.exec(['vqtune', ...args], slowly)
const asUser = (...args: string[]) => guest.exec(['runuser', '-u', USER, '--', 'vqtune', ...args], slowly)
const property = async (unit: string, name: string): Promise<string> =>
  (await guest.run(['systemctl', 'show', '-P', name, unit])).trim()
const journal = (): Promise<string> => guest.journal(['-t', 'vqtune', '-o', 'cat'])

/** Returns when the daemon is up. The boot unit had something to do, and did it before the network. */
async function reboot(): Promise<void> {
  await guest.reboot(BOOT_LIMIT_MS)
  const said = await guest.journal(['-u', 'vqtune-boot.service'])
  expect(await property('vqtune-boot.service', 'Result'), said).toBe('success')
  expect(said).toContain(`${nic.name}: channels 1 -> 2`)
  const micros = async (unit: string): Promise<number> =>
    Number(await property(unit, 'ActiveEnterTimestampMonotonic'))
  expect(await micros('vqtune-boot.service')).toBeLessThanOrEqual(await micros('network-pre.target'))
  expect(await property('vqtuned.service', 'ActiveState'), await journal()).toBe('active')
}

/** In the ring that writer-trace has the kernel fill: which evidence the daemon finds first is a matter of speed. */
const notedBy = async (program: string): Promise<boolean> =>
  (await guest.exec(['grep', '-q', ` ${program}-[0-9]`, '/sys/kernel/tracing/instances/vqtune/trace']))
    .code === 0

/** A foreign `ethtool -L` is repaired and its writer told. */
async function expectRepair(by: string | RegExp = 'ethtool'): Promise<void> {
  const known = (await guest.exec(['cat', HISTORY])).stdout.length
  await nic.setChannels(1)
  await nic.become(2)
  let added = ''
  await waitUntil('the repair in the history', PATIENCE_MS, async () => {
    added = (await guest.exec(['cat', HISTORY])).stdout.slice(known)
    return added.includes('"action":"repaired"')
  })
  expect(added).toMatch(typeof by === 'string' ? new RegExp(`"writer":"${by}"`) : by)
}

/** Everything, by root and by an ordinary user; and nothing failed, crashed or was refused. */
async function expectAllWorks(daemonForUser: string | RegExp = /^daemon: running/m): Promise<void> {
  await expectRepair()
  const status = await vqtune('status')
  expect(status).toMatchObject({ code: 0, stderr: '' })
  expect(status.stdout).toMatch(/^daemon: running/m)
  const forUser = await asUser('status')
  expect(forUser).toMatchObject({ code: 0, stderr: '' })
  if (typeof daemonForUser === 'string') expect(forUser.stdout).toContain(daemonForUser)
  else expect(forUser.stdout).toMatch(daemonForUser)
  expect((await asUser('drift')).stdout).toContain('ethtool')
  const rolledBack = await vqtune('rollback')
  expect(rolledBack, rolledBack.stderr).toMatchObject({ code: 0, stderr: '' })
  expect(await nic.channels()).toBe(1)
  const refused = await asUser('apply')
  expect(refused.code).not.toBe(0)
  expect(refused.stderr).toMatch(/^vqtune: .*root.*\n$/)
  const applied = await vqtune('apply')
  expect(applied, applied.stderr).toMatchObject({ code: 0, stderr: '' })
  expect(await nic.channels()).toBe(2)
  // Nothing flows.
  const trial = await vqtune('trial', nic.name, '--counts', '1,2', '--window', '0.5')
  expect(trial, trial.stderr).toMatchObject({ code: 0, stderr: '' })
  expect(trial.stdout).toContain('too little traffic')
  expect(await nic.channels()).toBe(2)
  await expectNoFault()
}

async function expectNoFault(): Promise<void> {
  expect(await guest.run(['systemctl', '--failed', '--plain', '--no-legend'])).toBe('')
  expect(await journal()).not.toMatch(/\b(EACCES|EPERM|EROFS|denied|not permitted|cannot)\b|Error:|^ +at /im)
  const all = await guest.journal(['-o', 'cat'])
  expect(all).not.toMatch(/segfault|dumped core|traps: .*(node|vqtune)|Failed with result 'core-dump'/)
}

test('fips=1', async () => {
  expect(await guest.readFile('/proc/sys/crypto/fips_enabled')).toBe('1')
  await expectAllWorks(UNKNOWN)
})

test('lockdown=integrity: the kernel still notes writers', async () => {
  expect(await guest.readFile('/sys/kernel/security/lockdown')).toContain('[integrity]')
  await expectRepair()
  expect(await notedBy('ethtool')).toBe(true)
  expect(await guest.journal(['-k', '-o', 'cat'])).not.toMatch(
    /Lockdown: (node|vqtune|writer-trace|boot-gate)/,
  )
})

test('umask 077: what was installed and what is written is readable by those who may', async () => {
  expect(
    await guest.run(['stat', '-c', '%a', '/usr/libexec/vqtune/node', '/etc/vqtune/vqtune.toml', HISTORY]),
  ).toBe('755\n644\n644\n')
  await guest.shell(
    'umask 077; rm -rf /var/lib/vqtune/* ; vqtune config set guard.enabled true; vqtune apply',
    slowly,
  )
  await expectRepair()
  expect((await asUser('config', 'check')).code).toBe(0)
  expect((await asUser('drift')).stdout).toContain('ethtool')
  expect((await asUser('status')).code).toBe(0)
})

test('kernel.kptr_restrict=2 and kernel.yama.ptrace_scope=3', async () => {
  expect(await guest.run(['sysctl', '-n', 'kernel.kptr_restrict', 'kernel.yama.ptrace_scope'])).toBe('2\n3\n')
  await expectRepair()
  expect(await notedBy('ethtool')).toBe(true)
  await expectNoFault()
})

test('hidepid=2: a user is told that the daemon cannot be seen; with gid= the daemon tells what it cannot see', async () => {
  expect(await guest.readFile('/proc/mounts')).toMatch(/ \/proc proc .*hidepid=(2|invisible)/)
  expect((await asUser('status')).stdout).toContain(UNKNOWN)
  expect(await journal()).not.toContain('hides other processes')
  await guest.run(['groupadd', 'procview'])
  await guest.shell('mount -o "remount,hidepid=2,gid=$(getent group procview | cut -d: -f3)" /proc')
  await guest.run(['systemctl', 'restart', 'vqtuned'], slowly)
  const told = '/proc hides other processes from the daemon (hidepid=)'
  expect((await vqtune('status')).stdout).toContain(told)
  await expectRepair()
  // As told.
  await guest.writeFile(
    '/etc/systemd/system/vqtuned.service.d/60-proc.conf',
    '[Service]\nSupplementaryGroups=procview\n',
  )
  await guest.run(['systemctl', 'daemon-reload'])
  await guest.run(['systemctl', 'restart', 'vqtuned'], slowly)
  expect((await vqtune('status')).stdout).not.toContain(told)
  await guest.run(['rm', '/etc/systemd/system/vqtuned.service.d/60-proc.conf'])
})

test('noexec on /tmp, /var, /run and /dev/shm', async () => {
  await guest.shell(
    'mkdir -p /mnt/var; mount /dev/vdb /mnt/var; cp -a /var/. /mnt/var; umount /mnt/var',
    slowly,
  )
  const options = 'rw,noexec,nosuid,nodev'
  await guest.writeFile(
    '/etc/fstab',
    [
      `${ROOT}/dev/vdb /var ext4 ${options} 0 0`,
      ...['/tmp', '/run', '/dev/shm'].map((at) => `tmpfs ${at} tmpfs ${options} 0 0\n`),
    ].join('\n'),
  )
  await reboot()
  const mounts = await guest.readFile('/proc/mounts')
  for (const at of ['/tmp', '/var', '/run', '/dev/shm'])
    expect(mounts).toMatch(new RegExp(` ${at} \\w+ \\S*noexec`))
  await expectAllWorks()
})

test('read-only root, and /var on a file system of its own', async () => {
  await guest.shell(
    'mkdir -p /mnt/root; mount --bind / /mnt/root; rm -rf /mnt/root/var/*; umount /mnt/root',
    slowly,
  )
  await guest.writeFile(
    '/etc/fstab',
    `${ROOT.replace('rw', 'ro')}/dev/vdb /var ext4 rw,noatime,nofail 0 0\ntmpfs /tmp tmpfs rw 0 0\n`,
  )
  await reboot()
  expect(await guest.readFile('/proc/mounts')).toMatch(/^\S+ \/ ext4 ro,/m)
  await expectAllWorks()
  const set = await vqtune('config', 'set', 'guard.enabled', 'false')
  expect(set.code).not.toBe(0)
  expect(set.stderr).toMatch(/^vqtune: .*read-only.*\n$/)
})

test('nothing but /run can be written: tuning works, and the missing history is told', async () => {
  await guest.shell(
    'systemctl stop vqtuned; mount --bind /var /var; mount -o remount,ro,bind /var; systemctl start vqtuned',
    slowly,
  )
  await nic.setChannels(1)
  await nic.become(2)
  await waitUntil('the problem', PATIENCE_MS, async () =>
    (await vqtune('status')).stdout.includes(`${HISTORY}: cannot write the drift history (EROFS)`),
  )
  expect(await vqtune('rollback')).toMatchObject({ code: 0 })
  expect(await vqtune('apply')).toMatchObject({ code: 0 })
})

test('audit rules on every execve: writers are named by the log, and at rest nothing is added to it', async () => {
  await guest.shell('mount -o remount,rw /; systemctl enable auditd', slowly)
  await guest.writeFile('/etc/audit/rules.d/50-strict.rules', AUDIT_RULES)
  await guest.writeFile('/etc/fstab', `${ROOT}/dev/vdb /var ext4 rw,noatime 0 0\n`)
  await reboot()
  expect(await guest.run(['auditctl', '-l'])).toMatch(/-S execve,execveat/)
  await expectAllWorks()
  expect(await guest.readFile(HISTORY)).toContain('is in the audit log')
  const pid = await property('vqtuned.service', 'MainPID')
  const started = async (): Promise<number> => {
    const { stdout } = await guest.exec(['ausearch', '--raw', '-k', 'exec'], slowly)
    return stdout
      .split('\n')
      .filter((line) => line.includes(`type=SYSCALL`) && line.includes(` ppid=${pid} `)).length
  }
  await guest.letPass(20)
  const before = await started()
  expect(before).toBeGreaterThan(0)
  await guest.letPass(20)
  expect(await started()).toBe(before)
})

test('lockdown=confidentiality: told in one line, and the kernel has nothing to refuse', async () => {
  await guest.writeFile('/sys/kernel/security/lockdown', 'confidentiality')
  await guest.run(['systemctl', 'restart', 'vqtuned'], slowly)
  expect(await journal()).toContain('the kernel notes no writers (lockdown=confidentiality)')
  await expectRepair()
  expect(await guest.journal(['-k', '-o', 'cat'])).not.toMatch(/Lockdown: (node|vqtune|writer-trace|mkdir)/)
  await expectNoFault()
})
