import { readdirSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  entryOf,
  ledgerPath,
  parseLedger,
  readLedger,
  valuesOf,
  withApplied,
  withHeld,
  withOriginals,
  withoutHold,
  withRegressionHold,
  withTrial,
  writeLedger,
} from '../../../src/planner/ledger'
import { openSystem } from '../../../src/system/system'
import { guestOf, nicOf } from '../../support/simulated-kernel'
import { systemFailing } from '../../support/systems'
import { makeTree } from '../../support/tree'

const ONLINE = [0, 1]
const AT = '2026-01-02T03:04:05.000Z'
const empty = { version: 1, bootId: 'b', entries: [] } as const

describe('ledger', () => {
  it('is read back as written, for the same boot only', () => {
    const system = openSystem(makeTree({ 'run/x': '' }))
    const nic = nicOf({ ifindex: 2, maximum: 2 }, ONLINE)
    const ledger = withOriginals(empty, guestOf(ONLINE, [nic]), [nic], AT)
    writeLedger(system, ledger)
    expect(readLedger(system, 'b')).toEqual(ledger)
    expect(readLedger(system, 'another').entries).toEqual([])
    expect(readdirSync(system.paths.runDir)).toEqual(['ledger.json'])
    expect(readFileSync(ledgerPath(system), 'utf8').endsWith('\n')).toBe(true)
  })

  it('keeps the first original and drops instances that are gone', () => {
    const before = nicOf({ ifindex: 2, maximum: 2, current: 1 }, ONLINE)
    const after = nicOf({ ifindex: 2, maximum: 2, current: 2 }, ONLINE)
    const first = withOriginals(empty, guestOf(ONLINE, [before]), [before], AT)
    const second = withOriginals(first, guestOf(ONLINE, [after]), [after], AT)
    expect(entryOf(second, after)?.original?.channels).toBe(1)
    const rebound = { ...after, ifindex: 7 }
    const third = withOriginals(second, guestOf(ONLINE, [rebound]), [rebound], AT)
    expect(third.entries.map((entry) => entry.ifindex)).toEqual([7])
  })

  it('marks a trial, keeps its originals, and forgets it with the next apply', () => {
    const before = nicOf({ ifindex: 2, maximum: 2, current: 2 }, ONLINE)
    const first = withOriginals(empty, guestOf(ONLINE, [before]), [before], AT)
    const tried = withTrial(empty, guestOf(ONLINE, [before]), before, AT)
    expect(entryOf(tried, before)).toEqual({ ...entryOf(first, before), trial: AT })
    expect(parseLedger(JSON.stringify(tried), '/p')).toEqual(tried)
    expect(entryOf(withApplied(tried, [before], AT), before)).not.toHaveProperty('trial')
    // Held by a rollback: still held, and with something to roll back to.
    const held = withTrial(withHeld(empty, [before], AT), guestOf(ONLINE, [before]), before, AT)
    expect(entryOf(held, before)).toMatchObject({ held: true, trial: AT, original: { channels: 2 } })
  })

  it.each([
    'x',
    '[]',
    '{"version":2,"bootId":"b","entries":[]}',
    '{"version":1,"bootId":"b","entries":[{}]}',
    '{"version":1,"bootId":"b","entries":[{"virtio":"v","ifindex":1,"name":"n","mac":"m","at":"t","original":{"channels":0,"queues":[]}}]}',
    '{"version":1,"bootId":"b","entries":[{"virtio":"v","ifindex":1,"name":"n","mac":"m","at":"t","original":{"channels":1,"queues":[{"rx":"9-1"}]}}]}',
  ])('refuses %s with the path and what to do', (text) => {
    expect(() => parseLedger(text, '/p')).toThrow(
      expect.objectContaining({ kind: 'state', message: expect.stringMatching(/^\/p: not .* remove it/) }),
    )
  })

  it('never throws anything else', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        try {
          expect(parseLedger(text, '/p').version).toBe(1)
        } catch (error) {
          expect(error).toMatchObject({ kind: 'state' })
        }
      }),
      { numRuns: 3000 },
    )
  })
})

describe('a ledger', () => {
  const nic = nicOf({ ifindex: 2, maximum: 4 }, [0, 1])
  const other = nicOf({ ifindex: 3, maximum: 4 }, [0, 1])
  const recorded = withOriginals(empty, guestOf([0, 1], [nic, other]), [nic, other], AT)
  const regressionHold = {
    ...{ from: 4, to: 2, confirmed: true, vcpus: 4, maximum: 4, policy: 'p', why: 'w', at: AT },
  }

  it('that cannot be read or written is an error with the reason', () => {
    for (const [errno, kind] of [
      ['EACCES', 'permission'],
      ['EIO', 'state'],
    ] as const) {
      expect(() => readLedger(systemFailing(errno), 'b')).toThrow(
        expect.objectContaining({
          kind,
          message: `/t/run/vqtune/ledger.json: cannot read the ledger (${errno})`,
        }),
      )
    }
    for (const [errno, kind] of [
      ['EACCES', 'permission'],
      ['EPERM', 'permission'],
      ['EROFS', 'permission'],
      ['ENOSPC', 'state'],
    ] as const) {
      expect(() => writeLedger(systemFailing(errno), empty)).toThrow(
        expect.objectContaining({
          kind,
          message: `/t/run/vqtune/ledger.json: cannot write the ledger (${errno})`,
        }),
      )
    }
  })

  it('with a damaged step back or hold is none', () => {
    const parsed = (entry: object) =>
      parseLedger(JSON.stringify({ ...empty, entries: [{ ...recorded.entries[0], ...entry }] }), 'f')
    const { maximum: _, ...unknown } = regressionHold
    for (const fine of [{ regressionHold }, { regressionHold: unknown }, { held: true, heldWhy: 'x' }])
      expect(parsed(fine).entries[0]).toMatchObject(fine)
    for (const damage of [
      ...[{ from: 0 }, { to: '2' }, { vcpus: 1.5 }, { maximum: 'x' }, { confirmed: 1 }, { why: 1 }].map(
        (one) => ({
          regressionHold: { ...regressionHold, ...one },
        }),
      ),
      ...[{ regressionHold: 'x' }, { heldWhy: 1 }, { held: 1 }, { trial: 1 }],
    ])
      expect(() => parsed(damage), JSON.stringify(damage)).toThrow('f: not a ledger of version 1')
  })

  it('says why a NIC is held, and releases only the NICs that are meant', () => {
    const held = withHeld(withHeld(recorded, [nic], AT, 'cut off'), [other], AT)
    expect(entryOf(held, nic)).toMatchObject({ held: true, heldWhy: 'cut off' })
    expect(entryOf(held, other)).not.toHaveProperty('heldWhy')
    const released = withoutHold(held, [other, { ...nic, ifindex: 9 }])
    expect([entryOf(released, nic)?.held, entryOf(released, other)]).toEqual([true, undefined])
    expect(withoutHold(recorded, [nic, other])).toEqual(recorded)
  })

  it('notes a step back only of a NIC that it knows, and forgets it', () => {
    const stranger = nicOf({ ifindex: 9, maximum: 4 }, [0, 1])
    expect(withRegressionHold(recorded, stranger, regressionHold)).toBe(recorded)
    const noted = withRegressionHold(recorded, nic, regressionHold)
    expect(entryOf(noted, nic)).toEqual({ ...entryOf(recorded, nic), regressionHold })
    expect(entryOf(withRegressionHold(noted, nic, undefined), nic)).toEqual(entryOf(recorded, nic))
  })

  it('records of a queue what it has', () => {
    const bare = {
      ...nic,
      queues: [{ index: 0, rxIrq: undefined, txIrq: undefined, xps: undefined, rps: [] }],
    }
    expect(valuesOf(bare)).toEqual({ channels: 2, queues: [{}] })
  })
})
