/** The daemon in a real guest, under its own unit: drift repaired at once and attributed, rivals, reload, restart, stop. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Guest } from './lib/guest'
import { kernelOf } from './lib/kernels'
import { Nic, Vqtuned } from './lib/vqtuned'
import { PATIENCE_MS, waitUntil } from './lib/wait'

/** No periodic check for a year: what is repaired, is repaired because of an event. */
const config = (reversals: number): string => `
[daemon]
check-cron = "0 0 1 1 *"
conflict-reversals = ${reversals}
conflict-window-seconds = 86400
conflict-backoff-seconds = 3600
`
/** So many changes of this test's own are no fight. */
const PATIENT = config(1000)
const SHORT = config(3)

let guest: Guest
let daemon: Vqtuned
let nic: Nic
beforeAll(async () => {
  guest = await Guest.boot({
    kernel: kernelOf('6.12'),
    cpus: 4,
    nics: [{ queues: 4 }],
    vqtune: 'dist/vqtune.cjs',
  })
  nic = new Nic(guest, await guest.nicName(0))
  daemon = await Vqtuned.start(guest, PATIENT)
})
afterAll(() => guest?.dispose())

/** Journal lines of the daemon with their priorities. */
async function entries(): Promise<readonly { PRIORITY: string; MESSAGE: string }[]> {
  const lines = (await guest.journal(['-t', 'vqtune', '-o', 'json'])).trim().split('\n')
  return lines.map((line) => JSON.parse(line) as { PRIORITY: string; MESSAGE: string })
}

/** Lets another writer change settings again and again, until the daemon leaves the NIC to it. */
async function reverseUntilSuspended(reverse: () => Promise<unknown>): Promise<void> {
  for (let round = 1, view = await daemon.view(); view.suspended.length === 0; round++) {
    expect(round).toBeLessThan(10)
    const newest = () => view.recentDrift.at(-1)?.at
    const before = newest()
    await reverse()
    await waitUntil('it to be noticed', PATIENCE_MS, async () => {
      view = await daemon.view()
      return view.suspended.length > 0 || newest() !== before
    })
  }
}

describe('vqtune daemon', () => {
  test('is ready, says so in one line and in status, and runs nothing but its two monitors', async () => {
    expect(await daemon.property('StatusText')).toBe('1 NIC, 4 vCPUs; converged')
    await daemon.sourcesAreUp()
    await waitUntil('nothing but two monitors', PATIENCE_MS, async () => {
      const cgroup = await daemon.property('ControlGroup')
      // A child of the start may end between the two reads: it is one that has gone, not an error.
      const names = await guest.shell(
        `for pid in $(cat /sys/fs/cgroup${cgroup}/cgroup.procs); do cat /proc/$pid/comm 2>/dev/null || :; done`,
      )
      return names.trim().split('\n').sort().join() === 'ethtool,node,udevadm'
    })
    const status = JSON.parse(await guest.run(['vqtune', 'status', '--json'])) as { daemon: object }
    expect(status.daemon).toMatchObject({
      running: true,
      pid: Number(await daemon.property('MainPID')),
      suspended: [],
      problems: [],
    })
  })

  test('repairs channels, and names ethtool, which has exited, in nine of ten tries and more', async () => {
    const tries = 10
    const writers: string[] = []
    for (let round = 0; round < tries; round++) {
      const known = (await daemon.history()).length
      const count = 1 + (round % 3)
      await nic.setChannels(count)
      const record = await daemon.newRecord(known, 'channels')
      expect(record).toMatchObject({ nic: nic.name, old: '4', new: String(count), action: 'repaired' })
      await nic.become(4)
      writers.push(record.writer)
      expect(record.evidence).toMatch(
        record.writer === 'unknown'
          ? /^none of the \d+ known writers was seen to write it$/
          : /^ethtool .*\(pid \d+.*\)/,
      )
    }
    expect(writers.filter((writer) => writer === 'ethtool').length, writers.join()).toBeGreaterThanOrEqual(9)
    // The line follows when the pass is over.
    const line = new RegExp(
      `^${nic.name}: channels \\d -> 4(, .* set)? \\(changed by (an unknown writer|ethtool.*PID \\d+.*)\\)$`,
    )
    const about = async () => (await entries()).filter(({ MESSAGE }) => MESSAGE.startsWith(`${nic.name}: `))
    await waitUntil(
      'a line of the journal for each',
      PATIENCE_MS,
      async () => (await about()).length >= tries,
    )
    for (const entry of await about())
      expect(entry).toMatchObject({ PRIORITY: '6', MESSAGE: expect.stringMatching(line) })
  })

  test('repairs IRQ affinity, which sends no event, at once in the sandbox of the unit', async () => {
    const known = (await daemon.history()).length
    const file = await nic.affinityFile(1)
    await guest.writeFile(file, '3')
    const record = await daemon.newRecord(known, 'irq-affinity')
    // dd writes the file for this test.
    expect(record).toMatchObject({ new: 'queue 1 rx CPU 3', writer: 'dd', action: 'repaired' })
    expect(record.evidence).toMatch(/^dd \(pid \d+\) wrote it, as the kernel noted$/)
    expect(await guest.readFile(file)).toBe('1')
    await daemon.logs(
      'one line',
      new RegExp(`^${nic.name}: 1 interrupt put back on its vCPU \\(moved by dd, PID \\d+\\)$`, 'm'),
    )
  })

  test('names a script that is seen at work, and says that this is all that was seen', async () => {
    const known = (await daemon.history()).length
    const file = await nic.affinityFile(2)
    // Until it is ended below: how long it takes until it is seen is up to the machine.
    const script = '#!/bin/sh\necho 0 >"$1"\nwhile :; do sleep 1; done\n'
    await guest.writeFile('/root/set_irq_affinity.sh', script, '0755')
    const pid = await guest.spawn(['/root/set_irq_affinity.sh', file])
    expect(await daemon.newRecord(known, 'irq-affinity')).toMatchObject({
      writer: 'set_irq_affinit',
      evidence: expect.stringMatching(
        /^\/bin\/sh \/root\/set_irq_affinity\.sh .* was running when the change was noticed$/,
      ),
      action: 'repaired',
    })
    expect(await guest.readFile(file)).toBe('2')
    await guest.run(['kill', '-KILL', String(pid)])
  })

  test('follows vCPUs that go and come', async () => {
    const known = (await daemon.history()).length
    await guest.setCpuOnline(3, false)
    await nic.become(3)
    const went = await daemon.newRecord(known, 'vcpus')
    expect(went).toMatchObject({ nic: null, old: '0-3', new: '0-2', writer: 'kernel', action: 'repaired' })
    await guest.setCpuOnline(3, true)
    await nic.become(4)
  })

  test('an administrator who rolls back is not fought with', async () => {
    const known = (await daemon.history()).length
    await guest.run(['vqtune', 'rollback'])
    await nic.setChannels(3)
    expect(await daemon.newRecord(known, 'channels')).toMatchObject({ action: 'accepted' })
    expect(await nic.channels()).toBe(3)
    await guest.run(['vqtune', 'apply'])
    expect(await nic.channels()).toBe(4)
  })

  test('a broken configuration keeps the old one and says where it is wrong', async () => {
    await daemon.configure(`${PATIENT}debounce-ms = "soon"\n`)
    expect(await daemon.log()).toMatch(
      /configuration reload failed, the previous configuration stays in effect: .*50-test\.toml:\d+/,
    )
    await waitUntil('status to tell', PATIENCE_MS, async () => !(await daemon.view()).configValid)
    await nic.setChannels(1)
    await nic.become(4)
    await daemon.configure(PATIENT)
    expect(await daemon.log()).toContain('configuration reloaded')
    await waitUntil('status to tell', PATIENCE_MS, async () => (await daemon.view()).configValid)
  })

  test('tuned with channels in its profile: named, given way after three reversals, also over a restart', async () => {
    await daemon.configure(SHORT)
    const known = (await daemon.history()).length
    await guest.writeFile(
      '/etc/tuned/two/tuned.conf',
      `[main]\nsummary=Two channels\n[net]\ndevices=${nic.name}\nchannels=combined 2\n`,
    )
    await guest.writeFile('/etc/tuned/active_profile', 'two\n')
    await guest.writeFile('/etc/tuned/profile_mode', 'manual\n')
    await guest.run(['systemctl', 'start', 'tuned'], { timeoutMs: 180_000 })
    expect(await daemon.newRecord(known, 'channels')).toMatchObject({
      new: '2',
      writer: 'tuned',
      action: 'repaired',
    })
    // tuned sets its profile once; asked to read it again, it sets it again.
    await reverseUntilSuspended(() => guest.run(['systemctl', 'kill', '-s', 'HUP', 'tuned']))
    await nic.become(2)
    expect((await daemon.view()).suspended).toEqual([
      expect.objectContaining({ nic: nic.name, otherWriter: 'tuned', until: expect.stringMatching(/Z$/) }),
    ])
    await daemon.systemctl('restart')
    expect(await daemon.property('StatusText')).toContain(`skipped: ${nic.name}`)
    expect(await nic.channels()).toBe(2)
    await guest.run(['systemctl', 'stop', 'tuned'], { timeoutMs: 120_000 })
    await daemon.configure(SHORT)
    await nic.become(4)
  })

  test('irqbalance that starts over again and again: named, given way, and then no more said of it', async () => {
    await daemon.configure(`${SHORT}\n[defaults]\nirqbalance = "leave"\n`)
    // Ends what tuned's reversals have led to.
    await guest.run(['vqtune', 'apply'], { timeoutMs: PATIENCE_MS })
    await waitUntil(
      'the daemon to be back',
      PATIENCE_MS,
      async () => (await daemon.view()).suspended.length === 0,
    )
    const known = (await daemon.history()).length
    await guest.writeFile('/etc/default/irqbalance', 'IRQBALANCE_ARGS="--interval=1"\n')
    await guest.run(['systemctl', 'start', 'irqbalance'])
    expect(await daemon.newRecord(known, 'irq-affinity')).toMatchObject({
      writer: 'irqbalance',
      action: 'repaired',
    })
    // Asked to start over, it writes every interrupt that is not where it had put it.
    const startOver = () => guest.run(['systemctl', 'kill', '-s', 'HUP', 'irqbalance'])
    await reverseUntilSuspended(startOver)
    const logged = await daemon.log()
    expect(logged.match(/irqbalance reversed its settings 3 times/g)).toHaveLength(1)
    const file = await nic.affinityFile(0)
    const cpus = await guest.readFile(file)
    await guest.writeFile(file, cpus === '3' ? '2' : '3')
    await startOver()
    await waitUntil(
      'irqbalance to have it back',
      PATIENCE_MS,
      async () => (await guest.readFile(file)) === cpus,
    )
    expect(await daemon.log()).toBe(logged)
    const status = await guest.run(['vqtune', 'status'])
    expect(status).toMatch(new RegExp(`${nic.name}: conflict with irqbalance: backed off until 20`))
    await guest.run(['systemctl', 'stop', 'irqbalance'])
  })

  test('VQTUNE_DEBUG=1 for its unit: each program and each write is in the journal, at debug', async () => {
    const dropIn = '/etc/systemd/system/vqtuned.service.d/60-debug.conf'
    const restart = async () => {
      await guest.run(['systemctl', 'daemon-reload'])
      await daemon.systemctl('restart')
      await daemon.sourcesAreUp()
    }
    await daemon.configure(PATIENT)
    await guest.writeFile(dropIn, '[Service]\nEnvironment=VQTUNE_DEBUG=1\n')
    await restart()
    const known = (await daemon.history()).length
    await nic.setChannels(2)
    await daemon.newRecord(known, 'channels')
    await guest.run(['rm', dropIn])
    await restart()
    const told = (await entries()).filter(({ PRIORITY }) => PRIORITY === '7').map(({ MESSAGE }) => MESSAGE)
    for (const line of [
      /^start .*udevadm monitor --kernel .*: PID \d+$/,
      /^run \S+\/flock -x -w 10 -E 75 3: exit 0, \d+ ms$/,
      /^write \/run\/vqtune\/lock "\d+ daemon\\n": ok, \d+ ms$/,
      /^run ethtool -L \S+ combined 4: exit 0, \d+ ms$/,
      /^replace \/run\/vqtune\/(ledger|daemon|status)\.json, \d+ bytes: ok, \d+ ms$/,
      /^replace \/run\/vqtune\/vqtune\.prom, \d+ bytes: ok, \d+ ms$/,
      /^append \/var\/lib\/vqtune\/drift\.jsonl, \d+ bytes: ok, \d+ ms$/,
      /^run systemd-notify READY=1 'STATUS=.*': exit 0, \d+ ms$/,
      /^end .*ethtool --monitor: signal SIGTERM, \d+ ms$/,
    ]) {
      expect(told).toContainEqual(expect.stringMatching(line))
    }
    expect(told.filter((line) => line.includes('NOTIFY_SOCKET'))).toEqual([])
  })

  test('ends cleanly, leaves the NIC as it is, and its log has priorities', async () => {
    const before = await nic.channels()
    await daemon.systemctl('stop')
    expect(await daemon.property('Result')).toBe('success')
    expect(await nic.channels()).toBe(before)
    expect((await guest.exec(['pgrep', '-f', '[u]devadm monitor|[e]thtool --monitor'])).stdout).toBe('')
    expect(await guest.run(['vqtune', 'status'])).toContain('\ndaemon: not running\n')
    const lines = await entries()
    const fight = lines.find(({ MESSAGE }) => MESSAGE.includes('irqbalance reversed'))
    expect(fight).toMatchObject({
      PRIORITY: '4',
      MESSAGE: expect.stringMatching(
        new RegExp(`^${nic.name}: irqbalance reversed its settings 3 times \\(.*\\); suspended for 3600 s$`),
      ),
    })
    expect(lines.filter(({ MESSAGE }) => MESSAGE.startsWith('{'))).toEqual([])
    const metrics = await guest.readFile('/run/vqtune/vqtune.prom')
    expect(metrics).toContain(`vqtune_nic_channels{nic="${nic.name}"} ${before}`)
    // No line twice, except what really happened again: repairs, starts and reloads.
    const said = lines
      .filter(({ PRIORITY }) => PRIORITY !== '7')
      .map(({ MESSAGE }) => MESSAGE)
      .filter((line) => !/: channels|interrupt|^vCPUs|ready:|reloaded|stopping/.test(line))
    expect(said.filter((line, index) => said.indexOf(line) !== index)).toEqual([])
  })
})
