/**
 * Peace with irqbalance, as Debian 12 and 13 ship it, started by the boot: minutes of traffic in both directions, while it and
 * vqtuned restart, a vCPU leaves and returns, and a NIC is plugged and unplugged. The other arm does not ask it.
 */
import { describe, expect, test } from 'vitest'
import { Guest } from './lib/guest'
import { addresses } from './lib/host-network'
import type { Release } from './lib/image'
import { bannedIn, untilIrqbalanceRuns, WITH_IRQBALANCE } from './lib/irqbalance'
import { progress } from './lib/locks'
import { isPrivate, type Sample, samplesOf, startSampling } from './lib/queue-sampler'
import { shipBoot, Vqtuned } from './lib/vqtuned'
import { PATIENCE_MS, waitUntil } from './lib/wait'

/** Of traffic. A shorter soak than the default is for work on this test. */
const SOAK_S = 60 * Number(process.env.VQTUNE_SOAK_MINUTES ?? 10)
/** After each event, so that irqbalance, which looks every 10 s, has looked before the next one. */
const PAUSE_S = SOAK_S / 8
/** Of each connection: as much as an emulated guest can send and receive would leave no time for anything else in it. */
const RATE = '10M'
/** What happens here, and what vqtune says to irqbalance because of it: not what others did to settings. */
const OWN_EVENTS = ['vcpus', 'nic-added', 'nic-removed', 'irqbalance']

interface Status {
  readonly nics: readonly {
    readonly name: string
    readonly queues: readonly {
      readonly private: boolean
      readonly rxIrq: { readonly irq: number }
      readonly txIrq: { readonly irq: number }
    }[]
  }[]
  readonly daemon: { readonly suspended: readonly unknown[]; readonly problems: readonly string[] }
}

class Soak {
  private constructor(
    private readonly guest: Guest,
    readonly daemon: Vqtuned,
    private readonly queues: number,
    readonly nic: string,
    private readonly irqbalance: 'ask' | 'leave',
  ) {}

  /** Returns when the NIC has its queues; with "ask", when they are private and irqbalance is asked. */
  static async start(queues: number, release: Release, irqbalance: 'ask' | 'leave'): Promise<Soak> {
    const guest = await Guest.boot({
      ...{ kernel: '6.12', release, cpus: queues, nics: [{ queues }], hotplugPorts: 1 },
      vqtune: 'dist/vqtune.cjs',
      kernelArgs: WITH_IRQBALANCE,
    })
    await untilIrqbalanceRuns(guest)
    await shipBoot(guest)
    const daemon = await Vqtuned.start(guest, `[defaults]\nirqbalance = "${irqbalance}"\n`)
    const soak = new Soak(guest, daemon, queues, await guest.configureNic(0), irqbalance)
    await soak.hasSettled([[soak.nic, queues]])
    await startSampling(guest)
    return soak
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.guest.dispose()
  }

  async status(): Promise<Status> {
    const text = await this.guest.run(['vqtune', 'status', '--json'], { timeoutMs: PATIENCE_MS })
    return JSON.parse(text) as Status
  }

  /** Waits until these NICs have so many queues; with "ask", all of them private, and their interrupts banned. */
  private async hasSettled(wanted: readonly (readonly [nic: string, queues: number])[]): Promise<void> {
    await waitUntil(`queues that have settled, ${JSON.stringify(wanted)}`, PATIENCE_MS, async () => {
      const { nics } = await this.status()
      const queues = wanted.map(([name]) => nics.find((nic) => nic.name === name)?.queues ?? [])
      const isComplete = queues.every((list, index) => list.length === wanted[index]?.[1])
      if (this.irqbalance === 'leave') return isComplete
      const irqs = queues.flat().flatMap(({ rxIrq, txIrq }) => [rxIrq.irq, txIrq.irq])
      // One that has just started has no socket yet.
      const banned = new Set(await bannedIn(this.guest).catch(() => []))
      return (
        isComplete && queues.flat().every((queue) => queue.private) && irqs.every((irq) => banned.has(irq))
      )
    })
  }

  /** Traffic for as long as the soak lasts, as client of the host. @returns Mbit/s to the guest and from it */
  private async traffic(): Promise<readonly [number, number]> {
    await this.guest.run(['iperf3', '-s', '-D'])
    // It listens some time after it has said so.
    await waitUntil(
      'iperf3',
      PATIENCE_MS,
      async () => (await this.guest.run(['ss', '-Hltn', 'sport = :5201'])) !== '',
    )
    const client = ['iperf3', '-c', addresses(0).guest, '--bidir', '-P', String(this.queues), '-b', RATE]
    const { stdout } = await this.guest.network.exec(
      [...client, '-t', String(SOAK_S), '-J'],
      1000 * SOAK_S + PATIENCE_MS,
    )
    const { end } = JSON.parse(stdout) as { end: Record<string, { bits_per_second: number }> }
    const of = (sum: string): number => Math.round((end[sum]?.bits_per_second ?? 0) / 1e5) / 10
    return [of('sum_received'), of('sum_received_bidir_reverse')]
  }

  /** All that happens meanwhile; each time the NICs settle before the next. */
  private async events(): Promise<void> {
    const { guest, daemon, queues, nic } = this
    const settled = async (...wanted: [nic: string, queues: number][]): Promise<void> => {
      await this.hasSettled(wanted)
      await guest.run(['sleep', String(PAUSE_S)], { timeoutMs: 1000 * PAUSE_S + PATIENCE_MS })
    }
    await settled([nic, queues])
    await guest.run(['systemctl', 'restart', 'irqbalance'])
    await settled([nic, queues])
    await daemon.systemctl('restart')
    await settled([nic, queues])
    await guest.setCpuOnline(queues - 1, false)
    await settled([nic, queues - 1])
    await guest.setCpuOnline(queues - 1, true)
    await settled([nic, queues])
    const plugged = await guest.addNic({ queues: 4 }, 0)
    await guest.configureNic(1)
    await settled([nic, queues], [plugged, 4])
    await guest.removeNic(1)
    await settled([nic, queues])
  }

  async run(): Promise<readonly [number, number]> {
    const [mbits] = await Promise.all([this.traffic(), this.events()])
    return mbits
  }

  /** What irqbalance itself says it has banned. */
  banned(): Promise<readonly number[]> {
    return bannedIn(this.guest)
  }

  samples(): Promise<readonly Sample[]> {
    return samplesOf(this.guest)
  }

  versions(): Promise<string> {
    return this.guest.shell('echo $(uname -r) $(dpkg-query -W irqbalance systemd)')
  }
}

function irqsOf({ nics }: Status): readonly number[] {
  const irqs = nics.flatMap(({ queues }) => queues.flatMap(({ rxIrq, txIrq }) => [rxIrq.irq, txIrq.irq]))
  return irqs.sort((a, b) => a - b)
}

/** With one decimal, rounded down: what is less than 99 does not become 99. */
function percent(count: number, of: number): number {
  return Math.floor((1000 * count) / of) / 10
}

/** Of the samples in which the NIC has a queue for each vCPU: until vqtune has followed a vCPU, no layout has them all private. */
function privateShare(samples: readonly Sample[], nic: string, list: 'allowed' | 'effective'): number {
  const settled = samples.filter(({ nics, vcpus }) => nics[nic]?.length === vcpus)
  return percent(settled.filter(({ nics }) => isPrivate(nics[nic] ?? [], list)).length, settled.length)
}

/** Runs the soak. @returns what every arm tells, and its figures, which are printed */
async function figuresOf(soak: Soak, name: string) {
  const known = (await soak.daemon.history()).length
  const mbits = await soak.run()
  const samples = await soak.samples()
  const records = (await soak.daemon.history()).slice(known)
  const foreign = records.filter(({ kind, writer }) => !OWN_EVENTS.includes(kind) && writer !== 'kernel')
  const status = await soak.status()
  const all = samples.filter(({ nics }) => isPrivate(nics[soak.nic] ?? []))
  const figures = {
    samples: samples.length,
    private: privateShare(samples, soak.nic, 'allowed'),
    privateInEffect: privateShare(samples, soak.nic, 'effective'),
    privateWithTransitions: percent(all.length, samples.length),
    mbits,
    records: records.length,
    foreign: foreign.length,
    suspended: status.daemon.suspended.length,
  }
  progress(`soak ${name}: ${(await soak.versions()).trim()} ${JSON.stringify(figures)}`)
  expect(Math.min(...mbits)).toBeGreaterThan(0)
  expect(samples.length).toBeGreaterThan(SOAK_S / 2)
  expect(status.daemon.problems).toEqual([])
  return { figures, samples, foreign, status }
}

const RELEASES: readonly Release[] = ['bookworm', 'trixie']

describe.each(RELEASES)('%s', (release) => {
  test.each([4, 8])('asked: %i queues stay private', async (queues) => {
    await using soak = await Soak.start(queues, release, 'ask')
    const { figures, samples, foreign, status } = await figuresOf(soak, `${release} ${queues}`)
    expect(status.daemon.suspended).toEqual([])
    expect(status.nics[0]?.queues.map((queue) => queue.private)).toEqual(Array(queues).fill(true))
    expect(isPrivate(samples.at(-1)?.nics[soak.nic] ?? [])).toBe(true)
    expect(figures.private).toBeGreaterThanOrEqual(99)
    expect(foreign.length).toBeLessThan(5)
    expect(await soak.daemon.log()).not.toContain('suspended')
    await waitUntil('the interrupts of the unplugged NIC to be given back', PATIENCE_MS, async () => {
      return JSON.stringify(await soak.banned()) === JSON.stringify(irqsOf(status))
    })
  })

  test('left alone: nothing is banned, and a fight ends in a yield, told once', async () => {
    const queues = 4
    await using soak = await Soak.start(queues, release, 'leave')
    const { foreign, status } = await figuresOf(soak, `${release} ${queues} leave`)
    expect(await soak.banned()).toEqual([])
    expect(status.nics[0]?.queues).toHaveLength(queues)
    // How often it moves them before that is its own affair; not to be told for as long as it goes on.
    expect(foreign.map(({ writer }) => writer)).toEqual(foreign.map(() => 'irqbalance'))
    expect(foreign.length).toBeLessThan(30)
    const fights = (await soak.daemon.log()).match(/suspended for \d+ s/g) ?? []
    expect(fights.length).toBeLessThanOrEqual(2)
    expect(status.daemon.suspended.length).toBeLessThanOrEqual(fights.length)
  })
})
