import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Browser, inkOf, leastContrast, overflowing, VIEWS } from '../support/browser'
import { BUNDLE } from '../support/bundle'
import { expectSchema } from '../support/schema'
import { Guest } from './lib/guest'
import { addresses } from './lib/host-network'
import { besideClient, restartIperf } from './lib/iperf'
import { kernelOf } from './lib/kernels'
import { PATIENCE_MS, scaled, waitUntil } from './lib/wait'

/**
 * One guest with two NICs for all tests here; 6.1, whose driver tells packets by queue. Traffic is real; what is
 * asserted of it is what is certain whatever else the machine does.
 */
let guest: Guest
let nic: string
let other: string
let browser: Browser
const directory = mkdtempSync(join(tmpdir(), 'vqtune-report-'))

beforeAll(async () => {
  guest = await Guest.boot({
    kernel: kernelOf('6.1'),
    cpus: 4,
    nics: [{ queues: 4 }, { queues: 2 }],
    vqtune: BUNDLE,
  })
  nic = await guest.configureNic(0)
  other = await guest.nicName(1)
  await restartIperf(guest)
  browser = await Browser.start()
})
afterAll(async () => {
  await browser?.close()
  await guest?.dispose()
  rmSync(directory, { recursive: true, force: true })
})

interface ReportJson {
  readonly seconds: number
  readonly nics: {
    name: string
    channels: number
    rx: { packets: number; bytes: number; meanBytes?: number }
    tx: { packets: number; bytes: number; meanBytes?: number }
    queues: {
      rxPackets: number
      rxInterrupts: number
      txInterrupts: number
      byCpu: { interrupts: number }[]
    }[]
    evenness?: number
    qdisc?: { kind: string; requeues: number }
    conditions: { id: string; answer: string; favours?: boolean; why: string }[]
    conclusions: { id: string; evidence: string; next: string }[]
  }[]
  readonly cpus: { cpu: number; busy: number; softirqSeconds: number; squeezed: number; netRx: number }[]
  readonly flows: { sockets: number }
  readonly tcp: { sent: number; retransmitted: number }
  readonly inventory: { machine: string } | null
}

/** Seconds: a slower guest needs longer to move as much. */
const window = (seconds: number): string => String(Math.min(60, Math.ceil(scaled(seconds))))

async function report(...args: string[]): Promise<ReportJson> {
  const { code, stdout, stderr } = await guest.exec(['vqtune', 'report', '--json', ...args], {
    timeoutMs: PATIENCE_MS,
  })
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  const value = JSON.parse(stdout) as ReportJson
  expectSchema('report', value)
  return value
}

/** Runs while 8 streams come in from the host. */
const whilePouring = <T>(work: () => Promise<T>): Promise<T> => besideClient(guest, 8, [], work)

function answersOf(nicReport: ReportJson['nics'][number] | undefined): Map<string, string> {
  return new Map(nicReport?.conditions.map(({ id, answer }) => [id, answer]))
}

test('too little traffic: inconclusive, for every NIC with --all', async () => {
  const { nics } = await report('--all', '--window', window(2))
  expect(nics.map(({ name, channels }) => [name, channels])).toEqual([
    [nic, 4],
    [other, 2],
  ])
  for (const one of nics) {
    const answers = answersOf(one)
    for (const id of ['large-packets', 'many-connections', 'small-outgoing']) {
      expect(answers.get(id), `${one.name} ${id}`).toBe('inconclusive')
    }
  }
  expect(nics.map((one) => answersOf(one).get('queues-match-vcpus'))).toEqual(['yes', 'no'])
})

test('incoming streams: sizes, queues, vCPUs, flows; and a page that a browser shows well', async () => {
  const page = '/tmp/report.html'
  const { nics, cpus, flows, tcp, inventory, seconds } = await whilePouring(() =>
    report(nic, '--window', window(5), '--html', page),
  )
  expect(seconds).toBeGreaterThanOrEqual(5)
  expect(nics).toHaveLength(1)
  const [measured] = nics
  if (measured === undefined) throw new Error('no NIC')
  expect(flows.sockets).toBeGreaterThanOrEqual(9)
  // Left out when the loaded guest does not tell in time.
  if (inventory !== null) expect(inventory.machine).toContain('QEMU')
  expect(measured.rx.meanBytes).toBeGreaterThan(1000)
  expect(measured.rx.bytes).toBeGreaterThan(measured.tx.bytes)
  const packets = measured.queues.reduce((sum, { rxPackets }) => sum + rxPackets, 0)
  // Two counters that are not read at the same instant, of the same packets.
  expect(Math.abs(packets / measured.rx.packets - 1)).toBeLessThan(0.2)
  const interrupts = measured.queues.reduce((sum, queue) => sum + queue.rxInterrupts + queue.txInterrupts, 0)
  expect(interrupts).toBeGreaterThan(0)
  const arrived = measured.queues.flatMap(({ byCpu }) => byCpu.map((one) => one.interrupts))
  expect(arrived.reduce((sum, count) => sum + count, 0)).toBe(interrupts)
  expect(measured.evenness).toBeGreaterThanOrEqual(0.25)
  expect(cpus.map(({ cpu }) => cpu)).toEqual([0, 1, 2, 3])
  expect(cpus.reduce((sum, { softirqSeconds }) => sum + softirqSeconds, 0)).toBeGreaterThan(0)
  expect(cpus.reduce((sum, { netRx }) => sum + netRx, 0)).toBeGreaterThan(0)
  expect(tcp.sent).toBeGreaterThan(0)
  const answers = answersOf(measured)
  expect(answers.get('large-packets')).toBe('yes')
  expect(answers.get('many-connections')).toBe('yes')
  expect(answers.get('queues-match-vcpus')).toBe('yes')
  expect(answers.get('small-outgoing')).toBe('no')
  // An emulated vCPU may well be saturated, but nothing is set wrong.
  expect(measured.qdisc?.kind).toBe('mq')
  const concluded = measured.conclusions.map(({ id }) => id)
  for (const id of ['settings-drifted', 'root-qdisc', 'rps-leftover', 'small-outgoing', 'offloads-off']) {
    expect(concluded).not.toContain(id)
  }

  const file = join(directory, 'report.html')
  writeFileSync(file, await guest.readFile(page))
  for (const view of VIEWS) {
    const shown = await browser.openAlone(file, view)
    try {
      const { VQTUNE_TEST_SHOTS: shots } = process.env
      if (shots !== undefined) {
        await shown.screenshot({
          path: join(shots, `report-${view.width}-${view.scheme}.png`),
          fullPage: true,
        })
      }
      expect(await shown.locator('h2').first().textContent()).toBe(`${nic}: 4 channels`)
      expect(await overflowing(shown)).toEqual([])
      expect(await leastContrast(shown)).toSatisfy(({ ratio }: { ratio: number }) => ratio >= 4.5)
      // Bars of the busy queues and vCPUs have a length and colours of their own on their ground.
      const lengths = await shown
        .locator('.row rect.rx, .row rect.busy')
        .evaluateAll((bars) => bars.map((bar) => bar.getBoundingClientRect().width))
      expect(Math.max(...lengths)).toBeGreaterThan(20)
      for (const chart of ['.chart', '.map']) {
        const { colours, ground } = await inkOf(shown, chart)
        expect(colours, chart).toBeGreaterThan(10)
        expect(ground, chart).toBeLessThan(0.98)
      }
      const cells = await shown.locator('.map td[style]').allTextContents()
      expect(cells.map(Number).sort()).toEqual([...arrived].sort())
    } finally {
      await shown.close()
    }
  }
})

test('small packets that go out are a risk, and lost ones are sent again', async () => {
  const [file, args] = guest.network.wrap(['iperf3', '-s', '-1'])
  const server = execa(file, args, { reject: false, stdout: 'ignore', stderr: 'ignore' })
  try {
    await guest.run(['tc', 'qdisc', 'replace', 'dev', nic, 'root', 'netem', 'loss', '5%'])
    await guest.spawn([
      'iperf3',
      '-c',
      addresses(0).host,
      '-P',
      '4',
      '-l',
      '64',
      '-N',
      '-b',
      '200k',
      '-t',
      '86400',
    ])
    await waitUntil('iperf3 to connect', PATIENCE_MS, async () => {
      return Number(await guest.shell('ss -Htn state established | wc -l')) >= 5
    })
    const { nics, tcp } = await report(nic, '--window', window(4))
    const risk = nics[0]?.conditions.find(({ id }) => id === 'small-outgoing')
    expect(risk).toMatchObject({ answer: 'yes', favours: false })
    expect(nics[0]?.tx.meanBytes).toBeLessThan(1500)
    expect(tcp.retransmitted).toBeGreaterThan(0)
    expect(tcp.retransmitted).toBeLessThanOrEqual(tcp.sent)
    const [first, ...others] = nics[0]?.conclusions ?? []
    expect(first).toMatchObject({ id: 'root-qdisc', evidence: expect.stringMatching(/^root qdisc netem /) })
    expect(others.map(({ id }) => id)).toContain('small-outgoing')
  } finally {
    await guest.run(['tc', 'qdisc', 'del', 'dev', nic, 'root'])
    server.kill('SIGKILL')
    await server
    await restartIperf(guest)
  }
})

test('on a terminal it counts down, and draws queues, vCPUs and their load', async () => {
  const shown = await whilePouring(() =>
    guest.run(['script', '-qec', `vqtune report ${nic} --window 5`, '/dev/null'], { timeoutMs: PATIENCE_MS }),
  )
  expect(shown).toContain('\rmeasuring, 5 s left')
  expect(shown).toMatch(/\rmeasuring, [1-4] s left/)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colours of the terminal
  const lines = shown.replace(/\u001b\[[0-9;]*[mK]/g, '').split(/\r?\n/)
  expect(
    lines.filter((line) =>
      /^ {2}queue \d +[█▏▎▍▌▋▊▉·]{20} \d+ interrupts, \d+ rx and \d+ tx packets -> CPU \d/.test(line),
    ),
  ).toHaveLength(4)
  expect(
    lines.filter((line) =>
      /^CPU \d +[█▏▎▍▌▋▊▉·]{20} +\d+ % busy, softirq [\d.]+ s, .*squeezed \d+/.test(line),
    ),
  ).toHaveLength(4)
  expect(lines.some((line) => line.includes('█'))).toBe(true)
  expect(lines.some((line) => /^ {2}yes +packets are large: mean \d+ bytes, incoming/.test(line))).toBe(true)
})
