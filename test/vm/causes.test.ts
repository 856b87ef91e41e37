/**
 * Each cause of a slow NIC, made in a real guest: the report's first conclusion is the right one in at least nine of ten runs, and
 * a healthy guest gets none. What emulation cannot make is left to the unit tests: stolen time (no clock of the hypervisor tells
 * of it), requeues (the emulator takes what is sent at once), drops in the guest (the host drops before), and one vCPU that is
 * full (it starves the others).
 */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { BUNDLE } from '../support/bundle'
import { Guest } from './lib/guest'
import { besideClient, restartIperf } from './lib/iperf'
import { kernelOf } from './lib/kernels'
import { PATIENCE_MS, scaled } from './lib/wait'

const RUNS = 10
const NEEDED = 9
const QUEUES = 4

let guest: Guest
let nic: string
beforeAll(async () => {
  guest = await Guest.boot({
    kernel: kernelOf('6.12'),
    cpus: QUEUES,
    nics: [{ queues: QUEUES }],
    vqtune: BUNDLE,
  })
  nic = await guest.configureNic(0)
  await guest.run(['vqtune', 'apply'])
  await restartIperf(guest)
})
afterAll(() => guest?.dispose())

interface Conclusion {
  readonly id: string
  readonly evidence: string
}

const SECONDS = String(Math.min(6, Math.ceil(scaled(2))))

/** Conclusions of ten reports, the first of each first. */
async function reports(): Promise<readonly (readonly Conclusion[])[]> {
  const all: Conclusion[][] = []
  for (let run = 0; run < RUNS; run++) {
    const text = await guest.run(['vqtune', 'report', nic, '--json', '--window', SECONDS], {
      timeoutMs: PATIENCE_MS,
    })
    all.push(JSON.parse(text).nics[0].conclusions)
  }
  return all
}

async function expectFirst(id: string): Promise<void> {
  const all = await reports()
  const right = all.filter(([first]) => first?.id === id).length
  console.log(`${id}: first in ${right} of ${RUNS} reports`)
  expect(right, JSON.stringify(all)).toBeGreaterThanOrEqual(NEEDED)
}

/** Runs beside traffic that the host begins. @param args of its iperf3 */
const whileHost = <T>(args: readonly string[], streams: number, work: () => Promise<T>): Promise<T> =>
  besideClient(guest, streams, args, work)

/** A load that leaves every vCPU time. */
const GENTLE = ['-b', '400k', '-l', '1400']
const whileGentle = <T>(work: () => Promise<T>): Promise<T> => whileHost(GENTLE, 16, work)
/** The guest sends: what goes out counts for some causes. */
const whileSending = <T>(work: () => Promise<T>): Promise<T> =>
  whileHost(['-R', '-b', '1m', '-l', '16k'], 8, work)

test('a healthy guest, receiving or sending, has none', async () => {
  for (const traffic of [whileGentle, whileSending]) {
    await traffic(async () => {
      expect((await reports()).flat()).toEqual([])
    })
  }
})

test('another program has changed settings', async () => {
  await guest.run(['ethtool', '-L', nic, 'combined', '2'])
  try {
    await whileGentle(() => expectFirst('settings-drifted'))
  } finally {
    await guest.run(['vqtune', 'apply'])
  }
})

test('one qdisc over all queues', async () => {
  await guest.run(['tc', 'qdisc', 'replace', 'dev', nic, 'root', 'pfifo'])
  try {
    await whileSending(() => expectFirst('root-qdisc'))
  } finally {
    await guest.run(['tc', 'qdisc', 'del', 'dev', nic, 'root'])
  }
})

test('RPS that somebody left', async () => {
  const file = `/sys/class/net/${nic}/queues/rx-0/rps_cpus`
  await guest.writeFile(file, 'f')
  try {
    await whileGentle(() => expectFirst('rps-leftover'))
  } finally {
    await guest.writeFile(file, '0')
  }
})

test('an application on the vCPU of a queue', async () => {
  // The server beside it: a tap sends a connection to the queue through which the guest answered.
  await guest.shell('pkill -KILL -x iperf3; taskset -c 1 iperf3 -s -D')
  const pid = await guest.spawn(['taskset', '-c', '1', 'sh', '-c', 'while :; do :; done'])
  try {
    await whileHost(['-b', '100k', '-l', '1400'], 8, () => expectFirst('busy-application'))
  } finally {
    await guest.run(['kill', '-KILL', String(pid)])
  }
})

test('small packets that go out', async () => {
  await whileHost(['-R', '-b', '150k', '-l', '64', '-N'], 4, () => expectFirst('small-outgoing'))
})

test('offloads that are off', async () => {
  await guest.run(['ethtool', '-K', nic, 'tso', 'off', 'gso', 'off', 'gro', 'off'])
  try {
    await whileGentle(() => expectFirst('offloads-off'))
  } finally {
    await guest.run(['ethtool', '-K', nic, 'tso', 'on', 'gso', 'on', 'gro', 'on'])
  }
})
