/**
 * The RPM for aarch64 in a guest of that architecture, with interrupts from a GIC. All of it is emulated, the making of
 * the runtime's code cache too, so this is none of the tests for each change. `.ci/setup long` installs what it needs.
 */
import { copyFileSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { DriftRecord } from '../../src/drift/history'
import { buildArchRpm } from '../packaging/rpms'
import { Guest } from './lib/guest'
import { queuesOf } from './lib/queues'
import { waitUntil } from './lib/wait'

const SLOW_MS = 300_000

let guest: Guest
let nic: string
beforeAll(async () => {
  const rpm = await buildArchRpm('aarch64')
  const media = mkdtempSync(join(tmpdir(), 'vqtune-media-'))
  copyFileSync(rpm, join(media, basename(rpm)))
  guest = await Guest.boot({
    arch: 'aarch64',
    kernel: '6.12',
    cpus: 4,
    nics: [{ queues: 4 }],
    bootTimeoutMs: SLOW_MS,
  })
  nic = await guest.nicName(0)
  await guest.pushDir(media, '/root')
  // Debian's rpm knows no provider of anything.
  await guest.run(['rpm', '-i', '--nodeps', `/root/${basename(rpm)}`], { timeoutMs: SLOW_MS })
  // An emulated guest takes many times as long as what the default is for.
  await guest.writeFile('/etc/vqtune/conf.d/40-emulated.toml', '[boot]\nlimit-ms = 25000\n')
}, 3_600_000)
afterAll(() => guest?.dispose())

const vqtune = (...args: string[]): Promise<string> => guest.run(['vqtune', ...args], { timeoutMs: 120_000 })

/** CPU of the receive interrupt, of the transmit interrupt, and of XPS, queue by queue. */
async function queues(): Promise<string[]> {
  return (await queuesOf(guest, nic)).map(({ rx, tx, xps }) => `${rx} ${tx} ${xps}`)
}

const AS_DESIRED = ['0 0 1', '1 1 2', '2 2 4', '3 3 8']

test('the runtime runs and takes the code cache that was made elsewhere', async () => {
  expect((await guest.run(['/usr/libexec/vqtune/node', '-p', 'process.arch'])).trim()).toBe('arm64')
  const { stderr } = await guest.exec(['env', 'VQTUNE_CODE_CACHE=report', 'vqtune', '--version'])
  expect(stderr.match(/: used$/gm)).toHaveLength(2)
  expect(stderr).not.toContain('rejected')
})

test('boot, sandbox included: channels that were cut before are those that the host exposes, each with its vCPU', async () => {
  await guest.writeFile(
    '/etc/systemd/system/early-rival.service',
    `[Unit]
DefaultDependencies=no
After=local-fs.target systemd-udev-trigger.service
Before=vqtune-boot.service
[Service]
Type=oneshot
ExecStart=/usr/bin/udevadm wait --timeout=3600 /sys/class/net/${nic}
ExecStart=/usr/sbin/ethtool -L ${nic} combined 1
[Install]
WantedBy=multi-user.target
`,
  )
  await guest.run(['systemctl', 'enable', 'early-rival.service'])
  await guest.run(['systemctl', 'disable', 'vqtuned.service'])
  await guest.reboot(SLOW_MS)
  const journal = await guest.journal(['-u', 'vqtune-boot.service'])
  expect(journal).toContain(`${nic}: channels 1 -> 4`)
  expect((await guest.run(['systemctl', 'show', '-P', 'Result', 'vqtune-boot.service'])).trim()).toBe(
    'success',
  )
  expect(await queues()).toEqual(AS_DESIRED)
  await vqtune('status', '--check')
})

test('interrupts from the GIC are taken for those of the queues, and the host for what limits', async () => {
  const { nics } = JSON.parse(await vqtune('status', '--json'))
  expect(nics).toMatchObject([{ name: nic, interruptLayout: 'per-queue', state: 'converged' }])
  expect(await vqtune('explain', nic)).toContain('channels: 4 now, target 4, host maximum 4')
})

test('the daemon repairs channels, affinity and XPS, and goes along with vCPUs', async () => {
  await guest.run(['systemctl', 'start', 'vqtuned.service'], { timeoutMs: SLOW_MS })
  const become = (what: string, desired: readonly string[]): Promise<void> =>
    waitUntil(what, SLOW_MS, async () => (await queues()).join() === desired.join())
  await guest.run(['ethtool', '-L', nic, 'combined', '2'])
  await become('channels as desired', AS_DESIRED)
  await guest.shell(`
    virtio=$(basename "$(readlink /sys/class/net/${nic}/device)")
    irq=$(awk -v name="$virtio-input.1" '$NF == name {sub(":", "", $1); print $1}' /proc/interrupts)
    echo 3 >"/proc/irq/$irq/smp_affinity_list"
    echo f >/sys/class/net/${nic}/queues/tx-2/xps_cpus`)
  await become('affinity and XPS as desired', AS_DESIRED)
  await guest.writeFile('/sys/devices/system/cpu/cpu3/online', '0')
  await become('three channels for three vCPUs', AS_DESIRED.slice(0, 3))
  await guest.writeFile('/sys/devices/system/cpu/cpu3/online', '1')
  await become('four again', AS_DESIRED)
  const { drift } = JSON.parse(await vqtune('drift', '--json')) as { drift: DriftRecord[] }
  const kinds = new Set(drift.map(({ kind }) => kind))
  for (const kind of ['channels', 'irq-affinity', 'xps', 'vcpus'] as const) expect(kinds).toContain(kind)
})

test('rollback restores what was there before the first change', async () => {
  await guest.run(['systemctl', 'stop', 'vqtuned.service'], { timeoutMs: SLOW_MS })
  expect(await vqtune('rollback')).toContain(`${nic}: channels 4 -> 1`)
  expect(await queues()).toHaveLength(1)
})
