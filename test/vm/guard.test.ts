/**
 * The guard of the daemon in a real guest, with traffic that more queues really slow down; and commit-confirm, by the
 * daemon and by every kind of apply, on a host that cannot be reached through more queues.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { expectSchema } from '../support/schema'
import { Guest } from './lib/guest'
import { addresses } from './lib/host-network'
import { restartIperf, startFlow } from './lib/iperf'
import { kernelOf } from './lib/kernels'
import { STOP_POINT_ARGS, StopPoint } from './lib/stop-point'
import { Nic, Vqtuned } from './lib/vqtuned'
import { PATIENCE_MS, scaled, waitUntil } from './lib/wait'

const guarded = (windowSeconds: number) => `[guard]\nenabled = true\nwindow-seconds = ${windowSeconds}\n`
/** Long after the host has cut the NIC off. The daemon notices a loss in some seconds, and what is proven ends at once. */
const CONFIRM = `[guard]\ncommit-confirm-seconds = ${Math.min(600, Math.ceil(scaled(120)))}\n`
const ONE = '[defaults]\ncap = 1\n'
const GATEWAY = addresses(0).host

let guest: Guest
let nic: Nic
let daemon: Vqtuned

beforeAll(async () => {
  guest = await Guest.boot({
    kernel: kernelOf('6.12'),
    cpus: 4,
    nics: [{ queues: 4 }],
    vqtune: 'dist/vqtune.cjs',
    extraArgs: STOP_POINT_ARGS,
  })
  nic = new Nic(guest, await guest.configureNic(0))
  await guest.run(['ip', 'route', 'add', 'default', 'via', GATEWAY])
  await gatewayAnswers()
  daemon = await Vqtuned.start(guest, CONFIRM + ONE)
})
afterAll(() => guest?.dispose())

async function said(text: string): Promise<void> {
  await waitUntil(`the journal to say: ${text}`, PATIENCE_MS, async () => (await daemon.log()).includes(text))
}

/** The verdict on a raise to four channels, of a daemon that has just been told to keep one. */
async function verdictOnFour(windowSeconds: number): Promise<string | undefined> {
  // A whole window at the present count: ten slices need eleven readings.
  await guest.letPass(windowSeconds * 1.2)

  const verdicts = async () =>
    (await daemon.log()).match(
      /\d channels (kept|not judged) by the guard: [^\n]*|reduced by the guard, /g,
    ) ?? []
  const before = (await verdicts()).length
  await daemon.configure(guarded(windowSeconds))
  let found: string | undefined
  await waitUntil('a verdict of the guard', PATIENCE_MS + 10_000 * windowSeconds, async () => {
    found = (await verdicts())[before]
    return found !== undefined
  })
  process.stderr.write(`${found}\n`)
  return found
}

/**
 * Sixteen streams of UDP to the guest. Nothing comes back on them, so that the tap spreads them over the queues by their
 * hash. Ends with the returned function.
 */
const pour = (): Promise<() => Promise<void>> =>
  startFlow(guest, nic.name, ['-u', '-b', '500K', '-l', '1400', '-P', '16'])

async function onHost(...argv: string[]): Promise<void> {
  const { code, stderr } = await guest.network.exec(argv, PATIENCE_MS)
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
}

/** All queues of the tap but the first get 50 kb/s. */
async function slowDownFurtherQueues(): Promise<void> {
  await onHost('tc', 'qdisc', 'add', 'dev', 'tap0', 'root', 'handle', '1:', 'mq')
  for (const queue of [2, 3, 4]) {
    const limit = ['tbf', 'rate', '50kbit', 'burst', '16kb', 'latency', '50ms']
    await onHost('tc', 'qdisc', 'replace', 'dev', 'tap0', 'parent', `1:${queue}`, ...limit)
  }
}

/** What a host may lose on its side: cut, and mended again. */
interface Path {
  readonly cut: () => Promise<void>
  readonly mend: () => Promise<void>
}

const gateway: Path = {
  cut: () => onHost('ip', 'address', 'flush', 'dev', 'tap0'),
  mend: () => onHost('ip', 'address', 'replace', `${GATEWAY}/24`, 'dev', 'tap0'),
}

const carrier: Path = {
  cut: async () => void (await guest.qmp.run('set_link', { name: 'nic0', up: false })),
  mend: async () => void (await guest.qmp.run('set_link', { name: 'nic0', up: true })),
}

/** The daemon raises the NIC to four channels, through which the host has no path, and says this of it. */
async function daemonLoses({ cut, mend }: Path, text: string): Promise<void> {
  await daemon.configure(CONFIRM)
  await nic.become(4)
  await cut()
  try {
    await said(text)
  } finally {
    await mend()
  }
  await gatewayAnswers()
}

async function gatewayAnswers(): Promise<void> {
  await waitUntil('the gateway to answer', PATIENCE_MS, () => guest.pings(GATEWAY))
}

describe('commit-confirm of the daemon', () => {
  test('takes back channels that cut off the gateway, also if it is killed meanwhile, and holds the NIC', async () => {
    const why = `the default gateway ${GATEWAY} no longer answers`
    // It has gone from 4 to 1 channels so lately that this is not confirmed yet.
    expect(await nic.channels()).toBe(1)
    const killed: Path = {
      ...gateway,
      cut: async () => {
        await guest.run(['systemctl', 'kill', '-s', 'KILL', 'vqtuned'])
        await gateway.cut()
      },
    }
    await daemonLoses(killed, `${nic.name}: ${why} after the change: reverted to 1 channel`)
    expect(await daemon.property('NRestarts')).toBe('1')
    expect(await nic.channels()).toBe(1)
    const records = (await daemon.history()).filter(({ action }) => action === 'reverted')
    expect(records).toMatchObject([
      { nic: nic.name, old: '4', new: '1', writer: 'vqtune', evidence: 'commit-confirm' },
    ])
    expect(await guest.run(['vqtune', 'status', nic.name])).toContain(`NIC skipped: reverted: ${why}`)
    for (const verb of ['status', 'plan', 'drift'] as const) {
      expectSchema(verb, JSON.parse(await guest.run(['vqtune', verb, '--json'])))
    }
    expect(await guest.readFile('/run/vqtune/vqtune.prom')).toContain(
      `vqtune_confirm_reverts_total{nic="${nic.name}"} 1`,
    )
  })

  test('takes back channels that cut off the carrier', async () => {
    // An administrator ends the hold, and does not wait once the gateway has answered.
    const applied = await guest.exec(['vqtune', 'apply'], { timeoutMs: PATIENCE_MS })
    expect(applied).toMatchObject({ code: 0, stderr: '' })
    expect(applied.stdout).toContain(`${nic.name}: the gateway answered through every transmit queue`)
    expect(await nic.channels()).toBe(4)
    await daemon.configure(CONFIRM + ONE)
    await nic.become(1)
    await daemonLoses(carrier, `${nic.name}: the carrier was lost after the change: reverted to 1 channel`)
    expect(await nic.channels()).toBe(1)
  })
})

describe('commit-confirm of apply', () => {
  beforeAll(async () => {
    await daemon.systemctl('stop')
    await guest.run(['ethtool', '-L', nic.name, 'combined', '2'])
    await gatewayAnswers()
  })

  /** Two channels that vqtune is to raise, and nothing that holds them there. */
  async function applyFromTwo(...options: string[]) {
    await guest.run(['ethtool', '-L', nic.name, 'combined', '2'])
    await guest.run(['rm', '-f', '/run/vqtune/ledger.json'])
    const result = await guest.exec(['vqtune', 'apply', ...options], { timeoutMs: PATIENCE_MS })
    expect(result.stdout).toContain('channels 2 -> 4')
    return result
  }
  /** The same, on a host that has no path through four queues: from the moment on when they are in use. */
  async function applyThatLoses({ cut, mend }: Path, options: readonly string[]) {
    const stop = await StopPoint.after(guest, '/usr/sbin/ethtool', `-L ${nic.name} combined 4`)
    try {
      const [result] = await Promise.all([applyFromTwo(...options), stop.whenReached(cut)])
      return result
    } finally {
      await mend()
      await stop.remove()
      await gatewayAnswers()
    }
  }
  const lost = (what: string) => `${nic.name}: ${what} after the change: reverted to 2 channels`

  test.each([
    ['by hand', []],
    ['--unattended', ['--unattended']],
  ])('%s: a lost gateway', async (_, options) => {
    const { code, stderr } = await applyThatLoses(gateway, options)
    expect(code).toBe(1)
    expect(stderr).toContain(lost(`the default gateway ${GATEWAY} no longer answers`))
    expect(await nic.channels()).toBe(2)
    // Held: a unit leaves it alone.
    await guest.run(['vqtune', 'apply', '--unattended'])
    expect(await nic.channels()).toBe(2)
  })

  test('--boot: a lost carrier', async () => {
    const { code, stderr } = await applyThatLoses(carrier, ['--boot'])
    expect(code).toBe(1)
    expect(stderr).toContain(lost('the carrier was lost'))
    expect(await nic.channels()).toBe(2)
  })

  test('ends at once, and says so, when nothing but the carrier can be lost', async () => {
    await gatewayAnswers()
    await gateway.cut()
    expect(await guest.run(['ip', 'neigh', 'show', 'to', GATEWAY])).toMatch(/lladdr/)
    // One that has answered in the last five seconds counts as living.
    await waitUntil('its last answer to be old', PATIENCE_MS, async () => {
      const entry = await guest.run(['ip', '-s', 'neigh', 'show', 'to', GATEWAY])
      return Number(/ used \d+\/(\d+)\//.exec(entry)?.[1] ?? 0) > 5
    })
    const nothing = `${nic.name}: only the carrier can be verified:`
    const there = `${nic.name}: the carrier is up\n`
    const dead = await applyFromTwo()
    expect(dead).toMatchObject({ code: 0, stderr: '' })
    expect(dead.stdout).toContain(
      `${nothing} gateway ${GATEWAY} did not answer before the change either\n${there}`,
    )
    expect(await nic.channels()).toBe(4)
    await guest.run(['ip', 'route', 'del', 'default'])
    const none = await applyFromTwo()
    expect(none).toMatchObject({ code: 0, stderr: '' })
    expect(none.stdout).toContain(`${nothing} no default gateway\n${there}`)
  })
})

describe('the guard', () => {
  /** Seconds. On a busy machine rates vary, and less so over a longer time. */
  let windowSeconds: number
  beforeAll(async () => {
    await gateway.mend()
    // Floods would drown the gateway's answers; and nothing is held any more.
    await guest.exec(['ip', 'route', 'del', 'default'])
    await guest.run(['rm', '-f', '/run/vqtune/ledger.json'])
    await restartIperf(guest)
    windowSeconds = Math.min(30, Math.ceil(scaled(5)))
    await daemon.startWith(guarded(windowSeconds) + ONE)
    await nic.become(1)
  })

  test('keeps more channels that do no harm', async () => {
    const stop = await pour()
    try {
      // The latter when something else took the machine just after the raise.
      expect(await verdictOnFour(windowSeconds)).toMatch(
        /4 channels kept by the guard: (not clearly worse|caused by the load, not by the channels): /,
      )
      await nic.become(4)
    } finally {
      await stop()
    }
  })

  test('steps back from a regression, says why, and tries again only when conditions change', async () => {
    await daemon.configure(guarded(windowSeconds) + ONE)
    await nic.become(1)
    await slowDownFurtherQueues()
    const stop = await pour()
    try {
      // In doubt, as when rates vary with what else the machine does, the guard keeps the channels.
      while ((await verdictOnFour(windowSeconds))?.startsWith('reduced by') !== true) {
        windowSeconds *= 2
        expect(windowSeconds).toBeLessThan(300)
        await daemon.configure(guarded(windowSeconds) + ONE)
        await nic.become(1)
      }
      expect(await daemon.log()).toContain(`${nic.name}: reduced by the guard, 4 -> 1 channels: `)
      const records = (await daemon.history()).filter(({ action }) => action === 'guard-reduced')
      const why = /[\d.]+ instead of [\d.]+ Mb\/s with 4 instead of 1 channels, 2 times in a row/
      expect(records).toMatchObject([
        { kind: 'channels', nic: nic.name, old: '4', new: '1', writer: 'vqtune', evidence: 'guard' },
      ])
      expect(records[0]?.why).toMatch(why)
      const writes = (await daemon.log()).match(/: channels \d -> \d/g) ?? []
      expect(writes.slice(-4)).toEqual(
        ['1 -> 4', '4 -> 1', '1 -> 4', '4 -> 1'].map((step) => `: channels ${step}`),
      )
      expect(await guest.readFile('/run/vqtune/vqtune.prom')).toContain(
        `vqtune_guard_reductions_total{nic="${nic.name}"} 1`,
      )

      process.stderr.write(`${records[0]?.why}\n`)

      // Everybody knows, nobody calls it drift, and nobody tries again, not even a new daemon.
      const { code, stdout } = await guest.exec(['vqtune', 'status', '--check'])
      expect({ code, stdout }).toMatchObject({
        code: 0,
        stdout: expect.stringMatching(/: 1 channel \(reduced by the guard\)/),
      })
      expect(await guest.run(['vqtune', 'explain', nic.name])).toContain(
        'the guard limits this NIC to 1 of 4 channels',
      )
      expect(await guest.run(['vqtune', 'apply', '--unattended'])).toMatch(
        /channels skipped: reduced by the guard: .*; vqtune apply \S+ tries 4 again/,
      )
      await daemon.systemctl('restart')
      expect(await nic.channels()).toBe(1)
      await guest.setCpuOnline(3, false)
      await nic.become(3)
    } finally {
      await stop()
      await guest.setCpuOnline(3, true)
      await onHost('tc', 'qdisc', 'del', 'dev', 'tap0', 'root')
    }
  })
})
