/** The daemon in a real guest, under its own unit, when things break: tools, disks, clocks, devices, and itself. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { Guest } from './lib/guest'
import { kernelOf } from './lib/kernels'
import { Nic, Vqtuned } from './lib/vqtuned'
import { PATIENCE_MS, waitUntil } from './lib/wait'

const CONFIG = `
[daemon]
check-cron = "*/10 * * * * *"
jitter-seconds = 0
conflict-reversals = 1000
log-level = "debug"
log-format = "json"
`
const ETHTOOL = '/usr/sbin/ethtool'
/** In a directory that the sandbox of the unit can write to. */
const HOLD = '/run/vqtune/hold'
/** Everything as the real one does, but before it sets channels it waits until HOLD is gone. */
const HELD = `case "$1" in -L) echo >${HOLD}; while [ -e ${HOLD} ]; do sleep 0.1; done ;; esac
exec ${ETHTOOL}.real "$@"`

let guest: Guest
let daemon: Vqtuned
let nic: Nic
beforeAll(async () => {
  guest = await Guest.boot({
    kernel: kernelOf('6.12'),
    cpus: 4,
    nics: [{ queues: 4 }],
    hotplugPorts: 1,
    vqtune: 'dist/vqtune.cjs',
  })
  nic = new Nic(guest, await guest.nicName(0))
  // State and history on small file systems of their own, for the test that fills them.
  await forBothDisks('mkdir -p $d; mount -t tmpfs -o size=64k,mode=755 tmpfs $d')
  daemon = await Vqtuned.start(guest, CONFIG)
  // Most of what follows runs under a clock that was set back; what became of the periodic check is seen at the end.
  await guest.run(['date', '-s', '-2 days'])
})
afterAll(() => guest?.dispose())

async function count(pattern: RegExp): Promise<number> {
  return (await daemon.log()).match(pattern)?.length ?? 0
}

/** Warnings so far about these things that can go wrong. */
const warnings = (...topics: string[]): Promise<number[]> =>
  Promise.all(topics.map((topic) => count(new RegExp(`"level":"warn","topic":"${topic}"`, 'g'))))

/** Whatever was broken: it still repairs. */
async function expectRepairs(): Promise<void> {
  await guest.run([
    'sh',
    '-c',
    `${ETHTOOL}.real -L ${nic.name} combined 2 || ${ETHTOOL} -L ${nic.name} combined 2`,
  ])
  await nic.become(4)
}

/** Puts a program in the place of ethtool until `mendEthtool`. */
async function replaceEthtool(script: string): Promise<void> {
  await guest.writeFile('/root/ethtool', `#!/bin/sh\n${script}\n`, '0755')
  await guest.shell(`mv ${ETHTOOL} ${ETHTOOL}.real; mv /root/ethtool ${ETHTOOL}`)
}
const mendEthtool = (): Promise<string> =>
  guest.shell(`if [ -e ${ETHTOOL}.real ]; then mv ${ETHTOOL}.real ${ETHTOOL}; fi; rm -f ${HOLD}`)

/** Runs a script for `$d`, the small file systems that hold state and history. */
const forBothDisks = (script: string): Promise<string> =>
  guest.shell(`for d in /run/vqtune /var/lib/vqtune; do ${script}; done`)

/** The daemon's own lock keeps /run/vqtune busy, so only the other can become read-only; that is busy while it is written to. */
const UNTIL_READ_ONLY = '[ $d = /run/vqtune ] || until mount -o remount,ro $d 2>/dev/null; do sleep 0.1; done'

describe('vqtune daemon with faults', () => {
  // One that failed half-way is not to make the others fail.
  afterEach(async () => {
    await forBothDisks('if mountpoint -q $d; then mount -o remount,rw $d; rm -f $d/full; fi')
    await mendEthtool()
  })

  test('monitors that are killed are told once and started again', async () => {
    await daemon.sourcesAreUp()
    await guest.run(['pkill', '-9', '-f', '^/usr/bin/udevadm monitor|ethtool --monitor'])
    await daemon.logs('udev to be back', /events from udev again/)
    await daemon.logs('ethtool to be back', /events from ethtool again/)
    expect(await count(/no events from (udev|ethtool): \w+ ended \(signal SIGKILL\)/g)).toBe(2)
    await expectRepairs()
  })

  test('without ethtool it goes on with affinity, says once what is missing, and takes it up when it is back', async () => {
    await guest.shell(`mv ${ETHTOOL} ${ETHTOOL}.real; pkill -9 -f '[e]thtool --monitor'`)
    await daemon.logs('the complaint', /no events from ethtool: ethtool is not installed/)
    const file = await nic.affinityFile(2)
    await guest.writeFile(file, '0')
    await waitUntil('the repair', PATIENCE_MS, async () => (await guest.readFile(file)) === '2')
    // A child of its own brings it to systemd.
    await waitUntil('the status line', PATIENCE_MS, async () =>
      (await daemon.property('StatusText')).includes('no events from ethtool'),
    )
    expect(await count(/ethtool is not installed/g)).toBe(1)
    await mendEthtool()
    await expectRepairs()
  })

  test.each([
    ['hangs', 'exec sleep 600', /ethtool -l \S+: no answer within 5000 ms/],
    ['prints something else', 'echo garbage', /ethtool -l printed no channel counts but/],
    ['is killed', 'kill -SEGV $$', /ethtool -l failed: /],
  ])(
    'a new NIC while ethtool %s: told once, and tuned when it is well again',
    async (_name, script, complaint) => {
      const virtio = (await guest.run(['readlink', '-f', `/sys/class/net/${nic.name}/device`]))
        .split('/')
        .at(-1)
      const driver = '/sys/bus/virtio/drivers/virtio_net'
      await replaceEthtool(script)
      await guest.shell(`for file in unbind bind; do echo ${virtio?.trim()} >${driver}/$file; done`)
      await daemon.logs('the complaint', complaint)
      await nic.become(4)
      const file = await nic.affinityFile(2)
      await guest.writeFile(file, '0')
      await waitUntil('affinity', PATIENCE_MS, async () => (await guest.readFile(file)) === '2')
      // Once for each name that the NIC had: udev renames it.
      const told = (await daemon.log()).split('\n').filter((line) => complaint.test(line))
      expect(told).toEqual([...new Set(told)])
      await mendEthtool()
      await expectRepairs()
      await waitUntil('the end of it', PATIENCE_MS, async () => (await daemon.view()).problems.length === 0)
    },
  )

  test('a NIC that is unplugged while its channels are set is no fault', async () => {
    const known = (await daemon.history()).length
    const other = await guest.addNic({ queues: 4 }, 0)
    // One that came and went within one pass is not told of.
    await daemon.newRecord(known, 'nic-added')
    const before = await warnings('reconcile', 'pass')
    // The guest takes it out itself, in the middle of the repair. To ask the hypervisor, and to wait until the guest agrees,
    // takes longer on a slow machine than the daemon waits for ethtool.
    await replaceEthtool(`case "$*" in
  "-L ${other} "*) echo 1 >"$(readlink -f /sys/class/net/${other}/device/..)/remove" ;;
esac
exec ${ETHTOOL}.real "$@"`)
    await guest.run([`${ETHTOOL}.real`, '-L', other, 'combined', '1'])
    expect(await daemon.newRecord(known, 'nic-removed')).toMatchObject({ nic: other })
    await mendEthtool()
    await expectRepairs()
    expect(await warnings('reconcile', 'pass')).toEqual(before)
  })

  test('daemon and command line at once: as desired in the end, and no fight between them', async () => {
    const known = (await daemon.history()).length
    await guest.shell(
      `for i in 1 2 3; do ethtool -L ${nic.name} combined $i; vqtune apply >/dev/null & vqtune apply >/dev/null & wait; done`,
      { timeoutMs: 300_000 },
    )
    await nic.become(4)
    expect((await guest.exec(['vqtune', 'plan', '--check'], { timeoutMs: 60_000 })).code).toBe(0)
    const actions = (await daemon.history()).slice(known).map(({ action }) => action)
    expect(actions.filter((action) => !['repaired', 'accepted'].includes(action))).toEqual([])
  })

  test('kill -9 while channels are set: it is started again and finishes; ledger and history are whole', async () => {
    const pid = await daemon.property('MainPID')
    await replaceEthtool(HELD)
    await guest.shell(
      `${ETHTOOL}.real -L ${nic.name} combined 1
      until [ -e ${HOLD} ]; do sleep 0.1; done
      systemctl kill -s KILL --kill-whom=all vqtuned`,
      { timeoutMs: PATIENCE_MS },
    )
    await mendEthtool()
    await nic.become(4)
    expect(await daemon.property('MainPID')).not.toBe(pid)
    await waitUntil(
      'the daemon',
      PATIENCE_MS,
      async () => (await daemon.property('ActiveState')) === 'active',
    )
    expect(await daemon.property('NRestarts')).toBe('1')
    expect(await guest.run(['vqtune', 'rollback', '--dry-run'], { timeoutMs: 60_000 })).not.toBe('')
    expect((await daemon.history()).at(-1)).toMatchObject({ kind: 'channels', old: '4', new: '1' })
  })

  test.each([
    ['full', 'dd if=/dev/zero of=$d/full bs=1k 2>/dev/null || true', 'rm $d/full', 'ENOSPC'],
    ['read-only', UNTIL_READ_ONLY, 'mount -o remount,rw $d', 'EROFS'],
  ])(
    'state and history on a %s file system: it repairs all the same, and says so once',
    async (_name, spoil, mend, errno) => {
      const pid = await daemon.property('MainPID')
      // A last line that leaves little room in its block: also a full disk takes the beginning of the next one.
      await guest.shell(
        `f=/var/lib/vqtune/drift.jsonl; head -c $(((8186 - $(stat -c %s $f) % 4096) % 4096)) /dev/zero | tr '\\0' x >>$f`,
      )
      const told = () => warnings('history', 'state', 'reconcile', 'pass', 'textfile', 'status')
      const before = await told()
      await forBothDisks(spoil)
      for (let i = 0; i < 3; i++) await expectRepairs()
      await daemon.logs('the complaint', new RegExp(`cannot write the drift history \\(${errno}\\)`))
      const times = (await told()).map((now, i) => now - (before[i] ?? 0))
      expect(times[0]).toBe(1)
      expect(Math.max(...times)).toBe(1)
      await forBothDisks(mend)
      const size = await guest.shell('wc -l </var/lib/vqtune/drift.jsonl')
      await expectRepairs()
      await waitUntil(
        'the history to go on',
        PATIENCE_MS,
        async () => (await guest.shell('wc -l </var/lib/vqtune/drift.jsonl')) !== size,
      )
      expect(await guest.run(['vqtune', 'drift'])).toContain('channels')
      expect(await guest.shell('ls /run/vqtune /var/lib/vqtune')).not.toContain('.tmp')
      expect(await daemon.property('MainPID')).toBe(pid)
    },
  )

  test('/run/vqtune removed while it runs: says what to do, and that helps', async () => {
    await daemon.systemctl('stop')
    await guest.run(['umount', '/run/vqtune'])
    await guest.run(['rm', '-rf', '/run/vqtune'])
    await daemon.systemctl('start')
    await expectRepairs()
    await guest.run(['rm', '-rf', '/run/vqtune'])
    await guest.run([ETHTOOL, '-L', nic.name, 'combined', '1'])
    await daemon.logs(
      'the complaint',
      /\/run\/vqtune was removed: systemctl restart vqtuned\.service creates it again/,
    )
    await daemon.systemctl('restart')
    await nic.become(4)
    expect(await guest.shell('stat -c %a /run/vqtune')).toBe('755\n')
    await waitUntil('no problem', PATIENCE_MS, async () => (await daemon.view()).problems.length === 0)
    const second = await guest.exec(['vqtune', 'daemon'], { timeoutMs: 60_000 })
    expect(second).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^vqtune: vqtune daemon \(PID \d+\) is already running\n$/),
    })
    await expectRepairs()
  })

  test('the clock set back and forth by days: the periodic check goes on', async () => {
    const checks = (): Promise<number> => count(/"reasons":\[[^\]]*"periodic check"/g)
    // One at once when the jump was noticed, the others by cron.
    await waitUntil('checks after the jump back', PATIENCE_MS * 2, async () => (await checks()) >= 2)
    await guest.run(['date', '-s', '+4 days'])
    await waitUntil('a check after the jump forth', PATIENCE_MS, async () => {
      const ageMs =
        Number(await guest.run(['date', '+%s'])) * 1000 - Date.parse((await daemon.view()).checkedAt)
      return Math.abs(ageMs) < 86_400_000
    })
  })
})
