/**
 * The package vqtune-selinux with Debian's policy enforcing: the units work in a domain of their own without one denial, and
 * what is not theirs is denied, also to root with all capabilities. RHEL's policy: packaging/selinux/README.md.
 */
import { copyFileSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildRpms } from '../packaging/rpms'
import { Guest } from './lib/guest'
import { Nic } from './lib/vqtuned'
import { PATIENCE_MS, waitUntil } from './lib/wait'

const CONFIG = '/etc/vqtune/conf.d/50-test.toml'
const PROBE = '/usr/libexec/vqtune/probe'
const TEXTFILE = '/var/lib/prometheus/node-exporter/vqtune.prom'
/** The policy is compiled anew in the guest. */
const policyTimeout = { timeoutMs: 900_000 }

let guest: Guest
let nic: Nic

beforeAll(async () => {
  const { arch, selinux } = await buildRpms(1)
  const media = mkdtempSync(join(tmpdir(), 'vqtune-media-'))
  for (const rpm of [arch, selinux]) copyFileSync(rpm, join(media, basename(rpm)))
  guest = await Guest.boot({
    kernel: '6.12',
    cpus: 4,
    nics: [{ queues: 4 }],
    memoryMiB: 2048,
    selinux: true,
    bootTimeoutMs: 400_000,
  })
  nic = new Nic(guest, await guest.nicName(0))
  await guest.pushDir(media, '/root/media')
})
afterAll(async () => {
  await guest?.dispose()
})

/** What the kernel denied in which vqtune's domains or types took part, since the guest's clock showed `since`. */
async function denials(since: string): Promise<string[]> {
  const types = ['AVC', 'USER_AVC', 'SELINUX_ERR', 'USER_SELINUX_ERR'].join(',')
  const query = ['ausearch', '--raw', '-m', types, '-ts', ...since.split(' ')]
  const { stdout } = await guest.exec(query, { env: { LC_ALL: 'C' } })
  return stdout.split('\n').filter((line) => /^type=\S*(AVC|SELINUX_ERR)\b.*vqtune_/.test(line))
}
/** As ausearch takes it: whole seconds. */
const now = async (): Promise<string> => (await guest.run(['env', 'LC_ALL=C', 'date', '+%x %X'])).trim()
const contextOf = async (pid: string): Promise<string> =>
  (await guest.readFile(`/proc/${pid}/attr/current`)).replace('\0', '')
const property = async (unit: string, name: string): Promise<string> =>
  (await guest.run(['systemctl', 'show', '-P', name, unit])).trim()
const start = (unit: string) => guest.exec(['systemctl', 'restart', unit], { timeoutMs: 330_000 })

async function domainOfDaemon(): Promise<string> {
  return contextOf(await property('vqtuned.service', 'MainPID'))
}

let installed: string
test('installed with SELinux enforcing: module loaded, every file labelled as the policy has it', async () => {
  expect(await guest.run(['getenforce'])).toBe('Enforcing\n')
  expect(await guest.run(['auditctl', '-s'])).toMatch(/^enabled 1$/m)
  const { code, stderr } = await guest.exec(['sh', '-c', 'rpm -i --nodeps /root/media/*.rpm'], policyTimeout)
  expect(code, stderr).toBe(0)
  expect(await guest.run(['semodule', '-lfull'])).toMatch(/^200 vqtune +pp/m)
  const places = ['/etc/vqtune', '/usr/libexec/vqtune', '/var/lib/vqtune', '/run/vqtune']
  expect(await guest.run(['restorecon', '-n', '-v', '-R', ...places])).toBe('')
  expect(await guest.run(['stat', '-c', '%C', '/usr/libexec/vqtune/vqtune.cjs', ...places])).toBe(
    ['vqtune_exec_t', 'vqtune_etc_t', 'bin_t', 'vqtune_var_lib_t', 'vqtune_runtime_t']
      .map((type) => `system_u:object_r:${type}:s0\n`)
      .join(''),
  )
  // An emulated guest takes longer than the units allow.
  for (const unit of ['vqtune-boot.service', 'vqtuned.service', 'vqtune-reconcile.service'])
    await guest.writeFile(
      `/etc/systemd/system/${unit}.d/50-emulated.conf`,
      '[Service]\nTimeoutStartSec=infinity\nTimeoutStopSec=infinity\n',
    )
  await guest.writeFile(
    CONFIG,
    `[boot]\nlimit-ms = 25000\n[guard]\ncommit-confirm-seconds = 0\n[metrics]\ntextfile = "${TEXTFILE}"\nlisten = "127.0.0.1:9917"\n`,
  )
  installed = await now()
})

test('a boot: the boot unit and the daemon do their work in vqtune_t', async () => {
  await guest.reboot(600_000)
  // Administrators run V8, too. Debian's policy allows that only with this; RHEL's unless deny_execmem is on.
  await guest.run(['setsebool', 'allow_execmem', 'on'])
  expect(await guest.run(['getenforce'])).toBe('Enforcing\n')
  expect(await property('vqtune-boot.service', 'Result')).toBe('success')
  expect(await property('vqtune-boot.service', 'ActiveState')).toBe('active')
  await waitUntil('the daemon', PATIENCE_MS, async () => {
    return (await property('vqtuned.service', 'ActiveState')) === 'active'
  })
  expect(await domainOfDaemon()).toBe('system_u:system_r:vqtune_t:s0')
  // Its children do not leave the domain.
  const domains = await guest.shell(
    'for at in $(pgrep -x "udevadm|ethtool"); do tr -d "\\0" </proc/$at/attr/current; echo; done',
  )
  expect(new Set(domains.trim().split('\n'))).toEqual(new Set(['system_u:system_r:vqtune_t:s0']))
  // Something to do for the boot unit, too.
  await guest.run(['systemctl', 'stop', 'vqtuned'])
  await nic.setChannels(2)
  expect(await start('vqtune-boot.service')).toMatchObject({ code: 0 })
  await nic.become(4)
})

test('the daemon: repairs, history with the writer, irqbalance, metrics by file and socket', async () => {
  await guest.run(['systemctl', 'start', 'irqbalance'])
  expect(await start('vqtuned.service')).toMatchObject({ code: 0 })
  await nic.setChannels(3)
  await nic.become(4)
  const file = await nic.affinityFile(1)
  await guest.shell(`echo 3 >${file}`)
  await waitUntil('the interrupt back on its vCPU', PATIENCE_MS, async () => {
    return (await guest.readFile(file)) === '1'
  })
  await waitUntil('the writer in the history', PATIENCE_MS, async () => {
    return (await guest.exec(['vqtune', 'drift'])).stdout.includes('ethtool')
  })
  await waitUntil("irqbalance's answer", PATIENCE_MS, async () => {
    return /irqbalance.*(asked|leave)/i.test(await guest.journal(['-t', 'vqtune', '-o', 'cat']))
  })
  await waitUntil('the metrics', PATIENCE_MS, async () => {
    return (await guest.exec(['cat', TEXTFILE])).stdout.includes('vqtune_nic_channels')
  })
  const scrape =
    'import urllib.request as u; print(u.urlopen("http://127.0.0.1:9917/metrics").read().decode())'
  expect(await guest.run(['python3', '-c', scrape])).toContain('vqtune_nic_channels')
  await guest.run(['systemctl', 'stop', 'irqbalance'])
})

test('without the daemon, udev has the reconcile unit do it, in vqtune_t', async () => {
  await guest.run(['systemctl', 'stop', 'vqtuned'])
  await guest.run(['systemctl', 'start', 'vqtune-reconcile.path'])
  await nic.setChannels(2)
  await guest.run(['udevadm', 'trigger', '--action=add', `/sys/class/net/${nic.name}`])
  await nic.become(4)
  expect(await guest.journal(['-u', 'vqtune-reconcile.service'])).toContain('channels 2 -> 4')
  await waitUntil('the end of the reconcile', PATIENCE_MS, async () => {
    return (await property('vqtune-reconcile.service', 'ActiveState')) === 'inactive'
  })
  expect(await property('vqtune-reconcile.service', 'Result')).toBe('success')
})

test('an administrator runs it in their own domain, with the same files', async () => {
  await nic.setChannels(2)
  expect(await guest.run(['vqtune', 'apply'])).toContain('channels 2 -> 4')
  const pid = await guest.spawn(['/usr/bin/vqtune', 'status', '--watch', '2'])
  const command = (): Promise<string> => guest.readFile(`/proc/${pid}/cmdline`)
  await waitUntil('vqtune', PATIENCE_MS, async () => (await command()).includes('vqtune'))
  expect(await contextOf(String(pid))).toContain(':unconfined_t:')
  await guest.run(['kill', String(pid)])
  expect(await guest.run(['vqtune', 'rollback'])).not.toBe('')
  await guest.run(['vqtune', 'apply'])
  expect(await nic.channels()).toBe(4)
  expect(await guest.run(['stat', '-c', '%C', '/run/vqtune/lock'])).toContain(':vqtune_runtime_t:')
  expect(await start('vqtuned.service')).toMatchObject({ code: 0 })
})

test('in all of that, nothing was denied', async () => {
  const denied = await denials(installed)
  expect(denied, denied.join('\n')).toEqual([])
})

/** What a program in the domain must not do, as a shell script, and the denial, unless the policy is silent about it. */
const FORBIDDEN: readonly (readonly [string, string, RegExp?])[] = [
  ['read /etc/shadow', 'cat /etc/shadow', /\{ (read|open) \}.*shadow_t/],
  ['write below /etc', 'echo x >/etc/vqtune-probe', /\{ (write|add_name|create) \}.*etc_t/],
  ['change its own configuration', 'echo x >/etc/vqtune/probe', /\{ (write|add_name) \}.*vqtune_etc_t/],
  ['change its own program', ': >>/usr/libexec/vqtune/vqtune.js', /\{ (append|write) \}.*bin_t/],
  ['write into the home of root', 'echo x >/root/probe', /\{ (search|write|add_name) \}.*user_home_dir_t/],
  ['write below /var/lib', 'echo x >/var/lib/vqtune-probe', /\{ (write|add_name) \}.*var_lib_t/],
  ['connect to a server', 'exec 3<>/dev/tcp/127.0.0.1/9918', /\{ connect \}.*tclass=tcp_socket/],
  ['load a module', '/usr/sbin/modprobe dummy', /\{ execute \}.*kmod_exec_t/],
  ['read the disk', 'head -c 512 /dev/vda', /\{ (read|open) \}.*fixed_disk_device_t/],
  ['switch SELinux off', 'echo 0 >/sys/fs/selinux/enforce'],
  ['set another kernel setting', 'echo 1 >/proc/sys/kernel/panic_on_oops', /\{ write \}.*sysctl_kernel_t/],
  ['signal another program', 'kill -0 $(pgrep -x auditd)', /\{ signull \}.*auditd_t/],
]

test('what is not its own is denied, to root with all capabilities', async () => {
  // Something listens, so that connecting fails for one reason only.
  await guest.spawn(['/usr/bin/python3', '-m', 'http.server', '--bind', '127.0.0.1', '9918'])
  await waitUntil('the server', PATIENCE_MS, async () => {
    return (await guest.exec(['bash', '-c', 'exec 3<>/dev/tcp/127.0.0.1/9918'])).code === 0
  })
  const asAdministrator = async (script: string) => {
    await guest.writeFile(PROBE, `#!/bin/bash\n${script}\n`, '0755')
    await guest.run(['chcon', '-t', 'bin_t', PROBE])
    return guest.exec([PROBE])
  }
  const inDomain = async () => {
    await guest.run(['chcon', '-t', 'vqtune_exec_t', PROBE])
    return guest.exec(['systemctl', 'restart', 'probe.service'])
  }
  await guest.writeFile(
    '/etc/systemd/system/probe.service',
    `[Unit]\nStartLimitIntervalSec=0\n[Service]\nType=oneshot\nExecStart=${PROBE}\n`,
  )
  await guest.run(['systemctl', 'daemon-reload'])
  expect(await asAdministrator('cat /etc/vqtune/vqtune.toml')).toMatchObject({ code: 0 })
  expect(await inDomain()).toMatchObject({ code: 0 })

  for (const [what, script, denial] of FORBIDDEN) {
    // SELinux is what makes the difference.
    const allowed = await asAdministrator(script)
    expect(allowed.code, `${what}: ${allowed.stderr}`).toBe(0)
    await guest.exec([
      'sh',
      '-c',
      'setenforce 1; modprobe -r dummy; rm -f /etc/vqtune-probe /etc/vqtune/probe /root/probe /var/lib/vqtune-probe',
    ])
    const since = await now()
    expect((await inDomain()).code, what).toBe(1)
    const denied = (await denials(since)).filter((line) =>
      line.includes('scontext=system_u:system_r:vqtune_t:'),
    )
    if (denial !== undefined) expect(denied.join('\n'), what).toMatch(denial)
    expect(await guest.run(['getenforce'])).toBe('Enforcing\n')
  }

  // Nor does another program get into the domain.
  await guest.writeFile(
    '/etc/systemd/system/probe.service',
    '[Service]\nType=oneshot\nSELinuxContext=system_u:system_r:vqtune_t:s0\nExecStart=/usr/bin/true\n',
  )
  await guest.run(['systemctl', 'daemon-reload'])
  const since = await now()
  expect((await guest.exec(['systemctl', 'restart', 'probe.service'])).code).not.toBe(0)
  expect((await denials(since)).join('\n')).toMatch(/\{ entrypoint \}.*vqtune_t/)
  await guest.run(['rm', PROBE, '/etc/systemd/system/probe.service'])
})

test('vqtune_execmem off: the units need no code that is made at run time, and a runtime that does is stopped', async () => {
  await guest.run(['setsebool', 'vqtune_execmem', 'off'])
  // As with the guest's own Node.js.
  const compiling = '/run/systemd/system/vqtuned.service.d/60-jit.conf'
  await guest.writeFile(compiling, '[Service]\nUnsetEnvironment=NODE_OPTIONS\nMemoryDenyWriteExecute=no\n')
  await guest.run(['systemctl', 'daemon-reload'])
  const since = await now()
  expect((await start('vqtuned.service')).code).not.toBe(0)
  expect((await denials(since)).join('\n')).toMatch(/\{ execmem \}.*vqtune_t/)
  await guest.run(['systemctl', 'stop', 'vqtuned'])
  await guest.run(['rm', compiling])
  await guest.run(['systemctl', 'daemon-reload'])
  const interpreted = await now()
  await nic.setChannels(2)
  expect(await start('vqtune-boot.service')).toMatchObject({ code: 0 })
  expect(await nic.channels()).toBe(4)
  const { code } = await start('vqtuned.service')
  expect(code, await guest.journal(['-u', 'vqtuned.service', '-n', '40'])).toBe(0)
  expect(await domainOfDaemon()).toBe('system_u:system_r:vqtune_t:s0')
  // Whole seconds: the failed start may have been in the same one.
  const denied = (await denials(interpreted)).filter((line) => !line.includes('{ execmem }'))
  expect(denied, denied.join('\n')).toEqual([])
  await guest.run(['setsebool', 'vqtune_execmem', 'on'])
})

test('removal: the module is gone, no file keeps a label that nobody knows, and the daemon has left the domain', async () => {
  const { code, stderr } = await guest.exec(['rpm', '-e', 'vqtune-selinux'], policyTimeout)
  expect(code, stderr).toBe(0)
  expect(await guest.run(['semodule', '-l'])).not.toContain('vqtune')
  const labels = await guest.shell(
    'find /etc/vqtune /usr/libexec/vqtune /var/lib/vqtune /run/vqtune /usr/lib/systemd/system/vqtune* -printf "%Z %p\\n"',
  )
  expect(labels).toContain('/usr/libexec/vqtune/vqtune.cjs')
  expect(labels.split('\n').filter((line) => /vqtune_\w*_t|unlabeled_t/.test(line))).toEqual([])
  expect(await guest.shell('ps -eo label= | grep -c "vqtune_t\\|unlabeled_t" || :')).toBe('0\n')
  // It was running. Debian's policy does not let it say that it is ready in the domain that it has now.
  await waitUntil('the daemon in the domain of other services', PATIENCE_MS, async () => {
    const pid = await property('vqtuned.service', 'MainPID')
    return (
      pid !== '0' && (await guest.exec(['cat', `/proc/${pid}/attr/current`])).stdout.includes(':initrc_t:')
    )
  })
  expect(await guest.run(['getenforce'])).toBe('Enforcing\n')
})
