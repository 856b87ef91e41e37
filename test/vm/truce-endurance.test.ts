/**
 * Ten minutes of traffic in both directions on NICs of 4 and of 8 queues beside irqbalance, which the boot started: asked to leave
 * their interrupts alone, and, as the other arm, not asked. Looked at each second by a program of its own, without vqtune.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Guest } from './lib/guest'
import { addresses } from './lib/host-network'
import type { Release } from './lib/image'
import { shipBoot, Vqtuned } from './lib/vqtuned'
import { PATIENCE_MS, waitUntil } from './lib/wait'

const SECONDS = Number(process.env.VQTUNE_ENDURANCE_SECONDS ?? 600)
/** No periodic check for a year: what happens, happens because of an event. */
const config = (irqbalance: 'ask' | 'leave') =>
  `[defaults]\nirqbalance = "${irqbalance}"\n[daemon]\ncheck-cron = "0 0 1 1 *"\n`

/**
 * Each second, for each NIC: whether every queue it uses has its interrupts on vCPUs that no other queue of that NIC has.
 * A queue has an interrupt for receiving and one for sending, told apart by the names that the driver gives them.
 */
const SAMPLER = `
const { appendFileSync, readFileSync, readdirSync, readlinkSync } = require('node:fs')
const [file, ...nics] = process.argv.slice(2)
const cpus = (list) => list.trim().split(',').flatMap((part) => {
  const [from, to = from] = part.split('-').map(Number)
  return Array.from({ length: to - from + 1 }, (_, i) => from + i)
})
const isPrivate = (nic, interrupts) => {
  const base = '/sys/class/net/' + nic
  const virtio = readlinkSync(base + '/device').split('/').at(-1)
  const count = readdirSync(base + '/queues').filter((name) => name.startsWith('tx-')).length
  const of = (name) => cpus(readFileSync('/proc/irq/' + interrupts.get(name) + '/smp_affinity_list', 'utf8'))
  const sets = Array.from({ length: count }, (_, i) =>
    new Set([...of(virtio + '-input.' + i), ...of(virtio + '-output.' + i)]))
  const all = sets.flatMap((set) => [...set])
  return all.length === new Set(all).size
}
setInterval(() => {
  const lines = readFileSync('/proc/interrupts', 'utf8').split('\\n').map((line) => line.trim().split(/\\s+/))
  const interrupts = new Map(lines.map((words) => [words.at(-1), parseInt(words[0])]))
  for (const nic of nics) {
    let state = 'lost'
    try { state = isPrivate(nic, interrupts) ? 'private' : 'shared' } catch {}
    appendFileSync(file, nic + ' ' + state + '\\n')
  }
}, 1000)`

const RELEASES: readonly (readonly [Release, string])[] = [
  ['bookworm', 'Debian 12'],
  ['trixie', 'Debian 13'],
]

describe.each(RELEASES)('irqbalance of %s (%s)', (release) => {
  let guest: Guest
  let daemon: Vqtuned
  let names: readonly string[]
  beforeAll(async () => {
    guest = await Guest.boot({
      kernel: '6.12',
      release,
      cpus: 8,
      nics: [{ queues: 4 }, { queues: 8 }],
      hotplugPorts: 1,
      vqtune: 'dist/vqtune.cjs',
    })
    await guest.run(['systemctl', 'start', 'irqbalance'], { timeoutMs: 120_000 })
    names = [await guest.nicName(0), await guest.nicName(1)]
    await guest.configureNic(0)
    await guest.configureNic(1)
    await guest.writeFile('/root/sampler.cjs', SAMPLER)
    await guest.run(['iperf3', '-s', '-D', '-p', '5201'])
    await guest.run(['iperf3', '-s', '-D', '-p', '5202'])
    await shipBoot(guest)
    daemon = await Vqtuned.start(guest, config('ask'))
    await waitUntil('irqbalance to be asked', PATIENCE_MS, async () => (await askedFor()) === 24)
  })
  afterAll(() => guest?.dispose())

  interface Status {
    readonly nics: readonly {
      readonly name: string
      readonly queues: readonly { readonly private: boolean }[]
    }[]
    readonly irqbalance: { readonly interrupts: readonly number[] } | null
    readonly daemon: { readonly suspended: readonly { readonly nic: string }[] }
  }
  const status = async (): Promise<Status> =>
    JSON.parse(await guest.run(['vqtune', 'status', '--json'], { timeoutMs: 120_000 }))
  const askedFor = async (): Promise<number> => (await status()).irqbalance?.interrupts.length ?? 0

  /** @returns what the sampler saw meanwhile, by NIC */
  async function underLoad(
    arm: string,
    meanwhile: () => Promise<void>,
  ): Promise<ReadonlyMap<string, number>> {
    const file = `/root/${arm}.samples`
    await guest.writeFile(file, '')
    const sampler = await guest.spawn(['/opt/node/node', '/root/sampler.cjs', file, ...names])
    const load = [0, 1].map((index) =>
      guest.network.exec(
        ['iperf3', '-c', addresses(index).guest, '-p', String(5201 + index), '-P', '6', '--bidir'].concat([
          '-t',
          String(SECONDS),
        ]),
        (SECONDS + 120) * 1000,
      ),
    )
    await meanwhile()
    for (const { code, stderr } of await Promise.all(load))
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    await guest.run(['kill', String(sampler)])
    const lines = (await guest.readFile(file)).trim().split('\n')
    return new Map(
      names.map((name) => {
        const own = lines.filter((line) => line.startsWith(`${name} `))
        // As many as there were seconds, less what an emulated guest under load skips.
        expect(own.length).toBeGreaterThan(SECONDS / 2)
        const share = own.filter((line) => line.endsWith(' private')).length / own.length
        console.log(
          `${release}, ${arm}: ${name} private in ${(share * 100).toFixed(2)} % of ${own.length} samples`,
        )
        return [name, share]
      }),
    )
  }

  test('asked: every queue private at the end and nearly always, whatever happens meanwhile', async () => {
    const known = (await daemon.history()).length
    const shares = await underLoad('ask', async () => {
      await guest.run(['systemctl', 'restart', 'irqbalance'], { timeoutMs: 120_000 })
      await daemon.systemctl('restart')
      await guest.setCpuOnline(7, false)
      await waitUntil('7 channels', PATIENCE_MS, async () => (await channelsOf(1)) === 7)
      await guest.setCpuOnline(7, true)
      await waitUntil('8 channels', PATIENCE_MS, async () => (await channelsOf(1)) === 8)
      await guest.addNic({ queues: 4 }, 0)
      await waitUntil('the new NIC, too', PATIENCE_MS, async () => (await askedFor()) === 32)
      await guest.removeNic(2)
    })
    const now = await status()
    expect(now.nics.flatMap(({ queues }) => queues.filter((queue) => !queue.private))).toEqual([])
    expect(now.daemon.suspended).toEqual([])
    const moved = (await daemon.history()).slice(known).filter(({ kind }) => kind === 'irq-affinity')
    expect(moved.length).toBeLessThan(5)
    for (const share of shares.values()) expect(share).toBeGreaterThanOrEqual(0.99)
  })

  test('not asked: it moves interrupts, and the daemon backs off', async () => {
    await guest.run(['vqtune', 'rollback', '--irqbalance'], { timeoutMs: 120_000 })
    await daemon.configure(config('leave'))
    const known = (await daemon.history()).length
    await underLoad('leave', async () => {})
    const records = (await daemon.history()).slice(known)
    const moved = records.filter(({ kind }) => kind === 'irq-affinity')
    console.log(
      `${release}, leave: ${moved.length} records, ${(await status()).daemon.suspended.length} suspended`,
    )
    expect(moved.map(({ writer }) => writer)).toContain('irqbalance')
  })

  async function channelsOf(index: number): Promise<number> {
    return Number(await guest.shell(`ls -d /sys/class/net/${names[index]}/queues/tx-* | wc -l`))
  }
})
