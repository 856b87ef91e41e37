import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, test } from 'vitest'
import {
  KERNEL_TRAITS,
  type KernelTrait,
  kernelTraits,
  type TraitInput,
  UNTOLD,
} from '../../../src/advice/kernel-traits'
import { DEFAULT_SETTINGS } from '../../../src/config/settings'
import { readDriverAnswers } from '../../../src/kernel/driver-answers'
import { observeGuest } from '../../../src/planner/observe'
import { observeAll } from '../../../src/planner/operations'
import { kernelGroup } from '../../../src/tunables/kernel-layout'
import { namedQueues } from '../../../src/tunables/rss-table'
import { capturedGuest } from '../../support/captured-guest'

const INPUT: TraitInput = {
  answers: {
    rings: { rx: 256, rxMaximum: 256, tx: 256, txMaximum: 256 },
    coalescing: ['rx-usecs', 'tx-frames'],
    counters: { spelling: 'rx_queue_N', packets: true },
    netlink: true,
    followsVcpus: true,
  },
  channels: { current: 4, maximum: 4 },
  channelsBefore: 4,
  onlineCount: 4,
  channelWriters: [],
  hasRss: false,
  hasRingReset: true,
  rssQueues: undefined,
  isOwnRssTable: false,
}

function verdict(trait: KernelTrait['trait'], change: Partial<TraitInput>): string {
  const found = kernelTraits({ ...INPUT, ...change }).find((candidate) => candidate.trait === trait)
  return `${found?.value}: ${found?.seen}`
}
const answering = (change: Partial<TraitInput['answers']>): Partial<TraitInput> => ({
  answers: { ...INPUT.answers, ...change },
})

describe('traits of a kernel', () => {
  it('come in a fixed order', () => {
    expect(kernelTraits(INPUT).map(({ trait }) => trait)).toEqual([...KERNEL_TRAITS])
  })

  it.each<[string, Partial<TraitInput>]>([
    ['one for each online vCPU, up to the maximum: 4 channels before any change by vqtune', {}],
    ['one for each online vCPU, up to the maximum: 2 channels', { channelsBefore: 2, onlineCount: 2 }],
    [
      `${UNTOLD}: 1 channel before any change by vqtune, 4 vCPUs online, host maximum 4`,
      { channelsBefore: 1 },
    ],
    [`${UNTOLD}: vqtune changed them in this boot`, { channelsBefore: undefined }],
    [`${UNTOLD}: it could use 1 channel only`, { onlineCount: 1 }],
    [`${UNTOLD}: it could use 1 channel only`, { channels: { current: 1, maximum: 1 } }],
    [`${UNTOLD}: the maximum of the host is unknown`, { channels: { current: 4, maximum: undefined } }],
    [`${UNTOLD}: tuned may have set them`, { channelWriters: ['tuned'] }],
  ])('channels at probe: %s', (expected, change) => {
    expect(verdict('channels-at-probe', change)).toContain(expected)
  })

  it.each<[string, Partial<TraitInput>]>([
    ['interrupts and XPS are laid out anew, channels are kept: ', {}],
    ['nothing is laid out anew: virtio/net:online is not in ', answering({ followsVcpus: false })],
    [`${UNTOLD}: there is no /sys/`, answering({ followsVcpus: undefined })],
  ])('vCPU hot-plug: %s', (expected, change) => {
    expect(verdict('vcpu-hotplug', change)).toContain(expected)
  })

  const rss = { hasRss: true, rssQueues: [0, 1, 2, 3] }
  it.each<[string, Partial<TraitInput>]>([
    ['none: host and driver have not agreed on RSS', {}],
    [`${UNTOLD}: ethtool -x shows no table`, { hasRss: true }],
    [`${UNTOLD}: it names 4 queues, 4 are in use: no change of channels is known`, rss],
    [`${UNTOLD}: it names 4 queues`, { ...rss, channelsBefore: undefined }],
    ['follows channels: it names 4 queues, 4 are in use, 2 before', { ...rss, channelsBefore: 2 }],
    [`${UNTOLD}: vqtune has made it anew`, { ...rss, channelsBefore: 2, isOwnRssTable: true }],
    [
      'does not follow channels, or was set by hand: it names 2 queues, 4 are in use',
      { ...rss, rssQueues: [0, 1] },
    ],
    [
      'does not follow channels, or was set by hand: it names 4 queues, 2 are in use',
      { ...rss, channels: { current: 2, maximum: 4 } },
    ],
    [
      'does not follow channels, or was set by hand: it names 1 queue, 1 is in use',
      { ...rss, rssQueues: [3], channels: { current: 1, maximum: 4 } },
    ],
  ])('RSS table: %s', (expected, change) => {
    expect(verdict('rss-table', change)).toContain(expected)
  })

  it.each<[string, Partial<TraitInput>]>([
    ['can be changed: RX 256 of 256, TX 256 of 256; host and driver have agreed on VIRTIO_F_RING_RESET', {}],
    ['cannot be changed: RX 256 of 256, TX 256 of 256; host and driver have not', { hasRingReset: false }],
    ['not shown: ethtool -g is not supported', answering({ rings: 'unsupported' })],
    [`${UNTOLD}: ethtool -g gave no answer`, answering({ rings: undefined })],
  ])('ring size: %s', (expected, change) => {
    expect(verdict('ring-size', change)).toContain(expected)
  })

  it.each<[KernelTrait['trait'], string, Partial<TraitInput>]>([
    ['coalescing', 'rx-usecs, tx-frames: ', {}],
    ['coalescing', 'none: ethtool -c is not supported', answering({ coalescing: 'unsupported' })],
    ['coalescing', 'none: ethtool -c shows no setting', answering({ coalescing: [] })],
    ['coalescing', `${UNTOLD}: ethtool -c gave no answer`, answering({ coalescing: undefined })],
    ['channel-events', 'ethtool --monitor and udev: ', {}],
    ['channel-events', 'udev: ethtool and kernel talk ioctl', answering({ netlink: false })],
    ['channel-events', `${UNTOLD}: ethtool -l gave no answer`, answering({ netlink: undefined })],
    ['queue-counters', 'rx_queue_N_packets and others: ', {}],
    [
      'queue-counters',
      'rxN_kicks and others, but no packets: ',
      answering({ counters: { spelling: 'rxN', packets: false } }),
    ],
    ['queue-counters', 'none: ethtool -S is not supported', answering({ counters: 'unsupported' })],
    ['queue-counters', `${UNTOLD}: ethtool -S names no queue`, answering({ counters: undefined })],
  ])('%s: %s', (trait, expected, change) => {
    expect(verdict(trait, change)).toContain(expected)
  })
})

/** What the captures show, which were made as test/vm/capture/guests.capture.ts says. */
const KERNELS = [
  { title: 'RHEL 8.10', booted: 'rhel8.10-4cpu-4q', changed: 'rhel8.10-changed' },
  { title: 'RHEL 9.6', booted: 'rhel9.6-4cpu-4q', changed: 'rhel9.6-changed' },
  { title: 'RHEL 10.0', booted: 'rhel10.0-4cpu-4q', changed: 'rhel10.0-changed' },
  { title: 'Debian 6.1', booted: 'debian-6.1-4cpu-4q', changed: 'debian-6.1-changed' },
  { title: 'Debian 6.12', booted: 'debian-6.12-4cpu-4q', changed: 'debian-6.12-changed' },
] as const

async function traitsOf(
  fixture: string,
  name: string,
  channelsBefore: number,
): Promise<readonly KernelTrait[]> {
  const { system } = capturedGuest(fixture)
  const guest = await observeGuest(system, observeAll(system, DEFAULT_SETTINGS))
  const nic = guest.nics.find((candidate) => candidate.name === name)
  if (nic === undefined) throw new Error(`${fixture}: no ${name}`)
  return kernelTraits({
    answers: await readDriverAnswers(system, name),
    channels: nic.channels,
    channelsBefore,
    onlineCount: guest.cpus.online.length,
    channelWriters: [],
    hasRss: nic.features.rss,
    hasRingReset: nic.features.ringReset,
    rssQueues: namedQueues(nic),
    isOwnRssTable: false,
  })
}

async function row(kernel: (typeof KERNELS)[number]): Promise<ReadonlyMap<string, string>> {
  const [booted, changed] = [
    await traitsOf(kernel.booted, 'enp0s8', 4),
    await traitsOf(kernel.changed, 'enp0s9', 4),
  ]
  const [atProbe] = booted
  return new Map([atProbe as KernelTrait, ...changed.slice(1)].map(({ label, value }) => [label, value]))
}

const DOCUMENT = fileURLToPath(new URL('../../../docs/kernels.md', import.meta.url))
const BEGIN = '<!-- observed: begin -->\n'
const END = '<!-- observed: end -->\n'

function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((cells) => cells[column]?.length ?? 0)),
  )
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |\n`
  const [head = [], ...body] = rows
  return line(head) + line(widths.map((width) => '-'.repeat(width))) + body.map(line).join('')
}

test.each(KERNELS)('$title: the layout after CPU 3 has gone', async ({ changed }) => {
  const { system } = capturedGuest(changed)
  const { nics } = await observeGuest(system, observeAll(system, DEFAULT_SETTINGS))
  const settings = (nics[0]?.settings ?? []).filter(({ tunable }) => tunable === 'irq-affinity')
  expect(settings).toHaveLength(8)
  for (const { key, value } of settings)
    expect(`${key}: ${value}`).toBe(`${key}: ${kernelGroup(key, 4, [0, 1, 2])}`)
})

test('docs/kernels.md has what the captured kernels do', async () => {
  const observed = await Promise.all(KERNELS.map(row))
  const labels = [...(observed[0]?.keys() ?? [])]
  const rows = labels.flatMap((label) => {
    const values = observed.map((traits) => traits.get(label) ?? '')
    return [...new Set(values)].map((value) => {
      const those = KERNELS.filter((_, index) => values[index] === value)
      return [
        label,
        value,
        those.length === KERNELS.length ? 'all' : those.map(({ title }) => title).join(', '),
      ]
    })
  })
  const expected = table([['', 'What the kernel does', 'Kernels'], ...rows])
  const document = readFileSync(DOCUMENT, 'utf8')
  const [before = '', rest = ''] = document.split(BEGIN)
  const [found, after = ''] = rest.split(END)
  if (process.env.VQTUNE_UPDATE === '1') {
    writeFileSync(DOCUMENT, `${before}${BEGIN}\n${expected}\n${END}${after}`)
  } else expect(found).toBe(`\n${expected}\n`)
})
