import { execa } from 'execa'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Guest } from './lib/guest'
import { addresses } from './lib/host-network'
import { waitUntil } from './lib/wait'

/**
 * One guest with four queues for all tests here. Measurements are judged by what is certain: in emulation on few cores
 * more queues are slower, and a rate limit on each of the tap's queues makes more queues faster.
 */
let guest: Guest
let nic: string

beforeAll(async () => {
  guest = await Guest.boot({
    kernel: '6.1',
    cpus: 4,
    nics: [{ queues: 4 }],
    vqtune: 'dist/vqtune.cjs',
    exclusive: process.env.VQTUNE_TEST_NOISY === undefined,
  })
  nic = await guest.configureNic(0)
  await guest.spawn(['iperf3', '-s', '-D'])
  await guest.run(['vqtune', 'apply'])
})
afterAll(async () => {
  await guest?.dispose()
})

async function channels(): Promise<number> {
  return Number(await guest.run(['sh', '-c', `ls -d /sys/class/net/${nic}/queues/tx-* | wc -l`]))
}

/** Traffic from the host to the guest; ends with the returned function. */
function pour(): () => Promise<void> {
  const [file, args] = guest.network.wrap([...['iperf3', '-c', addresses(0).guest, '-P', '8', '-t', '600']])
  const client = execa(file, args, { reject: false, stdout: 'ignore', stderr: 'ignore' })
  return async () => {
    client.kill('SIGKILL')
    await client
    // The server notices the end only when it reads.
    await guest.exec(['pkill', '-x', 'iperf3'])
    await guest.spawn(['iperf3', '-s', '-D'])
  }
}

interface TrialJson {
  readonly verdict: string
  readonly channels: number
  readonly present: number
  readonly why: string
  readonly comparisons: { channels: number; finding: string; rate: { estimate: number } }[]
  readonly runs: { channels: number; bytes: number; seconds: number; cpuSeconds: number }[]
}

function show(name: string, trial: TrialJson): void {
  const ratios = trial.comparisons.map(
    (one) => `${one.channels}: x${one.rate.estimate.toFixed(2)} ${one.finding}`,
  )
  process.stderr.write(`${name}: ${trial.verdict}, ${trial.why} [${ratios.join('; ')}]\n`)
}

test('never finds more queues better in emulation, and changes nothing', async () => {
  const stop = pour()
  try {
    const { code, stdout, stderr } = await guest.exec(
      ['vqtune', 'trial', nic, '--counts', '1,4', '--window', '1', '--json'],
      { timeoutMs: 120_000 },
    )
    expect(stderr).toBe('')
    expect(code).toBe(0)
    const trial = JSON.parse(stdout) as TrialJson
    show('emulation', trial)
    expect(trial.present).toBe(4)
    expect(trial.runs).toHaveLength(12)
    // Never that more queues win; on a quiet machine, that one wins.
    expect(['better', 'cheaper', 'inconclusive']).toContain(trial.verdict)
    if (trial.verdict === 'better') expect(trial.channels).toBe(1)
    expect(await channels()).toBe(4)
    expect((await guest.exec(['vqtune', 'status', '--check'])).code).toBe(0)
  } finally {
    await stop()
  }
})

test('finds that more queues move more when each queue of the tap is limited, and keeps them', async () => {
  const { network } = guest
  const tc = async (...args: string[]): Promise<void> => {
    const { code, stderr } = await network.exec(['tc', 'qdisc', ...args])
    expect(stderr).toBe('')
    expect(code).toBe(0)
  }
  await tc('add', 'dev', 'tap0', 'root', 'handle', '1:', 'mq')
  for (const queue of [1, 2, 3, 4]) {
    const limit = ['tbf', 'rate', '4mbit', 'burst', '32kb', 'latency', '50ms']
    await tc('replace', 'dev', 'tap0', 'parent', `1:${queue}`, ...limit)
  }
  await guest.run(['ethtool', '-L', nic, 'combined', '1'])
  const stop = pour()
  try {
    const { code, stdout } = await guest.exec(
      [...['vqtune', 'trial', nic, '--counts', '1,4', '--window', '1'], ...['--keep', '--json']],
      { timeoutMs: 120_000 },
    )
    expect(code).toBe(0)
    const trial = JSON.parse(stdout) as TrialJson
    show('limited queues', trial)
    expect(trial).toMatchObject({ present: 1, verdict: 'better', channels: 4 })
    const dropIn = await guest.readFile(`/etc/vqtune/conf.d/50-trial-${nic}.toml`)
    expect(dropIn).toMatch(/^\[\[nic\]\]\nmatch = \{ mac = "[0-9a-f:]{17}" \}\nchannels = 4$/m)
    expect(await channels()).toBe(4)
    expect((await guest.exec(['vqtune', 'config', 'check'])).code).toBe(0)
  } finally {
    await stop()
    await guest.run(['rm', '-f', `/etc/vqtune/conf.d/50-trial-${nic}.toml`])
    await network.exec(['tc', 'qdisc', 'del', 'dev', 'tap0', 'root'])
  }
})

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
  await waitUntil('the trial to try one channel', 60_000, async () => (await channels()) === 1)
  return pid
}

async function ended(pid: number): Promise<void> {
  await waitUntil('the trial to end', 60_000, async () => {
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
  expect(await guest.readFile('/tmp/trial.out')).toContain('stopped by a signal')
  expect(await guest.run(['vqtune', 'status', '--json'])).toBe(before)
})

test('after kill -9 rollback and apply repair', async () => {
  // As after a boot: what rollback restores is what the trial found.
  await guest.run(['vqtune', 'apply'])
  await guest.run(['rm', '-f', '/run/vqtune/ledger.json'])
  const pid = await trialAtOne()
  await guest.run(['kill', '-KILL', String(pid)])
  await ended(pid)
  await guest.run(['vqtune', 'rollback'])
  expect(await channels()).toBe(4)
  const again = await trialAtOne()
  await guest.run(['kill', '-KILL', String(again)])
  await ended(again)
  await guest.run(['vqtune', 'apply'])
  expect(await channels()).toBe(4)
  expect((await guest.exec(['vqtune', 'status', '--check'])).code).toBe(0)
})

test('a lost gateway ends the trial', async () => {
  await guest.run(['ip', 'route', 'add', 'default', 'via', addresses(0).host])
  try {
    const pid = await trialAtOne()
    await guest.network.exec(['ip', 'address', 'flush', 'dev', 'tap0'])
    await ended(pid)
    expect(await guest.readFile('/tmp/trial.out')).toContain(`gateway ${addresses(0).host} no longer answers`)
    expect(await channels()).toBe(4)
  } finally {
    await guest.network.exec(['ip', 'address', 'add', `${addresses(0).host}/24`, 'dev', 'tap0'])
    await guest.run(['ip', 'route', 'del', 'default'])
  }
})

test('channels that cut off the gateway go back by themselves', async () => {
  await guest.run(['vqtune', 'apply'])
  await guest.run(['ethtool', '-L', nic, 'combined', '2'])
  await guest.run(['ip', 'route', 'add', 'default', 'via', addresses(0).host])
  await guest.run(['ping', '-q', '-c', '1', addresses(0).host])
  try {
    // The guest's entry still says that the gateway lives.
    await guest.network.exec(['ip', 'address', 'flush', 'dev', 'tap0'])
    const { code, stdout, stderr } = await guest.exec(['vqtune', 'apply'], { timeoutMs: 60_000 })
    expect(stdout).toContain('channels 2 -> 4')
    expect(stderr).toContain(`gateway ${addresses(0).host} no longer answers after the change: back to 2`)
    expect(code).toBe(1)
    expect(await channels()).toBe(2)
    await guest.run(['vqtune', 'apply', '--unattended'])
    expect(await channels()).toBe(2)
  } finally {
    await guest.network.exec(['ip', 'address', 'add', `${addresses(0).host}/24`, 'dev', 'tap0'])
  }
  await guest.run(['ping', '-q', '-c', '1', '-w', '10', addresses(0).host])
  const { code, stderr } = await guest.exec(['vqtune', 'apply'], { timeoutMs: 60_000 })
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(await channels()).toBe(4)
  await guest.run(['ip', 'route', 'del', 'default'])
})

interface ReportJson {
  readonly nics: {
    name: string
    rx: { packets: number; meanBytes: number }
    queues: { rxPackets: number; rxInterrupts: number }[]
    conditions: { id: string; answer: string; why: string }[]
  }[]
  readonly flows: { sockets: number }
  readonly inventory: { machine: string } | null
}

test('the report counts flows, packets and interrupts of real traffic', async () => {
  const stop = pour()
  try {
    await waitUntil('iperf3 to connect', 60_000, async () => {
      return Number(await guest.shell('ss -Htn state established | wc -l')) >= 9
    })
    const { code, stdout, stderr } = await guest.exec(
      ['vqtune', 'report', nic, '--window', '5', '--json', '--html', '/tmp/report.html'],
      { timeoutMs: 120_000 },
    )
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const report = JSON.parse(stdout) as ReportJson
    const [measured] = report.nics
    process.stderr.write(
      `${JSON.stringify(measured?.conditions.map(({ id, answer, why }) => [id, answer, why]))}\n`,
    )
    expect(report.flows.sockets).toBeGreaterThanOrEqual(9)
    // Left out when the loaded guest does not tell in time.
    if (report.inventory !== null) expect(report.inventory.machine).toContain('QEMU')
    expect(measured?.rx.packets).toBeGreaterThan(0)
    const packets = measured?.queues.reduce((sum, { rxPackets }) => sum + rxPackets, 0) ?? 0
    // Two counters that are not read at the same instant, of the same packets.
    expect(Math.abs(packets / (measured?.rx.packets ?? 1) - 1)).toBeLessThan(0.2)
    expect(measured?.queues.some(({ rxInterrupts }) => rxInterrupts > 0)).toBe(true)
    const answers = new Map(measured?.conditions.map(({ id, answer }) => [id, answer]))
    expect(answers.get('queues-match-vcpus')).toBe('yes')
    expect(['yes', 'inconclusive']).toContain(answers.get('many-connections'))
    const page = await guest.readFile('/tmp/report.html')
    expect(page).toMatch(/^<!doctype html>[\s\S]*<svg [\s\S]*<\/html>$/)
    expect(page).toContain(nic)
  } finally {
    await stop()
  }
})

test('a command is judged by its run time when it moves nothing, and its failure puts all back', async () => {
  const { code, stdout } = await guest.exec(
    ['vqtune', 'trial', nic, '--counts', '1,4', '--rounds', '5', '--json', '--', 'sleep', '0.1'],
    { timeoutMs: 60_000 },
  )
  expect(code).toBe(0)
  expect(JSON.parse(stdout)).toMatchObject({ yardstick: 'runs', verdict: 'inconclusive', channels: 4 })
  const failed = await guest.exec(['vqtune', 'trial', nic, '--', 'sh', '-c', 'echo no such luck >&2; exit 7'])
  expect(failed.code).toBe(1)
  expect(failed.stderr).toContain('sh: no such luck')
  expect(await channels()).toBe(4)
})
