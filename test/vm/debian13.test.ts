/**
 * The daemon in a guest with newer programs around it, much like those of RHEL 10: systemd 257, ethtool 6.14, tuned 2.25, and a
 * NetworkManager that can set channels (1.52; that of the other guests, 1.42, has no ethtool.channels-*).
 */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Guest } from './lib/guest'
import { addConnection } from './lib/network-manager'
import { Nic, ship, Vqtuned } from './lib/vqtuned'
import { PATIENCE_MS, scaled, waitUntil } from './lib/wait'

/** No periodic check for a year: what is repaired, is repaired because of an event. This test's own changes are no fight. */
const CONFIG = `
[daemon]
check-cron = "0 0 1 1 *"
conflict-reversals = 1000
log-level = "debug"
`
const PROFILE = 'two-queues'
const DROP_INS = '/usr/lib/systemd/system/vqtuned.service.d'

let guest: Guest
let daemon: Vqtuned
let nic: Nic
beforeAll(async () => {
  guest = await Guest.boot({
    kernel: '6.12',
    release: 'trixie',
    cpus: 4,
    nics: [{ queues: 4 }],
    vqtune: 'dist/vqtune.cjs',
  })
  nic = new Nic(guest, await guest.nicName(0))
  await guest.run(['mkdir', DROP_INS])
  // As the package does with a systemd as new as this one.
  await ship(guest, 'vqtuned-open-notify.conf', `${DROP_INS}/50-open-notify.conf`)
  await guest.writeFile(`${DROP_INS}/60-soon.conf`, `[Service]\nWatchdogSec=${Math.ceil(scaled(16))}\n`)
  // Whatever systemd gets to know, it gets to know without it.
  await guest.run(['mv', '/usr/bin/systemd-notify', '/root/systemd-notify'])
  daemon = await Vqtuned.start(guest, CONFIG)
})
afterAll(() => guest?.dispose())

test('systemd 257 finds nothing wrong with the unit, and the daemon is ready in its sandbox', async () => {
  expect(await guest.run(['systemctl', '--version'])).toMatch(/^systemd 257 /)
  expect(await daemon.property('StatusText')).toBe('1 NIC, 4 vCPUs; converged')
  await daemon.sourcesAreUp()
  const unit = '/usr/lib/systemd/system/vqtuned.service'
  const { code, stdout, stderr } = await guest.exec(['systemd-analyze', 'verify', '--man=no', unit])
  expect({ code, said: stdout + stderr }).toEqual({ code: 0, said: '' })
  expect(await guest.journal(['-p', 'warning', '-u', 'vqtuned', '-o', 'cat'])).toBe('')
})

test('keepalives need no child, go on when systemd was replaced, and their socket is not handed on', async () => {
  const keepalives = async (count: number): Promise<void> => {
    const seen = new Set<string>()
    await waitUntil(`${count} keepalives`, PATIENCE_MS, async () => {
      seen.add(await daemon.property('WatchdogTimestampMonotonic'))
      return seen.size > count
    })
  }
  await keepalives(1)
  await guest.run(['systemctl', 'daemon-reexec'], { timeoutMs: PATIENCE_MS })
  await keepalives(2)
  const pid = await daemon.property('MainPID')
  const socket = await guest.run(['readlink', `/proc/${pid}/fd/3`])
  expect(socket).toMatch(/^socket:/)
  const ofChildren = await guest.shell(
    `for child in $(pgrep -P ${pid}); do readlink /proc/$child/exe /proc/$child/fd/*; done; true`,
  )
  expect(ofChildren).toContain('/ethtool\n')
  expect(ofChildren).toContain('/udevadm\n')
  expect(ofChildren).not.toContain(socket)
  expect(await daemon.property('NRestarts')).toBe('0')
  expect(await guest.journal(['-p', 'warning', '-u', 'vqtuned', '-o', 'cat'])).toBe('')
})

test('channels, affinity and XPS are repaired at once', async () => {
  const known = (await daemon.history()).length
  await nic.setChannels(3)
  expect(await daemon.newRecord(known, 'channels')).toMatchObject({ old: '4', new: '3', action: 'repaired' })
  await nic.become(4)
  const file = await nic.affinityFile(1)
  await guest.writeFile(file, '3')
  expect(await daemon.newRecord(known, 'irq-affinity')).toMatchObject({ action: 'repaired' })
  expect(await guest.readFile(file)).toBe('1')
  // Its directory is another one since there were three channels.
  const xps = `/sys/class/net/${nic.name}/queues/tx-3/xps_cpus`
  await guest.writeFile(xps, 'f')
  expect(await daemon.newRecord(known, 'xps')).toMatchObject({ action: 'repaired' })
  expect(await guest.readFile(xps)).toBe('8')
  // Whatever pass has found it: its directory is watched.
  await daemon.logs('the write to be seen', /pass: .*write to \S*\/queues\/tx-3\b/)
})

test('NetworkManager that sets channels is named with its connection, and explain tells how to stop it', async () => {
  const known = (await daemon.history()).length
  await addConnection(guest, PROFILE, nic.name, 2)
  await guest.run(['nmcli', 'connection', 'up', PROFILE], { timeoutMs: PATIENCE_MS })
  const record = await daemon.newRecord(known, 'channels')
  expect(record).toMatchObject({ old: '4', new: '2', writer: 'NetworkManager', action: 'repaired' })
  expect(record.evidence).toContain(`connection "${PROFILE}" sets ethtool.channels-combined = 2`)
  await nic.become(4)
  const explained = await guest.run(['vqtune', 'explain', nic.name], { timeoutMs: PATIENCE_MS })
  const remedy = `nmcli connection modify ${PROFILE} ethtool.channels-combined ""`
  expect(explained).toContain(remedy)
  // The remedy works as it is shown: a connection that comes up again leaves the channels alone.
  const before = (await daemon.history()).length
  await guest.shell(`${remedy}; nmcli connection up ${PROFILE}`, { timeoutMs: PATIENCE_MS })
  expect(await guest.run(['vqtune', 'explain', nic.name], { timeoutMs: PATIENCE_MS })).not.toContain(PROFILE)
  expect(await nic.channels()).toBe(4)
  expect((await daemon.history()).slice(before).filter(({ kind }) => kind === 'channels')).toEqual([])
})

test('tuned 2.25, whose profiles are in a directory of their own, is named with the file', async () => {
  const known = (await daemon.history()).length
  const profile = '/etc/tuned/profiles/two/tuned.conf'
  await guest.writeFile(profile, `[main]\nsummary=Two\n[net]\ndevices=${nic.name}\nchannels=combined 2\n`)
  await guest.writeFile('/etc/tuned/active_profile', 'two\n')
  await guest.writeFile('/etc/tuned/profile_mode', 'manual\n')
  await guest.run(['systemctl', 'start', 'tuned'], { timeoutMs: PATIENCE_MS })
  const record = await daemon.newRecord(known, 'channels')
  expect(record).toMatchObject({ new: '2', writer: 'tuned', action: 'repaired' })
  expect(record.evidence).toContain(profile)
  await nic.become(4)
})
