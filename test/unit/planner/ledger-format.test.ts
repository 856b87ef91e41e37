import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isRecordedValues, parseLedger } from '../../../src/planner/ledger-format'

const AT = '2026-01-02T03:04:05.000Z'
const ENTRY = { virtio: 'virtio2', ifindex: 2, name: 'eth2', mac: '52:54:00:00:00:02', at: AT }
const VALUES = { channels: { combined: '2' }, 'irq-affinity': { 'queue 0 rx': '0' }, xps: { 'queue 0': '' } }
const HOLD = { from: 4, to: 2, confirmed: true, vcpus: 4, maximum: 4, policy: 'p', why: 'w', at: AT }
const UNCONFIRMED = {
  ...{ confirmed: VALUES, until: AT, untilMs: 1.5 },
  watcher: { pid: 1, startTicks: '1' },
}
const parsed = (...entries: unknown[]) =>
  parseLedger(JSON.stringify({ version: 2, bootId: 'b', entries }), '/p')

describe("the ledger's file", () => {
  it('of this version is taken as it is', () => {
    const entry = { ...ENTRY, original: VALUES, applied: VALUES, held: true, heldWhy: 'x', trial: AT }
    expect(parsed({ ...entry, regressionHold: HOLD })).toEqual({
      ...{ version: 2, bootId: 'b' },
      entries: [{ ...entry, regressionHold: HOLD }],
    })
    const { from: _from, to: _to, ...kept } = HOLD
    const settingHolds = { rps: { ...kept, values: { 'queue 0': '1' } } }
    expect(parsed({ ...ENTRY, settingHolds })).toMatchObject({ entries: [{ ...ENTRY, settingHolds }] })
    const { maximum: _, ...unasked } = HOLD
    expect(parsed({ ...ENTRY, regressionHold: unasked }).entries).toHaveLength(1)
    const more = { before: VALUES, carrier: true, gateway: '10.0.0.1', neighbour: 'STALE', lost: 'x' }
    for (const unconfirmed of [UNCONFIRMED, { ...UNCONFIRMED, ...more }]) {
      expect(parsed({ ...ENTRY, unconfirmed })).toEqual({
        ...{ version: 2, bootId: 'b' },
        entries: [{ ...ENTRY, unconfirmed }],
      })
    }
  })

  it('says what a killed trial varied, or that it cannot be known', () => {
    const beforeTrial = { values: { rps: { 'queue 0': '' } }, by: { pid: 7, startTicks: '70' } }
    const entry = { ...ENTRY, trial: AT }
    expect(parsed({ ...entry, beforeTrial }).entries).toEqual([{ ...entry, beforeTrial }])
    for (const damaged of [1, {}, { ...beforeTrial, by: { pid: '7' } }, { ...beforeTrial, by: { pid: 7 } }]) {
      const { entries, setAside } = parsed({ ...entry, beforeTrial: damaged })
      expect(entries).toEqual([entry])
      expect(setAside).toMatch(/^\/p: values from before 1 killed trials cannot be used: set aside, /)
    }
  })

  it('of version 1 is read: a count of channels and a list of queues', () => {
    const original = { channels: 2, queues: [{ rx: '0', tx: '0-1', xps: '' }, { rx: '1' }, { tx: '1' }] }
    const { confirmed: _, ...held } = HOLD
    const entry = { ...ENTRY, original, steppedBack: { ...held, proven: true } }
    const text = JSON.stringify({ version: 1, bootId: 'b', entries: [entry] })
    expect(parseLedger(text, '/p')).toEqual({
      ...{ version: 2, bootId: 'b' },
      entries: [
        {
          ...ENTRY,
          original: {
            channels: { combined: '2' },
            'irq-affinity': { 'queue 0 rx': '0', 'queue 0 tx': '0-1', 'queue 1 rx': '1', 'queue 2 tx': '1' },
            xps: { 'queue 0': '' },
          },
          regressionHold: HOLD,
        },
      ],
    })
  })

  it('of a later version is read as far as it is known: tunables that are not are kept', () => {
    const later = { ...VALUES, 'ring-size': { rx: '1024' } }
    const text = JSON.stringify({
      version: 3,
      bootId: 'b',
      entries: [{ ...ENTRY, original: later, more: 1 }],
    })
    expect(parseLedger(text, '/p').entries).toEqual([{ ...ENTRY, original: later, more: 1 }])
  })

  it.each([
    ['x', /^\/p: invalid JSON: set aside, the original values in it cannot be restored$/],
    ['[]', /^\/p: not a ledger: set aside/],
    ['{"bootId":"b"}', /^\/p: not a ledger: set aside/],
    ['{"entries":[]}', /^\/p: not a ledger: set aside/],
  ])('%s is set aside with one line', (text, line) => {
    const ledger = parseLedger(text, '/p')
    expect(ledger).toMatchObject({ version: 2, bootId: '', entries: [] })
    expect(ledger.setAside).toMatch(line)
  })

  it.each([
    {},
    'x',
    ...[{ virtio: 1 }, { ifindex: 1.5 }, { name: 1 }, { mac: 1 }, { at: 1 }],
    ...[{ held: 1 }, { heldWhy: 1 }, { trial: 1 }, { regressionHold: 'x' }],
    ...[{ from: 0 }, { to: '2' }, { vcpus: 1.5 }, { maximum: 'x' }, { confirmed: 1 }, { why: 1 }].map(
      (one) => ({
        regressionHold: { ...HOLD, ...one },
      }),
    ),
    ...['x', { rps: 'x' }, { rps: { ...HOLD, values: { 'queue 0': 'x' } } }, { rps: { values: {} } }].map(
      (settingHolds) => ({ settingHolds }),
    ),
    ...[
      { channels: 0, queues: [] },
      { channels: 1, queues: [1] },
      { channels: 1, queues: [{ rx: '9-1' }] },
    ].map((original) => ({ original })),
    ...[{ channels: { combined: '0' } }, { channels: '2' }, { xps: { 'queue 0': 1 } }, 'x'].map(
      (applied) => ({
        applied,
      }),
    ),
  ])('of a damaged entry (%j) saves the others', (damage) => {
    const bad =
      typeof damage === 'string' || Object.keys(damage).length === 0 ? damage : { ...ENTRY, ...damage }
    const ledger = parsed(ENTRY, bad)
    expect(ledger.entries).toEqual([ENTRY])
    expect(ledger.setAside).toMatch(/^\/p: 1 of 2 entries cannot be used: set aside/)
  })

  it('of entries that are no objects saves the others', () => {
    expect(parsed(1, ENTRY, null).entries).toEqual([ENTRY])
  })

  it.each([
    'x',
    ...[{ watcher: 1 }, { watcher: { pid: 1.5, startTicks: '1' } }, { watcher: { pid: 1, startTicks: 1 } }],
    ...[{ confirmed: 'x' }, { before: 'x' }, { carrier: 1 }, { gateway: 1 }, { until: 1 }, { untilMs: 'x' }],
  ])('of a damaged unconfirmed change (%j) saves all else of the entry', (damage) => {
    const unconfirmed = typeof damage === 'string' ? damage : { ...UNCONFIRMED, ...damage }
    const ledger = parsed({ ...ENTRY, original: VALUES, unconfirmed })
    expect(ledger.entries).toEqual([{ ...ENTRY, original: VALUES }])
    expect(ledger.setAside).toBe(
      '/p: 1 unconfirmed changes of channels cannot be used: set aside, these channels are kept',
    )
  })

  it('never throws', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        expect(parseLedger(text, '/p').version).toBe(2)
      }),
      { numRuns: 3000 },
    )
  })
})

it('recorded values are texts by tunable and key', () => {
  expect([VALUES, {}, { later: { x: 'y' } }].map(isRecordedValues)).toEqual([true, true, true])
  expect([undefined, [], { xps: [] }, { xps: { a: 1 } }].map(isRecordedValues)).toEqual(
    new Array(4).fill(false),
  )
})
