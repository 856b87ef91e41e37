import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { expectSchema } from '../support/schema'
import { Guest } from './lib/guest'
import { addresses } from './lib/host-network'
import { restartIperf, startClient } from './lib/iperf'
import { kernelOf } from './lib/kernels'
import { Vqtuned } from './lib/vqtuned'
import { PATIENCE_MS, waitUntil } from './lib/wait'

/**
 * One guest for all tests here. In emulation as many queues as you like move the same, and a busy machine less of it. Limits on
 * the tap's queues decide whatever the machine does: equal ones make more queues faster, unequal ones fewer.
 */
const QUEUES = 8
let guest: Guest
let nic: string

beforeAll(async () => {
  guest = await Guest.boot({
    kernel: kernelOf('6.12'),
    cpus: QUEUES,
    nics: [{ queues: QUEUES }],
    vqtune: 'dist/vqtune.cjs',
  })
  nic = await guest.configureNic(0)
  await restartIperf(guest)
  await guest.run(['vqtune', 'apply'])
})
afterAll(async () => {
  await guest?.dispose()
})

async function channels(): Promise<number> {
  return Number(await guest.run(['sh', '-c', `ls -d /sys/class/net/${nic}/queues/tx-* | wc -l`]))
}

/** Traffic from the host to the guest; ends with the returned function. */
const pour = (): (() => Promise<void>) => startClient(guest, ['-P', '8'])

interface TrialJson {
  readonly verdict: string
  readonly channels: number
  readonly present: number
  readonly why: string
  readonly rounds: number
  readonly analyses: { rounds: number }[]
  readonly comparisons: { channels: number; finding: string; rate: { estimate: number } }[]
  readonly runs: { channels: number; bytes: number; seconds: number; cpuSeconds: number }[]
}

function show(name: string, trial: TrialJson): void {
  const ratios = trial.comparisons.map(
    (one) => `${one.channels}: x${one.rate.estimate.toFixed(2)} ${one.finding}`,
  )
  process.stderr.write(
    `${name}: ${trial.verdict} after ${trial.rounds} rounds, ${trial.why} [${ratios.join('; ')}]\n`,
  )
}

/** Traffic from the host that lasts as long as the trial. */
async function trialUnderLoad(...args: string[]): Promise<TrialJson> {
  const stop = pour()
  try {
    const { code, stdout, stderr } = await guest.exec(
      ['vqtune', 'trial', nic, '--counts', `1,${QUEUES}`, '--window', '0.5', '--json', ...args],
      { timeoutMs: 300_000 },
    )
    expect(stderr).toBe('')
    expect(code).toBe(0)
    const trial = JSON.parse(stdout) as TrialJson
    expectSchema('trial', trial)
    return trial
  } finally {
    await stop()
  }
}

/** The rate of each of the tap's queues, as tc has it. */
async function limitQueues(rates: readonly string[]): Promise<void> {
  const tc = async (...args: string[]): Promise<void> => {
    const { code, stderr } = await guest.network.exec(['tc', 'qdisc', ...args])
    expect(stderr).toBe('')
    expect(code).toBe(0)
  }
  // Packets of 1,500 bytes: some of 64 KiB each are too few for a trial to judge by, above all on a busy machine.
  const { code } = await guest.network.exec(['ethtool', '-K', 'tap0', 'tso', 'off', 'gso', 'off'])
  expect(code).toBe(0)
  await tc('add', 'dev', 'tap0', 'root', 'handle', '1:', 'mq')
  for (const [queue, rate] of rates.entries()) {
    const limit = ['tbf', 'rate', rate, 'burst', '32kb', 'latency', '50ms']
    await tc('replace', 'dev', 'tap0', 'parent', `1:${(queue + 1).toString(16)}`, ...limit)
  }
}

async function unlimitQueues(): Promise<void> {
  await guest.network.exec(['tc', 'qdisc', 'del', 'dev', 'tap0', 'root'])
  await guest.network.exec(['ethtool', '-K', 'tap0', 'tso', 'on', 'gso', 'on'])
}

test('finds that fewer queues move more when the further ones are slow, and changes nothing', async () => {
  await limitQueues(['16mbit', ...Array.from({ length: QUEUES - 1 }, () => '500kbit')])
  // The tap sends a stream to the queue that its answers come from: this keeps them off the quick one, if there are others.
  const rps = `/sys/class/net/${nic}/queues/rx-0/rps_cpus`
  await guest.writeFile(rps, (2 ** QUEUES - 2).toString(16))
  try {
    const trial = await trialUnderLoad()
    show('slow further queues', trial)
    expect(trial).toMatchObject({ present: QUEUES, verdict: 'better', channels: 1 })
    await expectUntouched(trial)
  } finally {
    await guest.writeFile(rps, '0')
    await unlimitQueues()
  }
})

/** It ended at a look, every round measured both counts, and all is as before. */
async function expectUntouched(trial: TrialJson): Promise<void> {
  expect(trial.analyses.map(({ rounds }) => rounds)).toContain(trial.rounds)
  expect(trial.runs).toHaveLength(2 * trial.rounds)
  expect(await channels()).toBe(QUEUES)
  expect((await guest.exec(['vqtune', 'status', '--check'])).code).toBe(0)
}

/** A trial in the guest that is at one channel now. */
async function trialAtOne(): Promise<number> {
  await guest.run(['vqtune', 'apply'])
  const log = '/tmp/trial.out'
  // Straight to node: the signal is for the trial, not for a wrapper.
  const pid = Number(
    await guest.run([
      'sh',
      '-c',
      `vqtune trial ${nic} --counts 1 --rounds 200 --window 2 >${log} 2>&1 & echo $!`,
    ]),
  )
  await waitUntil('the trial to try one channel', PATIENCE_MS, async () => (await channels()) === 1)
  return pid
}

async function ended(pid: number): Promise<void> {
  await waitUntil('the trial to end', PATIENCE_MS, async () => {
    return (await guest.exec(['test', '-d', `/proc/${pid}`])).code !== 0
  })
}

test('Ctrl-C, twice, restores channels and affinity', async () => {
  const before = await guest.run(['vqtune', 'status', '--json'])
  const pid = await trialAtOne()
  // Others wait: the lock is held.
  const busy = await guest.exec(['flock', '-n', '/run/vqtune/lock', 'true'])
  expect(busy.code).toBe(1)
  await guest.run(['kill', '-INT', String(pid)])
  await guest.exec(['kill', '-INT', String(pid)])
  await ended(pid)
  expect(await guest.readFile('/tmp/trial.out')).toContain('interrupted, all settings are restored')
  expect(await guest.run(['vqtune', 'status', '--json'])).toBe(before)
})

test('after kill -9 rollback repairs', async () => {
  // As after a boot: what rollback restores is what the trial found.
  await guest.run(['vqtune', 'apply'])
  await guest.run(['rm', '-f', '/run/vqtune/ledger.json'])
  const pid = await trialAtOne()
  await guest.run(['kill', '-KILL', String(pid)])
  await ended(pid)
  await guest.run(['vqtune', 'rollback'])
  expect(await channels()).toBe(QUEUES)
})

describe('beside the daemon', () => {
  let daemon: Vqtuned
  beforeAll(async () => {
    await guest.run(['vqtune', 'apply'])
    daemon = await Vqtuned.start(guest, '[defaults]\nchannels = 1\n')
  })
  afterAll(async () => {
    await daemon?.systemctl('stop')
  })

  test('finds that more queues move more when each queue of the tap is limited, and keeps them', async () => {
    await limitQueues(Array.from({ length: QUEUES }, () => '4mbit'))
    try {
      const trial = await trialUnderLoad('--keep')
      show('limited queues', trial)
      expect(trial).toMatchObject({ present: 1, verdict: 'better', channels: QUEUES })
      const dropIn = await guest.readFile(`/etc/vqtune/conf.d/50-trial-${nic}.toml`)
      expect(dropIn).toMatch(
        new RegExp(`^\\[\\[nic\\]\\]\nmatch = \\{ mac = "[0-9a-f:]{17}" \\}\nchannels = ${QUEUES}$`, 'm'),
      )
      // It stays: the daemon was told to read the drop-in, and looks again when told once more.
      await daemon.logs('the daemon to have been told', /configuration reloaded/)
      await daemon.configure('[defaults]\nchannels = 1\n')
      expect(await channels()).toBe(QUEUES)
      expect((await guest.exec(['vqtune', 'status', '--check'])).code).toBe(0)
    } finally {
      await guest.run(['rm', '-f', `/etc/vqtune/conf.d/50-trial-${nic}.toml`])
      await unlimitQueues()
    }
  })

  test('daemon and guard stand aside during a trial, and the daemon repairs what a killed one left', async () => {
    await daemon.configure('[guard]\nenabled = true\nwindow-seconds = 5\n')
    const settings = async () => {
      const { daemon: _, ...rest } = JSON.parse(await guest.run(['vqtune', 'status', '--json']))
      return rest
    }
    const [before, known, log] = [await settings(), await daemon.history(), await daemon.log()]
    const pid = await trialAtOne()
    // Longer than the daemon waits for the lock, and than the guard's window.
    await guest.letPass(12)
    expect((await guest.exec(['test', '-d', `/proc/${pid}`])).code).toBe(0)
    await guest.run(['kill', '-TERM', String(pid)])
    await ended(pid)
    expect(await guest.readFile('/tmp/trial.out')).toContain('interrupted, all settings are restored')
    expect(await settings()).toEqual(before)
    expect(await daemon.history()).toEqual(known)
    expect(await daemon.log()).toBe(log)

    const killed = await trialAtOne()
    await guest.run(['kill', '-KILL', String(killed)])
    expect(await daemon.newRecord(known.length, 'channels')).toMatchObject({
      ...{ kind: 'channels', nic, writer: 'vqtune', action: 'repaired' },
      evidence: 'set by a vqtune trial that was killed',
    })
    expect(await channels()).toBe(QUEUES)
  })
})

test('a lost gateway ends the trial', async () => {
  await guest.run(['ip', 'route', 'add', 'default', 'via', addresses(0).host])
  await waitUntil('the gateway to answer', PATIENCE_MS, () => guest.pings(addresses(0).host))
  try {
    const pid = await trialAtOne()
    await guest.network.exec(['ip', 'address', 'flush', 'dev', 'tap0'])
    await ended(pid)
    expect(await guest.readFile('/tmp/trial.out')).toContain(`gateway ${addresses(0).host} no longer answers`)
    expect(await channels()).toBe(QUEUES)
  } finally {
    await guest.network.exec(['ip', 'address', 'add', `${addresses(0).host}/24`, 'dev', 'tap0'])
    await guest.run(['ip', 'route', 'del', 'default'])
  }
})

test('a command is judged by its run time when it moves nothing, and its failure puts all back', async () => {
  const probe = ['--probe', addresses(0).host]
  const { code, stdout } = await guest.exec(
    ['vqtune', 'trial', nic, '--counts', '1', '--rounds', '5', ...probe, '--json', '--', 'sleep', '1'],
    { timeoutMs: 120_000 },
  )
  expect(code).toBe(0)
  // The pings are not what it moves.
  expect(JSON.parse(stdout)).toMatchObject({ metric: 'runs', channels: QUEUES, probe: addresses(0).host })
  const { runs } = JSON.parse(stdout) as { runs: { p99Ms: number | null }[] }
  expect(runs.length).toBe(10)
  for (const { p99Ms } of runs) expect(p99Ms).toBeGreaterThan(0)
  // No ping outlives the trial.
  expect((await guest.exec(['pgrep', '-x', 'ping'])).code).toBe(1)
  const silent = await guest.exec(['vqtune', 'trial', nic, '--probe', '192.0.2.1', '--', 'true'])
  expect(silent.code).toBe(1)
  expect(silent.stderr).toContain('--probe 192.0.2.1: ')
  const failed = await guest.exec(['vqtune', 'trial', nic, '--', 'sh', '-c', 'echo no such luck >&2; exit 7'])
  expect(failed.code).toBe(1)
  expect(failed.stderr).toContain('sh: no such luck')
  expect(await channels()).toBe(QUEUES)
})
