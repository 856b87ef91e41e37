/** The RPMs as their users meet them: rpm itself, in real guests, from installation over boots to removal. */
import { copyFileSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  type BuiltRpms,
  buildProvider,
  buildRpms,
  libraryRequirements,
  NODE_PROVIDES,
  SYSTEM_PROVIDES,
} from '../packaging/rpms'
import { earlyRival } from './lib/early-rival'
import { Guest } from './lib/guest'
import { kernelOf, takesVcpus } from './lib/kernels'
import { PATIENCE_MS, waitUntil } from './lib/wait'

const UNITS = ['vqtune-boot.service', 'vqtune-reconcile.path', 'vqtuned.service'] as const
const rpmTimeout = { timeoutMs: 240_000 }

let older: BuiltRpms
let newer: BuiltRpms
let media: string
beforeAll(async () => {
  older = await buildRpms(1)
  newer = await buildRpms(2)
  media = mkdtempSync(join(tmpdir(), 'vqtune-media-'))
  for (const rpm of [older.arch, newer.arch, newer.noarch]) copyFileSync(rpm, join(media, basename(rpm)))
  const libraries = await libraryRequirements(newer.arch)
  const base = await buildProvider('base', [...SYSTEM_PROVIDES, ...libraries], `${media}-build`)
  const node = await buildProvider('node', NODE_PROVIDES, `${media}-build`)
  for (const rpm of [base, node]) copyFileSync(rpm, join(media, basename(rpm)))
})

const inGuest = (rpm: string): string => `/root/${basename(rpm)}`

const channelsOf = async (guest: Guest, nic: string): Promise<number> =>
  Number(await guest.shell(`ls -d /sys/class/net/${nic}/queues/tx-* | wc -l`))

async function channelsBecome(guest: Guest, nic: string, count: number): Promise<void> {
  try {
    await waitUntil(
      `${count} channels on ${nic}`,
      PATIENCE_MS,
      async () => (await channelsOf(guest, nic)) === count,
    )
  } catch (error) {
    const journal = await guest.shell(
      'journalctl --no-pager -b -n 60; systemctl status vqtune-reconcile.path || :',
    )
    throw new Error(`${(error as Error).message}, but ${await channelsOf(guest, nic)}\n${journal}`)
  }
}

async function property(guest: Guest, unit: string, name: string): Promise<string> {
  return (await guest.run(['systemctl', 'show', '-P', name, unit])).trim()
}

const enabled = async (guest: Guest): Promise<string[]> =>
  (await guest.exec(['systemctl', 'is-enabled', ...UNITS])).stdout.trim().split('\n')

async function installRival(guest: Guest, nic: string): Promise<void> {
  await guest.writeFile('/etc/systemd/system/early-rival.service', earlyRival(nic))
  await guest.run(['systemctl', 'enable', 'early-rival.service'])
  // An emulated guest on a busy machine is ten times slower than what the default is for.
  await guest.writeFile('/etc/vqtune/conf.d/40-emulated.toml', '[boot]\nlimit-ms = 25000\n')
}

/**
 * Reboots until vqtune-boot ended within its limit, which no configuration lifts further, since booting goes on without it:
 * seven times as long as it takes on the machine of reference, but that is no proof against a machine which stands still.
 */
async function rebootInTime(guest: Guest): Promise<void> {
  for (let boots = 1; ; boots++) {
    await guest.reboot()
    const journal = await guest.journal(['-u', 'vqtune-boot.service'])
    if (!journal.includes('(boot.limit-ms): booting goes on')) return
    expect(boots, journal).toBeLessThan(5)
  }
}

/** After a boot with the early rival: repaired in time, and nothing else touched. Prints what it cost. */
async function expectTunedAtBoot(guest: Guest, nic: string, channels: number): Promise<void> {
  const journal = await guest.journal(['-u', 'vqtune-boot.service', '-u', 'early-rival.service'])
  expect(await property(guest, 'early-rival.service', 'Result'), journal).toBe('success')
  expect(await property(guest, 'vqtune-boot.service', 'Result'), journal).toBe('success')
  expect(journal).toContain(`${nic}: channels 1 -> ${channels}`)
  expect(journal.match(/channels \d+ -> \d+/g)).toEqual([`channels 1 -> ${channels}`])
  expect(await channelsOf(guest, nic)).toBe(channels)

  const micros = async (unit: string, name: string): Promise<number> =>
    Number(await property(guest, unit, `${name}TimestampMonotonic`))
  const started = await micros('vqtune-boot.service', 'InactiveExit')
  const done = await micros('vqtune-boot.service', 'ActiveEnter')
  const networkPre = await micros('network-pre.target', 'ActiveEnter')
  expect(done).toBeGreaterThan(0)
  expect(networkPre, 'network-pre.target was reached').toBeGreaterThan(0)
  expect(done, 'tuned before network-pre.target').toBeLessThanOrEqual(networkPre)
  const userspace = await micros('multi-user.target', 'ActiveEnter')
  const seconds = (value: number): string => (value / 1e6).toFixed(2)
  // The same again with nothing to do and all in memory, against the bare runtime, in the same guest.
  const timing = await guest.shell(`
    runtime=$(sed -n '1s/^#!//p' /usr/libexec/vqtune/vqtune.cjs)
    ms() { from=$(date +%s%N); "$@"; echo $((($(date +%s%N) - from) / 1000000)); }
    ms "$runtime" -e 0; ms "$runtime" -e 0; ms systemctl restart vqtune-boot.service`)
  const [, bare, again] = timing.trim().split('\n')
  console.log(
    `${guest.description}: vqtune-boot ran ${seconds(started)}..${seconds(done)} s (${seconds(done - started)} s of ` +
      `emulated time, change included), network-pre.target at ${seconds(networkPre)} s, multi-user at ${seconds(userspace)} s; ` +
      `once more with nothing to do ${again} ms, bare runtime ${bare} ms`,
  )
}

describe(`vqtune RPM on kernel ${kernelOf('6.12')}`, () => {
  let guest: Guest
  let nic: string
  beforeAll(async () => {
    guest = await Guest.boot({
      kernel: kernelOf('6.12'),
      cpus: 4,
      nics: [{ queues: 4 }, { queues: 4 }],
      hotplugPorts: 1,
      node: true,
    })
    nic = await guest.nicName(0)
    await guest.pushDir(media, '/root')
  })
  afterAll(async () => {
    await guest?.dispose()
  })
  const rpm = (...args: string[]) => guest.exec(['rpm', ...args], rpmTimeout)
  const vqtune = (...args: string[]) => guest.exec(['vqtune', ...args], { timeoutMs: 60_000 })
  const reconcileOnly = async (): Promise<void> => {
    await guest.run(['systemctl', 'stop', 'vqtuned.service'])
    await guest.run(['systemctl', 'start', 'vqtune-reconcile.path'])
  }

  test('rpm checks what it requires', async () => {
    const { code, stderr } = await rpm('-i', inGuest(older.arch))
    expect(code).not.toBe(0)
    for (const name of ['ethtool', 'util-linux', 'libc.so.6()(64bit)'])
      expect(stderr).toContain(`${name} is needed by`)
    expect(await rpm('-i', '/root/base-1-1.noarch.rpm')).toMatchObject({ code: 0 })
  })

  test('installed: enabled, intact, nothing started, no NIC touched', async () => {
    await guest.run(['ethtool', '-L', nic, 'combined', '3'])
    const installed = await rpm('-i', inGuest(older.arch))
    expect(installed.code, installed.stderr).toBe(0)
    // Scriptlets are silent. Debian's rpm says first that it is not Debian's way.
    expect(installed.stderr.replaceAll(/^rpm: (RPM should not|However assuming).*\n/gm, '')).toBe('')
    expect(await enabled(guest)).toEqual(['enabled', 'enabled', 'enabled'])
    expect(await rpm('-V', 'vqtune')).toMatchObject({ code: 0, stdout: '' })
    // systemd 252 would complain of it.
    const dropIns = await guest.run(['ls', '/usr/lib/systemd/system/vqtuned.service.d'])
    expect(dropIns.trim()).toBe('40-private-runtime.conf')
    expect((await guest.exec(['systemctl', 'is-active', ...UNITS])).stdout.trim().split('\n')).toEqual(
      UNITS.map(() => 'inactive'),
    )
    expect(await channelsOf(guest, nic)).toBe(3)
    const { stdout, stderr } = await guest.exec(['vqtune', '--version'], {
      env: { VQTUNE_CODE_CACHE: 'report' },
    })
    expect(stdout).toMatch(/^vqtune \d/)
    expect(stderr.match(/: used$/gm)).toHaveLength(2)
    await guest.run(['ethtool', '-L', nic, 'combined', '4'])
  })

  test('the boot after: repaired before network-pre.target, the rest untouched, nothing failed', async () => {
    await installRival(guest, nic)
    // For later tests: policies that the kernel does not have, so that every new NIC needs something done.
    await guest.writeFile(
      '/etc/vqtune/conf.d/50-test.toml',
      '[[nic]]\nmatch = { mac = "52:54:00:77:00:02" }\ncap = 2\n[[nic]]\nmatch = { name = "lan*" }\ncap = 3\n',
    )
    await rebootInTime(guest)
    await expectTunedAtBoot(guest, nic, 4)
    expect(await channelsOf(guest, await guest.nicName(1))).toBe(4)
    expect((await guest.run(['systemctl', '--failed', '--plain', '--no-legend'])).trim()).toBe('')
    expect(await property(guest, 'vqtuned.service', 'ActiveState')).toBe('active')
    // Interpreted: nothing is writable and executable, and could not be.
    const pid = await property(guest, 'vqtuned.service', 'MainPID')
    const maps = await guest.run(['cat', `/proc/${pid}/maps`])
    expect(maps).toContain('/usr/libexec/vqtune/node')
    expect(maps.split('\n').filter((line) => / .wx/.test(line))).toEqual([])
    for (const unit of ['vqtune-boot', 'vqtune-reconcile', 'vqtuned'])
      expect(await property(guest, `${unit}.service`, 'MemoryDenyWriteExecute')).toBe('yes')
  })

  test('without the daemon: hot-plug, driver rebind and rename are tuned, in the sandbox of the unit', async () => {
    await reconcileOnly()
    const added = await guest.addNic({ queues: 4 }, 0)
    await channelsBecome(guest, added, 2)

    const virtio = basename(await guest.run(['readlink', '-f', `/sys/class/net/${added}/device`])).trim()
    await guest.shell(`cd /sys/bus/virtio/drivers/virtio_net; echo ${virtio} >unbind; echo ${virtio} >bind`)
    await channelsBecome(guest, await guest.nicAppears(2), 2)

    const second = await guest.nicName(1)
    await guest.run(['ip', 'link', 'set', second, 'name', 'lan1'])
    await channelsBecome(guest, 'lan1', 3)
    // Not the old name: udev keeps that as an alternative name.
    await guest.run(['ip', 'link', 'set', 'lan1', 'name', 'wan1'])
    await channelsBecome(guest, 'wan1', 4)
    expect(await guest.journal(['-t', 'vqtune'])).not.toContain('EROFS')
  })

  test('without the daemon: channels follow vCPUs, also through a storm', async () => {
    await guest.setCpuOnline(3, false)
    await channelsBecome(guest, nic, 3)
    await guest.setCpuOnline(3, true)
    await channelsBecome(guest, nic, 4)
    await guest.shell(
      'cd /sys/devices/system/cpu; for i in 1 2 3 4 5 6; do for c in 2 3; do echo 0 >cpu$c/online; done; for c in 2 3; do echo 1 >cpu$c/online; done; done; echo 0 >cpu3/online',
    )
    await channelsBecome(guest, nic, 3)
    await guest.setCpuOnline(3, true)
    await channelsBecome(guest, nic, 4)
    // The level that asks for a run is gone and the watch is still there.
    await waitUntil('no reconcile asked for', PATIENCE_MS, async () => {
      return (await guest.exec(['test', '-e', '/run/vqtune/reconcile'])).code === 1
    })
    expect(await property(guest, 'vqtune-reconcile.path', 'ActiveState')).toBe('active')
    expect((await vqtune('plan', '--check')).code).toBe(0)
  })

  test('with the daemon: channels follow all the same, and udev starts nothing', async () => {
    await guest.run(['systemctl', 'start', 'vqtuned.service'])
    await guest.setCpuOnline(3, false)
    await channelsBecome(guest, nic, 3)
    expect((await guest.exec(['test', '-e', '/run/vqtune/reconcile'])).code).toBe(1)
    await guest.setCpuOnline(3, true)
    await channelsBecome(guest, nic, 4)
  })

  test('upgrade and downgrade keep configuration, ledger and what is enabled, and restart the daemon', async () => {
    await guest.shell(
      'echo "# mine" >>/etc/vqtune/vqtune.toml; systemctl disable --quiet vqtune-reconcile.path; sha256sum /etc/vqtune/vqtune.toml /run/vqtune/ledger.json >/root/sums',
    )
    let pid = await property(guest, 'vqtuned.service', 'MainPID')
    for (const [flags, package_, release] of [
      [['-U'], newer.arch, '2'],
      [['-U', '--oldpackage'], older.arch, '1'],
    ] as const) {
      expect(await rpm(...flags, inGuest(package_))).toMatchObject({ code: 0 })
      expect((await rpm('-q', '--qf', '%{release}', 'vqtune')).stdout).toBe(release)
      await guest.run(['sha256sum', '-c', '--quiet', '/root/sums'])
      expect(await enabled(guest)).toEqual(['enabled', 'disabled', 'enabled'])
      expect(await property(guest, 'vqtuned.service', 'ActiveState')).toBe('active')
      const next = await property(guest, 'vqtuned.service', 'MainPID')
      expect(next).not.toBe(pid)
      pid = next
      expect(await channelsOf(guest, nic)).toBe(4)
    }
  })

  test('erase stops and disables the units, leaves the NICs and the administrator’s files', async () => {
    expect((await rpm('-i', inGuest(newer.noarch), '/root/node-1-1.noarch.rpm')).stderr).toContain(
      'conflicts with',
    )
    const added = await guest.nicName(2)
    expect(await channelsOf(guest, added)).toBe(2)
    expect(await rpm('-e', 'vqtune')).toMatchObject({ code: 0 })
    expect(await property(guest, 'vqtuned.service', 'ActiveState')).toBe('inactive')
    expect(await guest.shell('ls /etc/systemd/system/*.wants')).not.toContain('vqtune')
    expect(await channelsOf(guest, added)).toBe(2)
    expect(await guest.shell('ls /etc/vqtune /etc/vqtune/conf.d')).toMatch(
      /vqtune\.toml\.rpmsave[\s\S]*50-test\.toml/,
    )
    expect((await guest.exec(['sh', '-c', 'ls -d /usr/libexec/vqtune /usr/bin/vqtune'])).stdout).toBe('')
  })
})

/** The package without a runtime of its own, on the nodejs of the guest. */
describe(`vqtune RPM, noarch, on kernel ${kernelOf('6.1')}`, () => {
  let guest: Guest
  let nic: string
  beforeAll(async () => {
    guest = await Guest.boot({
      kernel: kernelOf('6.1'),
      cpus: 2,
      maxCpus: 3,
      nics: [{ queues: 4 }],
      node: true,
    })
    nic = await guest.nicName(0)
    await guest.pushDir(media, '/root')
  })
  afterAll(async () => {
    await guest?.dispose()
  })

  test('the boot after the installation: repaired before network-pre.target', async () => {
    const rpm = (...args: string[]) => guest.exec(['rpm', ...args], rpmTimeout)
    await guest.run(['ln', '-s', '/opt/node/node', '/usr/bin/node'])
    expect(await rpm('-i', '/root/base-1-1.noarch.rpm')).toMatchObject({ code: 0 })
    expect((await rpm('-i', inGuest(newer.noarch))).stderr).toContain('nodejs(engine) >= 20')
    expect(await rpm('-i', '/root/node-1-1.noarch.rpm', inGuest(newer.noarch))).toMatchObject({ code: 0 })
    expect(await enabled(guest)).toEqual(['enabled', 'enabled', 'enabled'])
    await installRival(guest, nic)
    await rebootInTime(guest)
    await expectTunedAtBoot(guest, nic, 2)
  })

  test('a boot like the one before does not start the runtime; a difference does', async () => {
    /** Of its last run. By unit: journald may find out no more about a process that ends at once. */
    const said = async (): Promise<string> => {
      const all = await guest.journal(['-u', 'vqtune-boot.service', '-t', 'vqtune', '-o', 'cat'])
      return all.trim().split('\n').slice(earlier).join('\n')
    }
    let earlier = 0
    const recorded = 'nothing to do: 1 NIC up to date, as recorded in an earlier boot'
    await guest.run(['systemctl', 'disable', 'early-rival.service', 'vqtuned.service'])
    // In an emulated guest on a busy machine udev takes its time.
    await guest.writeFile(
      '/etc/vqtune/conf.d/40-emulated.toml',
      '[boot]\nlimit-ms = 25000\nwait-ms = 25000\n',
    )
    const why = (): Promise<string> =>
      guest.shell('cat /var/lib/vqtune/boot-record || :; systemctl status vqtune-boot.service || :')
    await rebootInTime(guest)
    expect(await said(), await why()).toBe('nothing to do: 1 NIC up to date')
    await guest.reboot()
    expect(await said(), await why()).toBe(recorded)
    // It has the sandbox of the unit, and is quicker than any runtime.
    expect(await property(guest, 'vqtune-boot.service', 'Result')).toBe('success')
    const restart = async (): Promise<string> => {
      earlier += (await said()).split('\n').length
      await guest.run(['systemctl', 'restart', 'vqtune-boot.service'])
      return said()
    }
    expect(await restart()).toBe(recorded)
    await guest.shell(`echo 1 >/sys/class/net/${nic}/queues/tx-1/xps_cpus`)
    expect(await restart()).toContain(`${nic}: queue 1 XPS CPU 0 -> 1`)
    // The original that the boot gave, and a ledger of this boot.
    expect((await guest.exec(['vqtune', 'rollback'], { timeoutMs: 60_000 })).stdout).toContain(
      'rolled back: 1 change',
    )
    expect(await restart()).not.toContain('recorded')
    await guest.run(['rm', '/etc/vqtune/conf.d/40-emulated.toml'])
    await guest.run(['vqtune', 'apply'], { timeoutMs: 60_000 })
    await guest.run(['systemctl', 'enable', 'vqtuned.service'])
  })

  test.runIf(takesVcpus(kernelOf('6.1')))(
    'a vCPU that is hot-added and set online gets its channel, without the daemon',
    async () => {
      await guest.run(['systemctl', 'stop', 'vqtuned.service'])
      await guest.run(['systemctl', 'start', 'vqtune-reconcile.path'])
      await guest.setCpuOnline(await guest.addCpu(), true)
      await channelsBecome(guest, nic, 3)
      await guest.run(['systemctl', 'stop', 'vqtune-reconcile.path'])
    },
  )

  test('vqtune=off, no ethtool, no driver: a clear line, and only what cannot work fails', async () => {
    const boot = async (end = 'success'): Promise<string[]> => {
      await guest.exec(['systemctl', 'restart', 'vqtune-boot.service'])
      expect(await property(guest, 'vqtune-boot.service', 'Result')).toBe(end)
      const id = await property(guest, 'vqtune-boot.service', 'InvocationID')
      return (await guest.journal([`_SYSTEMD_INVOCATION_ID=${id}`, '-t', 'vqtune', '-o', 'cat']))
        .trim()
        .split('\n')
    }
    await guest.shell(
      'sed "s/$/ vqtune=off/" /proc/cmdline >/tmp/cmdline; mount --bind /tmp/cmdline /proc/cmdline; systemctl stop vqtune-boot.service',
    )
    for (const unit of UNITS) {
      await guest.run(['systemctl', 'start', unit])
      expect(await property(guest, unit, 'ConditionResult')).toBe('no')
      expect(await property(guest, unit, 'ActiveState')).toBe('inactive')
    }
    await guest.run(['umount', '/proc/cmdline'])

    const ethtool = '/usr/sbin/ethtool'
    await guest.run(['mv', ethtool, `${ethtool}.away`])
    expect(await boot('exit-code')).toContainEqual(expect.stringContaining('ethtool is not installed'))
    await guest.run(['mv', `${ethtool}.away`, ethtool])
    expect(await boot()).toEqual([expect.stringContaining('nothing to do: 1 NIC up to date')])

    const virtio = basename(await guest.run(['readlink', '-f', `/sys/class/net/${nic}/device`])).trim()
    await guest.writeFile('/sys/bus/virtio/drivers/virtio_net/unbind', virtio)
    const lines = await boot()
    expect(lines[0]).toMatch(/no longer waiting for virtio\d+: virtio_net is not bound to the device yet/)
    expect((await guest.run(['systemctl', '--failed', '--plain', '--no-legend'])).trim()).toBe('')
    expect((await guest.exec(['rpm', '-e', 'vqtune-noarch'], rpmTimeout)).code).toBe(0)
    expect((await guest.exec(['test', '-e', '/usr/bin/vqtune'])).code).toBe(1)
  })
})
