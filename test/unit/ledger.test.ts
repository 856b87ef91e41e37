import { readdirSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  entryOf,
  ledgerPath,
  parseLedger,
  readLedger,
  withApplied,
  withHeld,
  withOriginals,
  withTrial,
  writeLedger,
} from '../../src/ledger'
import { systemHost } from '../../src/system/host'
import { guestOf, nicOf } from '../support/simulated-kernel'
import { makeTree } from '../support/tree'

const ONLINE = [0, 1]
const AT = '2026-01-02T03:04:05.000Z'
const empty = { version: 1, bootId: 'b', entries: [] } as const

describe('ledger', () => {
  it('is read back as written, for the same boot only', () => {
    const host = systemHost(makeTree({ 'run/x': '' }))
    const nic = nicOf({ ifindex: 2, maximum: 2 }, ONLINE)
    const ledger = withOriginals(empty, guestOf(ONLINE, [nic]), [nic], AT)
    writeLedger(host, ledger)
    expect(readLedger(host, 'b')).toEqual(ledger)
    expect(readLedger(host, 'another').entries).toEqual([])
    expect(readdirSync(host.paths.runDir)).toEqual(['ledger.json'])
    expect(readFileSync(ledgerPath(host), 'utf8').endsWith('\n')).toBe(true)
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
