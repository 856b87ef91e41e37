/**
 * The guard on a setting other than channels, in a real guest: RPS, with a backlog so short that every packet that is sent on
 * to another vCPU is as good as lost. Compared, taken back, told, held by a new daemon, and tried again by an administrator.
 */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { expectSchema } from '../support/schema'
import { Guest } from './lib/guest'
import { restartIperf, startFlow } from './lib/iperf'
import { kernelOf } from './lib/kernels'
import { Vqtuned } from './lib/vqtuned'
import { PATIENCE_MS, scaled, waitUntil } from './lib/wait'

let guest: Guest
let nic: string
/** Seconds. On a busy machine rates vary, and less so over a longer time. */
let windowSeconds = Math.min(30, Math.ceil(scaled(5)))
const configured = (rps: string) =>
  `[guard]\nenabled = true\nwindow-seconds = ${windowSeconds}\nwatch = "channels,rps"\n[defaults]\nrps = "${rps}"\n`

beforeAll(async () => {
  guest = await Guest.boot({
    kernel: kernelOf('6.12'),
    cpus: 4,
    nics: [{ queues: 2 }],
    vqtune: 'dist/vqtune.cjs',
  })
  nic = await guest.configureNic(0)
  await restartIperf(guest)
})
afterAll(() => guest?.dispose())

const masks = async (): Promise<string[]> =>
  Promise.all(
    [0, 1].map(async (queue) =>
      (await guest.readFile(`/sys/class/net/${nic}/queues/rx-${queue}/rps_cpus`)).trim(),
    ),
  )

/** TCP to the guest, until the returned function is called. */
const pour = (): Promise<() => Promise<void>> => startFlow(guest, nic, ['-P', '4'])

test('takes back RPS that makes traffic worse, says why, and tries it again only when somebody asks', async () => {
  const daemon = await Vqtuned.start(guest, configured('off'))
  await guest.writeFile('/proc/sys/net/core/netdev_max_backlog', '0')
  const verdicts = async () =>
    (await daemon.log()).match(/RPS masks? (?:kept|not judged|taken back) by the guard: [^\n]*/g) ?? []
  const verdict = async (): Promise<string> => {
    // A whole window with the values before: ten slices need eleven readings.
    await guest.letPass(windowSeconds * 1.2)
    const known = (await verdicts()).length
    await daemon.configure(configured('spread'))
    await waitUntil('a verdict of the guard', PATIENCE_MS + 10_000 * windowSeconds, async () => {
      return (await verdicts()).length > known
    })
    return (await verdicts())[known] as string
  }
  const stop = await pour()
  try {
    // In doubt, as when rates vary with what else the machine does, the guard keeps what there is.
    for (let said = await verdict(); !said.includes('taken back'); said = await verdict()) {
      process.stderr.write(`${said}\n`)
      windowSeconds *= 2
      expect(windowSeconds).toBeLessThan(300)
      await daemon.configure(configured('off'))
    }
    const [record] = (await daemon.history()).filter(({ action }) => action === 'guard-reduced')
    expect(record).toMatchObject({
      ...{ kind: 'rps', nic, writer: 'vqtune', evidence: 'guard' },
      ...{ old: 'queue 0 CPU 1, queue 1 CPU 3', new: 'queue 0 CPU none, queue 1 CPU none' },
    })
    process.stderr.write(`${record?.why}\n`)
    await waitUntil('RPS to be off', PATIENCE_MS, async () => (await masks()).join() === '0,0')
    expect(await guest.readFile('/run/vqtune/vqtune.prom')).toContain(
      `vqtune_guard_reductions_total{nic="${nic}"} 1`,
    )

    // Everybody knows, nobody calls it drift, and nobody tries again, not even a new daemon.
    const { code, stdout } = await guest.exec(['vqtune', 'status', '--check'])
    expect({ code, stdout }).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('taken back by the guard'),
    })
    for (const verb of ['status', 'plan', 'drift'] as const) {
      expectSchema(verb, JSON.parse(await guest.run(['vqtune', verb, '--json'])))
    }
    expect(await guest.run(['vqtune', 'apply', '--unattended'])).toMatch(
      /rps skipped: taken back by the guard: .*; vqtune apply \S+ tries it again/,
    )
    await daemon.systemctl('restart')
    expect(await masks()).toEqual(['0', '0'])
    await guest.run(['vqtune', 'apply', nic])
    expect(await masks()).toEqual(['2', '8'])
  } finally {
    await stop()
  }
})
