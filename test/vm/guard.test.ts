/** The guard and commit-confirm of the daemon in a real guest, with traffic that more queues really slow down. */
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { DriftRecord } from '../../src/drift/history'
import { Guest } from './lib/guest'
import { addresses } from './lib/host-network'
import { waitUntil } from './lib/wait'

const CONFIG = '/etc/vqtune/vqtune.toml'
const GUARD = '[guard]\nenabled = true\nwindow-seconds = 5\n'
const ONE = '[defaults]\ncap = 1\n'
/** Two cycles of at most 7.5 s each way, on an emulated guest that loses time. */
const PATIENCE_MS = 120_000

let guest: Guest
let nic: string

beforeAll(async () => {
  guest = await Guest.boot({ kernel: '6.12', cpus: 4, nics: [{ queues: 4 }], vqtune: 'dist/vqtune.cjs' })
  nic = await guest.configureNic(0)
  await guest.spawn(['iperf3', '-s', '-D'])
  await guest.writeFile(CONFIG, GUARD + ONE)
  await startDaemon()
})
afterAll(() => guest?.dispose())

async function startDaemon(): Promise<void> {
  await guest.run(
    [
      ...['systemd-run', '--unit=vqtuned-test', '--property=Type=notify', '--property=NotifyAccess=all'],
      ...['--property=ExecReload=/bin/kill -HUP $MAINPID', '--property=SyslogIdentifier=vqtune'],
      ...['--property=TimeoutStartSec=120', '/usr/local/bin/vqtune', 'daemon'],
    ],
    { timeoutMs: 150_000 },
  )
}

async function configure(text: string): Promise<void> {
  await guest.writeFile(CONFIG, GUARD + text)
  await guest.run(['systemctl', 'reload', 'vqtuned-test'])
}

async function channels(): Promise<number> {
  return Number(await guest.run(['sh', '-c', `ls -d /sys/class/net/${nic}/queues/tx-* | wc -l`]))
}

function log(): Promise<string> {
  return guest.journal(['-t', 'vqtune', '-o', 'cat'])
}

async function logged(text: string, times = 1): Promise<void> {
  await waitUntil(`the journal to say ${times} times: ${text}`, PATIENCE_MS, async () => {
    return (await log()).split(text).length > times
  })
}

async function history(action: DriftRecord['action']): Promise<readonly DriftRecord[]> {
  const { drift } = JSON.parse(await guest.run(['vqtune', 'drift', '--json'])) as { drift: DriftRecord[] }
  return drift.filter((record) => record.action === action)
}

/**
 * Sixteen streams of UDP to the guest. Nothing comes back on them, so that the tap spreads them over the queues by their
 * hash. Ends with the returned function.
 */
async function pour(): Promise<() => Promise<void>> {
  const stream = ['-u', '-b', '2M', '-l', '1400', '-P', '16', '-t', '600']
  const [file, args] = guest.network.wrap(['iperf3', '-c', addresses(0).guest, ...stream])
  const client = execa(file, args, { reject: false, stdout: 'ignore', stderr: 'ignore' })
  const bytes = async () => Number(await guest.readFile(`/sys/class/net/${nic}/statistics/rx_bytes`))
  const start = await bytes()
  await waitUntil('traffic to flow', 30_000, async () => (await bytes()) > start + 1_000_000)
  return async () => {
    client.kill('SIGKILL')
    await client
    await guest.exec(['pkill', '-x', 'iperf3'])
    await guest.spawn(['iperf3', '-s', '-D'])
  }
}

/** All queues of the tap but the first get 0.2 Mb/s. */
async function slowDownFurtherQueues(): Promise<void> {
  const tc = async (...args: string[]): Promise<void> => {
    const { code, stderr } = await guest.network.exec(['tc', 'qdisc', ...args])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  }
  await tc('add', 'dev', 'tap0', 'root', 'handle', '1:', 'mq')
  for (const queue of [2, 3, 4]) {
    const limit = ['tbf', 'rate', '200kbit', 'burst', '16kb', 'latency', '50ms']
    await tc('replace', 'dev', 'tap0', 'parent', `1:${queue}`, ...limit)
  }
}

/** The daemon has seen a whole window at the present count. */
async function filledWindow(): Promise<void> {
  const uptime = async () => Number((await guest.readFile('/proc/uptime')).split(' ')[0])
  const start = await uptime()
  await waitUntil('a window to pass in the guest', PATIENCE_MS, async () => (await uptime()) > start + 8)
}

describe('the guard', () => {
  test('keeps more channels that do no harm', async () => {
    const stop = await pour()
    try {
      await filledWindow()
      await configure('')
      await logged(`${nic}: 1 -> 4 channels kept by the guard: not clearly worse: `)
      expect(await channels()).toBe(4)
      expect(await log()).not.toContain('the guard compares')
    } finally {
      await stop()
    }
  })

  test('does not take the end of the load for a regression', async () => {
    await configure(ONE)
    await waitUntil('one channel', PATIENCE_MS, async () => (await channels()) === 1)
    const stop = await pour()
    await filledWindow()
    await stop()
    await configure('')
    await logged(
      `${nic}: 1 -> 4 channels not judged by the guard: less than 50 packets/s: too little traffic`,
    )
    expect(await channels()).toBe(4)
    expect(await log()).not.toContain('the guard compares')
    expect(await history('stepped-back')).toEqual([])
  })

  test('steps back from a regression, says why, and tries again only when conditions change', async () => {
    await configure(ONE)
    await waitUntil('one channel', PATIENCE_MS, async () => (await channels()) === 1)
    await slowDownFurtherQueues()
    const stop = await pour()
    try {
      await filledWindow()
      await configure('')
      await logged(`${nic}: stepped back by the guard, 4 -> 1 channels: `)
      const why = /[\d.]+ instead of [\d.]+ Mb\/s with 4 instead of 1 channels, and so 2 times in turn/
      const [record, ...more] = await history('stepped-back')
      process.stderr.write(`${record?.why}\n`)
      expect(more).toEqual([])
      expect(record).toMatchObject({
        kind: 'channels',
        nic,
        old: '4',
        new: '1',
        writer: 'vqtune',
        evidence: 'guard',
      })
      expect(record?.why).toMatch(why)
      const writes = (await log()).match(/channels (\d -> \d) \(/g) ?? []
      expect(writes.slice(-4)).toEqual(
        ['1 -> 4', '4 -> 1', '1 -> 4', '4 -> 1'].map((step) => `channels ${step} (`),
      )
      expect(await guest.readFile('/run/vqtune/vqtune.prom')).toContain(
        `vqtune_guard_step_backs_total{nic="${nic}"} 1`,
      )

      // Everybody knows, nobody calls it drift, and nobody tries again, not even a new daemon.
      const { code, stdout } = await guest.exec(['vqtune', 'status', '--check'])
      expect({ code, stdout }).toMatchObject({
        code: 0,
        stdout: expect.stringMatching(/: 1 of 1 channels \(stepped back by the guard\)/),
      })
      expect(await guest.run(['vqtune', 'explain', nic])).toContain('the guard keeps 1 of 4 channels')
      expect(await guest.run(['vqtune', 'apply', '--unattended'])).toMatch(
        /channels skipped: stepped back by the guard: .*; vqtune apply \S+ tries 4 again/,
      )
      await guest.run(['systemctl', 'restart', 'vqtuned-test'], { timeoutMs: 120_000 })
      expect(await channels()).toBe(1)

      await filledWindow()
      await guest.setCpuOnline(3, false)
      await waitUntil('three channels for three vCPUs', PATIENCE_MS, async () => (await channels()) === 3)
      await logged(`${nic}: stepped back by the guard, 3 -> 1 channels: `)
      expect(await channels()).toBe(1)

      await guest.run(['vqtune', 'apply'], { timeoutMs: 60_000 })
      expect(await channels()).toBe(3)
      expect(await guest.run(['vqtune', 'status'])).toContain('3 of 3 channels')
    } finally {
      await stop()
      await guest.setCpuOnline(3, true)
      await guest.network.exec(['tc', 'qdisc', 'del', 'dev', 'tap0', 'root'])
    }
  })
})

test('commit-confirm of the daemon: channels that cut off the gateway go back, and the NIC is held', async () => {
  await configure(`commit-confirm-seconds = 20\n${ONE}`)
  await waitUntil('one channel', PATIENCE_MS, async () => (await channels()) === 1)
  await guest.run(['ip', 'route', 'add', 'default', 'via', addresses(0).host])
  await guest.run(['ping', '-q', '-c', '1', '-w', '10', addresses(0).host])
  try {
    // The guest's entry still says that the gateway lives.
    await guest.network.exec(['ip', 'address', 'flush', 'dev', 'tap0'])
    await configure('commit-confirm-seconds = 20\n')
    await logged(
      `${nic}: the default gateway ${addresses(0).host} no longer answers after the change: back to 1`,
    )
    expect(await channels()).toBe(1)
    const records = await history('put-back')
    expect(records).toMatchObject([{ nic, old: '4', new: '1', writer: 'vqtune', evidence: 'commit-confirm' }])
    expect(await guest.run(['vqtune', 'status', nic])).toContain('left alone, put back: the default gateway')
    expect(await guest.readFile('/run/vqtune/vqtune.prom')).toContain(
      `vqtune_confirm_put_backs_total{nic="${nic}"} 1`,
    )
  } finally {
    await guest.network.exec(['ip', 'address', 'add', `${addresses(0).host}/24`, 'dev', 'tap0'])
  }
  // An administrator tunes it again, and does not wait once the gateway has answered.
  await guest.run(['ping', '-q', '-c', '1', '-w', '20', addresses(0).host])
  const applied = await guest.exec(['vqtune', 'apply'], { timeoutMs: 120_000 })
  expect(applied).toMatchObject({ code: 0, stderr: '' })
  expect(applied.stdout).toContain(`${nic}: the gateway answered through every transmit queue`)
  expect(await channels()).toBe(4)
})
