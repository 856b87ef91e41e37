import { describe, expect, test } from 'vitest'
import type { PlatformRemedy } from '../../../src/advice/platforms/index'
import { DEFAULT_SETTINGS } from '../../../src/config/settings'
import type { ObservedNic } from '../../../src/model'
import { type Explanation, explanationJson, explanationText } from '../../../src/output/explain'
import type { LedgerEntry } from '../../../src/planner/ledger'
import { type NicPlan, planGuest } from '../../../src/planner/plan'
import { checkQueueAffinity } from '../../../src/planner/queue-affinity'
import { paint } from '../../../src/text/paint'
import type { Writer } from '../../../src/writers/writer'
import { expectSchema } from '../../support/schema'
import { guestOf, nicOf, withSetting } from '../../support/simulated-kernel'

const ONLINE = [0, 1]
const NIC = nicOf({ ifindex: 2, maximum: 2 }, ONLINE)

const HYPERVISOR = {
  ...{ vendor: 'QEMU', product: 'q35', family: '', biosVendor: '', boardVendor: '', boardName: '' },
  ...{ chassisVendor: 'QEMU', chassisTag: '' },
}

function explained(more: Partial<Explanation> = {}, nic: ObservedNic = NIC): Explanation {
  const [nicPlan] = planGuest(guestOf(ONLINE, [nic]), DEFAULT_SETTINGS) as [NicPlan]
  return {
    ...{ nicPlan, vcpus: 2, arithmetic: 'min(vCPUs 2, host 2) = 2', limits: [], remedies: [] },
    hypervisor: HYPERVISOR,
    verdicts: checkQueueAffinity(nicPlan.nic, nicPlan.desired),
    search: { writers: [], notSearched: [] },
    ...{ audit: undefined, irqbalance: undefined, recorded: undefined, traits: [], next: 'nothing to do' },
    ...more,
  }
}
const text = (more: Partial<Explanation> = {}, nic?: ObservedNic) =>
  explanationText(explained(more, nic), paint(false))
/** The lines below a title. */
const section = (title: string, more: Partial<Explanation> = {}, nic?: ObservedNic) =>
  text(more, nic)
    .split('\n\n')
    .find((part) => part.startsWith(`${title}:`))
    ?.split('\n')
    .slice(1)
    .map((line) => line.slice(2))

test('of a NIC that is as it should be little is said', () => {
  expect(
    text().replace(/none of the \d+/, 'none of the N'),
  ).toBe(`eth2: virtio-net, virtio2 at pci 0000:00:02.0, MAC 52:54:00:00:00:02
channels: 2 now, target 2, host maximum 2
target: M = min(vCPUs 2, host 2) = 2: one per vCPU

Queues:
  each queue is private to its vCPUs

Other software that may change it:
  none of the N known writers was found

Changed by vqtune:
  nothing since boot

Slow under load: vqtune report eth2 says where the time goes
Next: nothing to do
`)
})

test('a bond, and a maximum that is not known', () => {
  const head = text({}, { ...NIC, master: 'bond0', channels: { current: 2, maximum: undefined } }).split('\n')
  expect(head[0]).toMatch(/, in bond0$/)
  expect(head[1]).toMatch(/, host maximum unknown$/)
})

test('queues that are not private say why, and a single one is shared', () => {
  const moved = withSetting(NIC, 'irq-affinity', 'queue 0 rx', '1')
  expect(section('Queues', {}, moved)?.[0]).toMatch(/^queue 0: IRQ 2000 .*CPU 1/)
  expect(section('Queues', {}, nicOf({ ifindex: 2, maximum: 1 }, ONLINE))).toEqual([
    'one queue pair, shared by all vCPUs',
  ])
})

test('limits have what to do about them', () => {
  const limits = [
    { code: 'host-maximum', text: 'the host gives 2', next: 'ask for more', onHost: true },
    { code: 'vcpus', text: 'there are 2 vCPUs', next: undefined, onHost: false },
  ] as const
  expect(section('Limited by', { limits })).toEqual([
    'the host gives 2',
    '  -> ask for more',
    'there are 2 vCPUs',
  ])
})

describe('a remedy', () => {
  const REMEDY: PlatformRemedy = {
    ...{
      platform: 'libvirt',
      title: 'libvirt',
      multiqueue: true,
      reaches: 4,
      tried: null,
      source: 'its manual',
    },
    steps: [
      { text: 'edit it', lines: ['virsh edit g'] },
      { text: 'save it', lines: [] },
    ],
    ...{ powerOff: true, powerOffHow: 'Use virsh.', notes: ['At most 256.'], check: ['ethtool -l eth2'] },
  }

  test('is steps, the power-off, where it is from and what to check', () => {
    expect(section('How to get more queue pairs from libvirt', { remedies: [REMEDY] })).toEqual([
      '1. edit it:',
      '     virsh edit g',
      '2. save it',
      'This needs a full power-off; a reboot is not enough. Use virsh.',
      'At most 256.',
      'Not tried by us. Source: its manual.',
      'Afterwards, in this guest:',
      '     ethtool -l eth2',
    ])
  })

  test('of a second platform is another possibility, and one without multi-queue says so', () => {
    const tried = { ...REMEDY, title: 'oVirt', tried: 'on 4.5', powerOff: false }
    const lines = section('Or, if this is oVirt', { remedies: [REMEDY, tried] })
    expect(lines).toContain('Tried: on 4.5. Source: its manual.')
    expect(lines?.[3]).toBe('Use virsh.')
    const none = { ...REMEDY, title: 'Hyper-X', multiqueue: false }
    const title = 'Hyper-X has no multi-queue, so there is nothing to ask for; what helps instead'
    expect(section(title, { remedies: [none] })).toHaveLength(8)
  })
})

describe('another writer', () => {
  const writer = (more: Partial<Writer>): Writer => ({
    ...{ writer: 'cron', where: '/etc/crontab:1', what: 'runs it', tunable: 'channels', matches: 'yes' },
    ...{ remedy: 'remove it' },
    ...more,
  })
  const shown = (more: Partial<Writer>) =>
    section('Other software that may change it', {
      search: { writers: [writer(more)], notSearched: [] },
    })?.[0]

  test.each<[Partial<Writer>, string]>([
    [{}, 'cron (/etc/crontab:1): runs it'],
    [{ matches: 'maybe' }, 'possibly cron (/etc/crontab:1): runs it'],
    [{ matches: 'unreadable' }, 'unknown: cron (/etc/crontab:1): runs it'],
    [{ value: '2' }, 'cron (/etc/crontab:1): runs it; as the target'],
    [{ value: '1' }, 'cron (/etc/crontab:1): runs it; the target is 2'],
  ])('%j', (more, line) => {
    expect(shown(more)).toBe(line)
  })

  test('has a remedy; what was not searched, and auditd, come last', () => {
    const search = { writers: [writer({})], notSearched: ['/etc/x: too large'] }
    expect(
      section('Other software that may change it', { search, audit: 'auditd can record it' })?.slice(1),
    ).toEqual(['  -> remove it', 'not searched: /etc/x: too large', 'auditd can record it'])
  })
})

describe('what vqtune changed', () => {
  const channels = (combined: string) => ({ channels: { combined } })
  const UNCONFIRMED = {
    confirmed: channels('1'),
    until: '10:05',
    untilMs: 1,
    watcher: { pid: 1, startTicks: '1' },
  }
  test.each<[Partial<LedgerEntry>, readonly string[]]>([
    [{}, ['nothing since boot']],
    [
      { original: channels('1'), applied: channels('2') },
      ['channels 1 -> 2, at 10:00', 'to restore the original values: vqtune rollback eth2'],
    ],
    [
      {
        original: { xps: { 'queue 0': '0', 'queue 1': '1' } },
        applied: { xps: { 'queue 0': '1', 'queue 1': '0' } },
      },
      [expect.stringMatching(/^2 XPS .*, at 10:00$/), 'to restore the original values: vqtune rollback eth2'],
    ],
    [
      { original: channels('2'), applied: channels('2') },
      ['no value differs from before, at 10:00', 'to restore the original values: vqtune rollback eth2'],
    ],
    [{ original: channels('1') }, ['started at 10:00 and interrupted; before it: channels 1']],
    [{ original: {} }, ['started at 10:00 and interrupted; before it: channels unknown']],
    [{ held: true }, ['rolled back at 10:00, held until the next boot or vqtune apply']],
    [
      { held: true, heldWhy: 'no carrier' },
      ['reverted (no carrier) at 10:00, held until the next boot or vqtune apply'],
    ],
    [
      { held: true, trial: '09:00', original: channels('1') },
      ['a trial began at 09:00: it is running or was killed; before vqtune: channels 1'],
    ],
    [
      { unconfirmed: UNCONFIRMED },
      ['channels are unconfirmed until 10:05: without carrier or gateway it goes back to channels 1'],
    ],
    [
      { unconfirmed: { ...UNCONFIRMED, lost: 'the gateway was lost' } },
      ['the gateway was lost: being reverted to channels 1; vqtune apply goes on with it'],
    ],
  ])('%j', (more, lines) => {
    const recorded: LedgerEntry = {
      ...{ virtio: 'virtio2', ifindex: 2, name: 'eth2', mac: NIC.mac, at: '10:00' },
      ...more,
    }
    expect(section('Changed by vqtune', { recorded })).toEqual(lines)
  })
})

test('irqbalance and the kernel are told where there is something to tell', () => {
  const all = text({
    irqbalance: { pid: 812, nics: [], problem: 'no socket' },
    traits: [{ trait: 'rss-table', label: 'RSS table', value: 'follows', seen: 'it names 2' }],
  })
  expect(all).toContain(
    '\n\nirqbalance: running (PID 812), not asked to leave any interrupt alone: no socket\n',
  )
  expect(all).toContain('\n\nWhat this kernel does, by what it shows:\n  RSS table: follows (it names 2)\n')
})

test('as JSON, what is not there is null', () => {
  const writer: Writer = {
    ...{
      writer: 'cron',
      where: '/x',
      what: 'y',
      tunable: 'channels',
      matches: 'yes',
      remedy: 'z',
      value: '1',
    },
  }
  const json = JSON.parse(
    JSON.stringify({
      version: 1,
      ...explanationJson(explained({ search: { writers: [writer], notSearched: [] } })),
    }),
  )
  expectSchema('explain', json)
  expect(json).toMatchObject({
    name: 'eth2',
    channels: { current: 2, target: 2, arithmetic: 'min(vCPUs 2, host 2) = 2' },
    queues: [{ queue: 0, private: true, problems: [] }, { queue: 1 }],
    writers: [{ writer: 'cron', value: '1', agrees: false }],
    ...{ irqbalance: null, audit: null, ledger: null, kernel: [], next: 'nothing to do' },
  })
})
