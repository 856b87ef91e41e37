/**
 * Random events on a guest in memory, with vqtune's own apply, rollback and daemon at work, against the invariants of
 * docs/invariants.md. Time is simulated, so a sequence of minutes takes milliseconds.
 */
import fc from 'fast-check'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { DEFAULT_SETTINGS, type Settings } from '../../src/config/settings'
import { RUNS } from './lib/check'
import { World } from './lib/model-world'
import type { Nic } from './lib/simulated-guest'

vi.mock('node:timers/promises', async (original) => ({
  ...(await original<typeof import('node:timers/promises')>()),
  setTimeout: (await import('./lib/virtual-time')).sleep,
}))
vi.mock('../../src/system/uptime', async () => {
  const { time } = await import('./lib/virtual-time')
  return { uptimeMs: () => time.now }
})
vi.mock('../../src/kernel/process-identity', async (original) => {
  const { currentProcess, time } = await import('./lib/virtual-time')
  return {
    ...(await original<typeof import('../../src/kernel/process-identity')>()),
    ownProcess: () => ({ pid: currentProcess().pid, startTicks: '1' }),
    isRunning: (_: unknown, { pid }: { pid: number }) => time.processes.get(pid)?.alive === true,
  }
})
vi.mock('../../src/system/lock', async () => {
  const { takeVirtualLock } = await import('./lib/virtual-time')
  const { VqtuneError } = await import('../../src/errors')
  return {
    takeLock: (_: unknown, __: string, waitMs = 10_000) =>
      takeVirtualLock(waitMs).catch((error: Error) => {
        throw new VqtuneError('busy', error.message)
      }),
  }
})
vi.mock('../../src/config/load', () => ({ loadSettings: async () => world?.settings }))
vi.mock('../../src/drift/history', async (original) => ({
  ...(await original<typeof import('../../src/drift/history')>()),
  appendHistory: () => {},
}))

let world: World | undefined
beforeAll(async () => {
  const { time } = await import('./lib/virtual-time')
  // Loaded late by what is tested, which no clock of ours would wait for.
  await Promise.all([
    import('../../src/commands/apply-confirm'),
    import('../../src/daemon/suspensions'),
    import('../../src/system/lock'),
  ])
  vi.spyOn(performance, 'now').mockImplementation(() => time.now)
})
afterAll(() => {
  vi.restoreAllMocks()
})

class Event implements fc.AsyncCommand<object, World> {
  constructor(
    private readonly name: string,
    private readonly work: (world: World) => Promise<void> | void,
  ) {}

  check(): boolean {
    return true
  }

  async run(_: object, real: World): Promise<void> {
    await this.work(real)
    real.check()
  }

  toString(): string {
    return this.name
  }
}

const which = fc.nat(2)
const killed = fc.option(fc.nat(8), { nil: undefined })
const count = fc.integer({ min: 1, max: 4 })
/** Something that happens to one NIC. */
const toNic = (name: string, work: (world: World, nic: Nic, value: number) => Promise<void> | void) =>
  fc.tuple(which, count).map(
    ([choice, value]) =>
      new Event(`${name}(${choice}, ${value})`, async (world) => {
        const nic = world.nic(choice)
        if (nic !== undefined) await work(world, nic, value)
      }),
  )

function settingsOf(
  cap: number | undefined,
  disabled: string | undefined,
  onConflict: 'reassert' | 'yield',
): Settings {
  const rules = [{ match: {}, settings: { cap, onConflict }, source: 'all' }]
  if (disabled === undefined) return { ...DEFAULT_SETTINGS, rules }
  const off = { match: { virtio: disabled }, settings: { enabled: false }, source: 'off' }
  return { ...DEFAULT_SETTINGS, rules: [...rules, off] }
}

const EVENTS = [
  fc
    .tuple(fc.option(which, { nil: undefined }), killed)
    .map(
      ([choice, after]) =>
        new Event(`apply(${choice}, killed ${after})`, (world) =>
          world.apply({}, choice === undefined ? undefined : world.nic(choice), after),
        ),
    ),
  killed.map(
    (after) =>
      new Event(`unattended(killed ${after})`, (world) =>
        world.apply({ unattended: true }, undefined, after),
      ),
  ),
  fc
    .tuple(fc.option(which, { nil: undefined }), killed)
    .map(
      ([choice, after]) =>
        new Event(`rollback(${choice}, killed ${after})`, (world) =>
          world.rollback(choice === undefined ? undefined : world.nic(choice), after),
        ),
    ),
  fc.constant(new Event('start', (world) => world.startDaemon())),
  fc.boolean().map((isKilled) => new Event(`stop(${isKilled})`, (world) => world.stopDaemon(isKilled))),
  toNic('foreign channels', async (world, nic, value) => {
    world.foreignChannels(nic, value)
    await world.event()
  }),
  toNic('foreign affinity', async (world, nic, value) => {
    world.spoil(nic)
    for (const irq of [...nic.irqs.keys()].slice(0, value)) nic.irqs.set(irq, '0')
    await world.event()
  }),
  fc.integer({ min: 1, max: 4 }).map(
    (vcpus) =>
      new Event(`vcpus(${vcpus})`, async (world) => {
        world.guest.setOnline(Array.from({ length: vcpus }, (_, cpu) => cpu))
        await world.event()
      }),
  ),
  fc.constantFrom(1, 2, 4).map(
    (maximum) =>
      new Event(`plug(${maximum})`, async (world) => {
        if (world.guest.nics.length < 4) world.guest.plug(maximum)
        await world.event()
      }),
  ),
  toNic('unplug', async (world, nic) => {
    world.guest.nics = world.guest.nics.filter((one) => one !== nic)
    await world.event()
  }),
  toNic('rename', async (world, nic, value) => {
    nic.name = `lan${nic.ifindex}${value}`
    await world.event()
  }),
  toNic('namespace', async (world, nic) => {
    nic.isVisible = !nic.isVisible
    world.forget(nic)
    await world.event()
  }),
  toNic('gateway', (world, nic, value) => world.setLimit(nic, value === 4 ? 8 : value)),
  fc.tuple(fc.option(count, { nil: undefined }), fc.option(which, { nil: undefined }), fc.boolean()).map(
    ([cap, off, yields]) =>
      new Event(`configure(${cap}, ${off}, ${yields})`, async (world) => {
        const disabled = off === undefined ? undefined : world.nic(off)?.virtio
        world.settings = settingsOf(cap, disabled, yields ? 'yield' : 'reassert')
        await world.event()
      }),
  ),
  fc
    .constantFrom(100, 3_000, 20_000, 700_000)
    .map((ms) => new Event(`time(${ms})`, (world) => world.letPass(ms))),
]

// Found by random sequences: /proc/uptime counts hundredths of a second, and the first watch, which had no gateway to lose,
// confirmed the second change.
it('a change in the same hundredth of a second as an earlier one has a watch of its own', async () => {
  const real = new World()
  world = real
  const nic = real.nic(0) as Nic
  real.setLimit(nic, 1)
  real.foreignChannels(nic, 2)
  await real.startDaemon()
  expect(nic.channels).toBe(4)
  real.foreignChannels(nic, 1)
  await real.event()
  await real.end()
  expect(nic.channels, 'reverted, since the gateway answers with one channel only').toBe(1)
})

const SEED = 4

it('holds the invariants, whatever happens in whatever order', async () => {
  let sequences = 0
  await fc.assert(
    fc.asyncProperty(fc.commands(EVENTS, { maxCommands: 30, size: 'max' }), async (commands) => {
      sequences++
      const real = new World()
      world = real
      await fc.asyncModelRun(() => ({ model: {}, real }), commands)
      await real.end()
    }),
    // The same sequences with every change, so that one is not blamed for what another has left; others in the scheduled run.
    {
      endOnFailure: false,
      numRuns: Math.min(10_000, Math.ceil(RUNS / 10)),
      ...(process.env.VQTUNE_FUZZ_RUNS === undefined ? { seed: SEED } : {}),
    },
  )
  expect(sequences).toBeGreaterThan(0)
})
