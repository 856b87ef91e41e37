/**
 * RSS on a kernel that leaves the table as it is when channels change: made anew so that every queue receives, recorded and
 * rolled back; made by hand and left alone; its drift repaired and counted; and queues that receive nothing are found by the
 * report and by the daemon.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { expectSchema } from '../support/schema'
import { Guest } from './lib/guest'
import { addresses } from './lib/host-network'
import { besideClient, restartIperf } from './lib/iperf'
import { isThorough, kernelsOf } from './lib/kernels'
import { Nic, Vqtuned } from './lib/vqtuned'
import { PATIENCE_MS, scaled, waitUntil } from './lib/wait'

/** Both leave the table as it is. */
const KERNELS = kernelsOf('6.1')

/** Chance leaves one of four queues without any of so many with a probability of 4 in a hundred million. */
const STREAMS = 64
const QUEUES = [0, 1, 2, 3]
const CONFIG = '[daemon]\ncheck-cron = "0 0 1 1 *"\nconflict-reversals = 1000\n'

describe.each(KERNELS)('on %s', (kernel) => {
  let guest: Guest
  let nic: Nic
  let daemon: Vqtuned

  beforeAll(async () => {
    // The driver counts the vCPUs that are online when it finds the NIC, and so does its default table.
    guest = await Guest.boot({
      kernel,
      cpus: 4,
      kernelArgs: ['maxcpus=2'],
      nics: [{ queues: 4, props: { rss: 'on' } }],
      vqtune: 'dist/vqtune.cjs',
    })
    nic = new Nic(guest, await guest.configureNic(0))
    for (const cpu of [2, 3]) await guest.setCpuOnline(cpu, true)
    await restartIperf(guest)
  })
  afterAll(() => guest?.dispose())

  const vqtune = (...args: string[]) => guest.exec(['vqtune', ...args], { timeoutMs: PATIENCE_MS })
  /** The queues that the table names. */
  const table = async (): Promise<number[]> => {
    const text = await guest.run(['ethtool', '-x', nic.name])
    const rows = [...text.matchAll(/^ +\d+:(.*)$/gm)].map((row) => row[1] ?? '')
    return [...new Set(rows.flatMap((row) => row.trim().split(/\s+/).map(Number)))].sort((a, b) => a - b)
  }
  const received = async (): Promise<number[]> => {
    const text = await guest.run(['ethtool', '-S', nic.name])
    return QUEUES.map((queue) => Number(new RegExp(`rx_queue_${queue}_packets: (\\d+)`).exec(text)?.[1]))
  }
  /** Commands of ethtool that change something. */
  const changes = (trace: string): string[] =>
    [...trace.matchAll(/run ethtool (-[LX] .*): exit/g)].map((call) => call[1] ?? '')
  const channels = (count: number): string => `-L ${nic.name} combined ${count}`
  /** What was once advised: the table then names four queues, and the device serves two. */
  const kill = () => guest.run(['ethtool', '-X', nic.name, 'default'])

  /** Runs while connections come in from the host. */
  async function whilePouring<T>(work: () => Promise<T>): Promise<T> {
    // A queue is judged only if the guest also sends through it.
    for (const cpu of ['2', '3'])
      await guest.spawn(['taskset', '-c', cpu, 'ping', '-q', '-i', '0.01', addresses(0).host])
    try {
      return await besideClient(guest, STREAMS, ['-b', '40K', '-l', '1000'], work)
    } finally {
      await guest.exec(['pkill', '-x', 'ping'])
      // On a slow machine 64 connections take minutes to end, and their last packets would be service enough for every queue.
      await waitUntil('the connections to end', PATIENCE_MS, async () => {
        return Number(await guest.shell('ss -Htn exclude listening exclude time-wait | wc -l')) === 0
      })
    }
  }

  test('a table that stays behind is made anew in the safe order, recorded, and rolled back', async () => {
    expect(await nic.channels()).toBe(2)
    const plan = await vqtune('plan')
    expect(plan.stdout).toContain(`${nic.name}: channels 2 -> 4`)
    const applied = await guest.exec(['vqtune', 'apply', '--json', '--verbose'], { timeoutMs: PATIENCE_MS })
    expect(applied.code).toBe(0)
    const json = JSON.parse(applied.stdout)
    expectSchema('apply', json)
    expect(json.outcomes.slice(0, 2)).toMatchObject([
      { tunable: 'channels', old: '2', new: '4', result: 'done' },
      { tunable: 'rss-table', key: 'table', old: 'equal 2', new: 'equal 4', result: 'done' },
    ])
    expect(changes(applied.stderr)).toEqual([
      channels(4),
      ...[channels(1), channels(4), `-X ${nic.name} default`, channels(3), channels(4)],
    ])
    expect(await table()).toEqual(QUEUES)
    expect((await vqtune('status', '--check')).code).toBe(0)
    const ledger = JSON.parse(await guest.readFile('/run/vqtune/ledger.json'))
    expect(ledger.entries).toMatchObject([
      { original: { 'rss-table': { table: 'equal 2' } }, applied: { 'rss-table': { table: 'equal 4' } } },
    ])

    const back = await vqtune('rollback')
    expect(back.code).toBe(0)
    expect(back.stdout).toContain(`${nic.name}: RSS table equal 4 -> equal 2`)
    expect([await nic.channels(), await table()]).toEqual([2, [0, 1]])
    expect((await vqtune('apply')).code).toBe(0)
    expect([await nic.channels(), await table()]).toEqual([4, QUEUES])
  })

  test('every queue then receives; those that a bare -X default takes away are reported with the cause', async () => {
    await whilePouring(async () => {
      const before = await received()
      await waitUntil('every queue to receive', PATIENCE_MS, async () =>
        (await received()).every((count, queue) => count > (before[queue] ?? 0)),
      )
      const window = String(Math.min(60, Math.ceil(scaled(5))))
      const conditionIn = async () => {
        const { code, stdout } = await vqtune('report', nic.name, '--json', '--window', window)
        expect(code).toBe(0)
        const report = JSON.parse(stdout)
        expectSchema('report', report)
        return report.nics[0].conditions.find(({ id }: { id: string }) => id === 'queues-served')
      }
      expect(await conditionIn()).toMatchObject({ answer: 'yes' })
      await kill()
      const { answer, why } = await conditionIn()
      expect(answer, why).toBe('no')
      expect(why).toMatch(
        /^queues 2-3 receive nothing while 6\d connections keep the others busy: an RSS command/,
      )
      expect(why).toContain(`ethtool ${channels(3)} and ethtool ${channels(4)} mend`)
      await guest.run(['ethtool', ...channels(3).split(' ')])
      await guest.run(['ethtool', ...channels(4).split(' ')])
      const mended = await received()
      await waitUntil('every queue to receive again', PATIENCE_MS, async () =>
        (await received()).every((count, queue) => count > (mended[queue] ?? 0)),
      )
    })
  })

  test('a table made by hand is left alone, and told', async () => {
    await guest.run(['ethtool', '-X', nic.name, 'weight', '1', '1', '2', '4'])
    const status = await vqtune('status', '--check')
    expect(status.code).toBe(0)
    expect(status.stdout).toContain('the RSS table was made by hand (queue:entries 0:16 1:16 2:32 3:64)')
    expect((await vqtune('apply')).stdout).toContain('nothing to do')
    // The default for two queues and `equal 2` are the same table; the kernel knows which it is.
    await guest.run(['ethtool', '-X', nic.name, 'equal', '2'])
    const applied = await vqtune('apply')
    expect(applied.code).toBe(0)
    expect(applied.stdout).toContain(
      'rss-table skipped: the RSS table (equal 2) was made by hand and is left alone',
    )
    expect([await nic.channels(), await table()]).toEqual([4, [0, 1]])
  })

  // Not the kernel's doing, and a guest is slow.
  test.runIf(isThorough(kernel, '6.1'))(
    'the daemon repairs its drift, counts it, and finds queues that receive nothing after a raise',
    async () => {
      // No table by hand any more.
      await kill()
      daemon = await Vqtuned.start(guest, CONFIG)
      await daemon.sourcesAreUp()
      expect([await nic.channels(), await table()]).toEqual([4, QUEUES])
      await daemon.systemctl('stop')
      // The default again, of two channels, and four of them.
      for (const argv of [
        ['-X', nic.name, 'default'],
        channels(2).split(' '),
        ['-X', nic.name, 'default'],
        channels(4).split(' '),
      ])
        await guest.run(['ethtool', ...argv])
      expect(await table()).toEqual([0, 1])
      await daemon.startWith(CONFIG)
      const record = (await daemon.history()).find(({ kind }) => kind === 'rss-table')
      expect(record).toMatchObject({
        nic: nic.name,
        old: 'table equal 4',
        new: 'table equal 2',
        action: 'repaired',
      })
      expect([await nic.channels(), await table()]).toEqual([4, QUEUES])
      const metrics = () => guest.readFile('/run/vqtune/vqtune.prom')
      expect(await metrics()).toContain(`vqtune_nic_drift_total{nic="${nic.name}",kind="rss-table"} 1`)

      await daemon.configure(`${CONFIG}[defaults]\ncap = 2\n`)
      await nic.become(2)
      await daemon.configure(CONFIG)
      await nic.become(4)
      await waitUntil('the table to be made anew', PATIENCE_MS, async () => (await table()).length === 4)
      expect(await metrics()).toContain(`vqtune_nic_dead_queues{nic="${nic.name}"} 0`)
      // Before any traffic: queues that have received something need no more proof.
      await kill()
      await whilePouring(async () => {
        await daemon.logs('the daemon to find them', /: queues 2-3 receive nothing while 6\d connections/)
        await waitUntil('the metric', PATIENCE_MS, async () =>
          (await metrics()).includes(`vqtune_nic_dead_queues{nic="${nic.name}"} 2`),
        )
        const status = await vqtune('status')
        expect(status.stdout).toContain(`${nic.name}: queues 2-3 receive nothing`)
      })
    },
  )
})
