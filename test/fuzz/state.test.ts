/** vqtune's own files: whatever is in them, they are read whole, refused in one line, or passed over. */
import fc from 'fast-check'
import { describe, expect } from 'vitest'
import { type DaemonState, readState } from '../../src/daemon/state'
import { readView } from '../../src/daemon/view'
import { classifyDrift } from '../../src/drift/classify'
import { afterReversal, isBackedOff, withTime } from '../../src/drift/conflict'
import { type DriftRecord, parseHistory, parseSince } from '../../src/drift/history'
import { parseBackup } from '../../src/hypervisor/change/backup'
import { formatCpuList, parseCpuList } from '../../src/kernel/cpulist'
import { daemonJson, daemonText } from '../../src/output/daemon-view'
import {
  type Ledger,
  withApplied,
  withHeld,
  withOriginals,
  withoutHold,
  withoutOriginals,
} from '../../src/planner/ledger'
import { parseLedger } from '../../src/planner/ledger-format'
import { planRestore } from '../../src/planner/operations'
import { newestLines } from '../../src/system/line-log'
import { schema } from '../support/schema'
import { guestOf, nicOf } from '../support/simulated-kernel'
import { systemReading } from '../support/systems'
import { holds, must, parsedOrRefused } from './lib/check'
import { alteredJson, cpuList, damaged, mac, word } from './lib/texts'

const at = fc
  .date({ min: new Date(0), max: new Date('2100-01-01'), noInvalidDate: true })
  .map((date) => date.toISOString())
const cpus = cpuList.map(formatCpuList)
const queue = fc.nat(5).map((n) => `queue ${n}`)
const channelCount = fc.integer({ min: 1, max: 256 })
const values = fc.record(
  {
    channels: channelCount.map((count) => ({ combined: String(count) })),
    'irq-affinity': fc.dictionary(
      fc.tuple(queue, fc.constantFrom('rx', 'tx')).map((key) => key.join(' ')),
      cpus,
      {
        noNullPrototype: true,
      },
    ),
    xps: fc.dictionary(queue, cpus, { noNullPrototype: true }),
  },
  { noNullPrototype: true },
)
const entry = fc.record(
  {
    virtio: fc.nat(9).map((n) => `virtio${n}`),
    ifindex: fc.integer({ min: 1, max: 30 }),
    name: word,
    mac,
    at,
    original: values,
    applied: values,
    held: fc.boolean(),
  },
  { requiredKeys: ['virtio', 'ifindex', 'name', 'mac', 'at'] },
)
const ledger: fc.Arbitrary<Ledger> = fc.record({
  version: fc.constant(2 as const),
  bootId: fc.uuid(),
  entries: fc.array(entry, { maxLength: 4 }),
})
const online = [0, 1, 2, 3]
const guest = guestOf(online, [
  nicOf({ ifindex: 2, maximum: 8 }, online),
  nicOf({ ifindex: 3, maximum: 4, current: 2 }, online),
])
const written = withApplied(
  withHeld(
    withOriginals({ version: 2, bootId: 'boot', entries: [] }, guest, guest.nics, '2026-01-01T00:00:00.000Z'),
    guest.nics.slice(1),
    '2026-01-01T00:00:01.000Z',
  ),
  guest.nics,
  '2026-01-01T00:00:02.000Z',
)

/** JSON texts: what we write with values replaced or taken away, with characters replaced, and any other. */
const jsonLike = (value: object) =>
  fc.oneof(
    { weight: 4, arbitrary: alteredJson(value) },
    { weight: 2, arbitrary: damaged(JSON.stringify(value, undefined, 1)) },
    { weight: 1, arbitrary: fc.json() },
  )

describe('ledger', () => {
  holds('reads back what is written', ledger, (value) => {
    expect(parseLedger(`${JSON.stringify(value, undefined, 1)}\n`, '/run/vqtune/ledger.json')).toEqual(value)
  })
  holds(
    'of any text is a ledger that can be restored from, the rest set aside in one line',
    jsonLike(written),
    (text) => {
      const read = parseLedger(text, '/run/vqtune/ledger.json')
      must(
        read.setAside === undefined || /^\/run\/vqtune\/ledger\.json: .*: set aside/.test(read.setAside),
        read.setAside,
      )
      for (const { original = {} } of read.entries) {
        for (const nic of guest.nics) {
          for (const step of planRestore(nic, original, guest.cpus.online, '').steps) {
            if (step.tunable === 'channels') must(/^[1-9]\d*$/.test(step.new), step.new)
            else for (const cpu of parseCpuList(step.new) ?? [Number.NaN]) must(cpu >= 0 && cpu < 8192, cpu)
          }
        }
      }
    },
  )
  holds('notes and holds end as they began', ledger, (value) => {
    const held = withHeld(value, guest.nics, '2026-01-01T00:00:00.000Z')
    const others = (one: Ledger) =>
      one.entries.filter(
        (e) => !guest.nics.some((nic) => nic.virtio === e.virtio && nic.ifindex === e.ifindex),
      )
    expect(others(withoutHold(held, guest.nics))).toEqual(others(value))
    expect(withoutHold(withoutOriginals(held, guest.nics), guest.nics).entries).toEqual(others(value))
    const once = withOriginals(value, guest, guest.nics, 'T')
    expect(withOriginals(once, guest, guest.nics, 'later')).toEqual(once)
  })
})

const nicSnapshot = fc.record(
  {
    ifindex: fc.integer({ min: 1, max: 5 }),
    name: word,
    mac,
    virtio: fc.nat(5).map((n) => `virtio${n}`),
    maximum: fc.nat(256),
    xdp: fc.boolean(),
    channels: channelCount,
    values,
  },
  { requiredKeys: ['ifindex', 'name', 'mac', 'virtio', 'xdp', 'channels', 'values'] },
)
const snapshot = fc.record({
  bootId: fc.constant('boot'),
  online: cpus,
  nics: fc.uniqueArray(nicSnapshot, { maxLength: 4, selector: (nic) => nic.ifindex }),
})
const LIMITS = { conflictReversals: 3, conflictWindowSeconds: 600, conflictBackoffSeconds: 3_600 }

describe('daemon.json', () => {
  const sample: DaemonState = {
    version: 3,
    at: '2026-01-01T00:00:00.000Z',
    last: {
      bootId: 'boot',
      online: '0-3',
      nics: [
        {
          ifindex: 2,
          name: 'eth0',
          mac: '52:54:00:00:00:01',
          virtio: 'virtio0',
          maximum: 4,
          xdp: false,
          channels: 2,
          values: {
            channels: { combined: '2' },
            'irq-affinity': { 'queue 0 rx': '0', 'queue 1 tx': '1' },
            xps: { 'queue 0': '0-1' },
          },
        },
      ],
    },
    conflicts: [
      { ifindex: 2, reversals: [1_000, 2_000], backoffs: 1, backoffUntil: 90_000, otherWriter: 'irqbalance' },
    ],
  }
  const read = (text: string) =>
    readState(
      systemReading(() => text),
      'boot',
    )
  holds('of any text is a state that the daemon can go on from, or none', jsonLike(sample), (text) => {
    const state = read(text)
    fc.pre(typeof state === 'object')
    must(state.last.bootId === 'boot', state.last.bootId)
    expect(classifyDrift(state.last, state.last)).toEqual([])
    classifyDrift(state.last, { bootId: 'boot', online: '0', nics: [] })
    classifyDrift({ bootId: 'boot', online: '0', nics: [] }, state.last)
    for (const conflict of state.conflicts) {
      const { backoffUntil = 0 } = conflict
      const earlier = backoffUntil - 1 - Math.abs(backoffUntil)
      must(isBackedOff(conflict, earlier) === (conflict.backoffUntil !== undefined), backoffUntil)
      must(!isBackedOff(conflict, backoffUntil), conflict)
      const { verdict } = afterReversal(withTime(conflict, LIMITS, 5_000), 'reassert', 'x', LIMITS, 5_000)
      if (verdict.action === 'back-off')
        must(verdict.awaySeconds >= 1 && verdict.awaySeconds <= 86_400, verdict.awaySeconds)
    }
  })
  holds(
    'a look compares equal to itself after a round trip, and differences are told both ways',
    fc.tuple(snapshot, snapshot),
    ([before, after]) => {
      const state = read(JSON.stringify({ ...sample, last: before }))
      expect(state).toMatchObject({ last: before })
      expect(classifyDrift(before, before)).toEqual([])
      for (const drift of classifyDrift(before, after)) must(drift.old !== drift.new, JSON.stringify(drift))
    },
  )
})

describe('status.json', () => {
  const view = {
    version: 1,
    bootId: 'boot',
    pid: 812,
    startTicks: '4711',
    checkedAt: '2026-01-01T00:00:00.000Z',
    sources: [{ name: 'udev', state: 'up', why: null }],
    suspended: [{ nic: 'eth0', otherWriter: 'tuned', until: null, why: 'given way to tuned' }],
    configValid: true,
    problems: ['ethtool is not installed'],
    recentDrift: [
      {
        at: '2026-01-01T00:00:00.000Z',
        kind: 'channels',
        nic: 'eth0',
        old: '4',
        new: '2',
        writer: 'tuned',
        evidence: '',
        action: 'repaired',
        why: '',
      },
    ],
  }
  const isAsTheSchemaSays = schema('status')
  const rest = { version: 1, vcpus: { online: '0', isolated: '' }, nics: [], ignored: [], irqbalance: null }
  const stat = `812 (vqtune) S ${'0 '.repeat(18)}4711 0\n`
  holds('of any text is the view of the process that lives, or none', jsonLike(view), (text) => {
    const system = systemReading((path) =>
      path.endsWith('status.json')
        ? text
        : path.endsWith('boot_id')
          ? 'boot\n'
          : path.includes('/812/')
            ? stat
            : undefined,
    )
    const read = readView(Object.assign(system, { exists: () => true }))
    fc.pre(read !== undefined)
    expect(read).toEqual(JSON.parse(text))
    expect(read).toMatchObject({ version: 1, bootId: 'boot', pid: 812, startTicks: '4711' })
    expect(daemonText(read)).toMatch(/^daemon: running \(PID 812\)/)
    const status = { ...rest, daemon: daemonJson(read) }
    must(isAsTheSchemaSays(status), JSON.stringify(isAsTheSchemaSays.errors))
  })
})

describe('drift.jsonl', () => {
  const record: fc.Arbitrary<DriftRecord> = fc.record({
    at,
    kind: fc.constantFrom('channels', 'xps', 'vcpus'),
    nic: fc.option(word),
    old: fc.string(),
    new: fc.string(),
    writer: fc.string({ unit: 'binary' }),
    evidence: fc.string(),
    action: fc.constantFrom('repaired', 'yielded', 'failed'),
    why: fc.string(),
  })
  holds(
    'reads back what is written, torn lines counted',
    fc.tuple(fc.array(record, { maxLength: 6 }), fc.boolean()),
    ([records, torn]) => {
      const text = records.map((one) => `${JSON.stringify(one)}\n`).join('')
      // The last line without its end, as a crash leaves it.
      expect(parseHistory(torn && records.length > 0 ? text.slice(0, -2) : text)).toEqual({
        records: torn ? records.slice(0, -1) : records,
        damaged: torn && records.length > 0 ? 1 : 0,
      })
    },
  )
  const sample =
    '{"at":"2026-01-01T00:00:00.000Z","kind":"channels","nic":"eth0","old":"4","new":"2","writer":"irqbalance","evidence":"pid 1","action":"repaired","why":""}\n'
  holds('of any text accounts for every line', damaged(sample + sample), (text) => {
    const { records, damaged } = parseHistory(text)
    expect(records.length + damaged).toBe(text.split('\n').filter((line) => line !== '').length)
    for (const one of records) must(!Number.isNaN(Date.parse(one.at)), one.at)
  })
  holds(
    'keeps the newest whole lines that fit',
    fc.tuple(damaged(sample + sample + sample), fc.nat(500)),
    ([given, limit]) => {
      // As a file has it: half a surrogate pair is no text there.
      const text = Buffer.from(given).toString()
      const kept = newestLines(Buffer.from(text), limit).toString()
      must(Buffer.byteLength(kept) <= limit, kept)
      expect(newestLines(Buffer.from(kept), limit).toString()).toBe(kept)
      const lines = text.split('\n').filter((line) => line !== '')
      const left = kept.split('\n').filter((line) => line !== '')
      expect(left).toEqual(lines.slice(lines.length - left.length))
    },
  )
  holds(
    '--since: so long ago, a date, or nothing',
    fc.tuple(
      damaged('90m', '24h', '2026-03-01', '2026-03-01T10:00:00Z', '2026-03-01 10:00'),
      fc.nat(999_999),
    ),
    ([text, n]) => {
      const now = Date.parse('2026-06-01T00:00:00Z')
      const since = parseSince(text, now)
      must(since === undefined || Number.isFinite(since), since)
      expect(parseSince(`${n}m`, now)).toBe(now - n * 60_000)
    },
  )
})

describe('host backups', () => {
  const id = '20260101T000000Z-max-files-a1b2c3'
  const path = `/var/lib/vqtune/backups/${id}.json`
  const backup = fc.record({
    version: fc.constant(1),
    id: fc.constant(id),
    time: at,
    action: fc.constantFrom('set-queues', 'max-files', 'zerocopy-on', 'zerocopy-off', 'undo'),
    target: fc.oneof(
      fc.record({ kind: fc.constant('file'), path: word.map((name) => `/etc/${name}`) }),
      fc.record({
        kind: fc.constant('domain'),
        uri: fc.constant('qemu:///system'),
        name: fc.string(),
        uuid: fc.uuid(),
      }),
    ),
    before: fc.option(fc.string({ unit: 'binary' })),
    after: fc.option(fc.string()),
    undone: fc.option(at),
    byUndo: fc.boolean(),
  })
  holds('read back what is written', backup, (value) => {
    expect(parseBackup(JSON.stringify(value), path)).toEqual(value)
  })
  const sample = {
    version: 1,
    id,
    time: '2026-01-01T00:00:00.000Z',
    action: 'max-files',
    target: { kind: 'file', path: '/etc/libvirt/qemu.conf' },
    before: "passwd='secret'\n",
    after: 'b',
    undone: null,
    byUndo: false,
  }
  holds(
    'of any text are a record of that file, or one line that tells nothing of the content',
    jsonLike(sample),
    (text) => {
      try {
        const read = parseBackup(text, path)
        expect(read.id).toBe(id)
        must(!Number.isNaN(Date.parse(read.time)) && typeof read.byUndo === 'boolean', text)
      } catch (error) {
        expect(
          parsedOrRefused(() => {
            throw error
          }),
        ).toBeUndefined()
        must(!String(error).includes('secret'), String(error))
      }
    },
  )
})
