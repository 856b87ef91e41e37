import { describe, expect, it, test } from 'vitest'
import {
  abandonedChanges,
  confirmChanges,
  connectivityOf,
  furtherChange,
  hasConnection,
  isSameChange,
  ownChanges,
  secondsLeft,
  takeOver,
  UnconfirmedChanges,
  type UnconfirmedEntry,
  unconfirmedEntries,
  untilNobodyWatches,
} from '../../../src/confirm/unconfirmed'
import { ownProcess } from '../../../src/kernel/process-identity'
import {
  type Ledger,
  type LedgerEntry,
  readLedger,
  type Unconfirmed,
  writeLedger,
} from '../../../src/planner/ledger'
import { openSystem } from '../../../src/system/system'
import { uptimeMs } from '../../../src/system/uptime'
import { recordValues } from '../../../src/tunables/engine'
import { guestOf, nicOf, withChannels } from '../../support/simulated-kernel'
import { systemWith } from '../../support/systems'

const ONLINE = [0, 1, 2, 3]
const NIC = nicOf({ ifindex: 2, maximum: 4 }, ONLINE)
const FEWER = withChannels(NIC, 2, ONLINE)
const SEEN: LedgerEntry = { virtio: 'virtio2', ifindex: 2, name: 'eth2', mac: NIC.mac, at: 'T', original: {} }
const ALIVE = { carrier: true, gateway: '10.77.0.1', neighbour: 'REACHABLE' }
/** The process of this number was started at another time. */
const GONE = { pid: process.pid, startTicks: 'of another process' }
const OWN = ownProcess(openSystem())
const changeBy = (watcher: Unconfirmed['watcher'], more: Partial<Unconfirmed> = {}): UnconfirmedEntry => ({
  ...SEEN,
  unconfirmed: {
    confirmed: recordValues(FEWER),
    ...ALIVE,
    until: 'T',
    untilMs: uptimeMs(),
    watcher,
    ...more,
  },
})
const ledgerOf = (...entries: LedgerEntry[]): Ledger => ({ version: 2, bootId: 'boot', entries })
const kept = (system: Parameters<typeof readLedger>[0]) => readLedger(system, 'boot').entries[0]?.unconfirmed

/** A guest in which NIC is to be seen, with a ledger. */
function setUp(...entries: LedgerEntry[]) {
  const system = systemWith({
    '/sys/class/net/lan0/ifindex': '2\n',
    '/sys/class/net/eth2/carrier': '1\n',
    '/sys/class/net/eth3/carrier': '0\n',
  })
  writeLedger(system, ledgerOf(...entries))
  return system
}

describe('changes in the ledger', () => {
  const [own, gone] = [changeBy(OWN), { ...changeBy(GONE), ifindex: 3 }]

  it('are ours, or of a vqtune that is gone, or of another one', () => {
    const ledger = ledgerOf(SEEN, own, gone)
    expect(unconfirmedEntries(ledger)).toEqual([own, gone])
    expect(ownChanges(ledger)).toEqual([own])
    expect(abandonedChanges(ledger)).toEqual([gone])
  })

  it('are the same change by its end, its watcher and what could be lost', () => {
    const { unconfirmed } = own
    expect(isSameChange(unconfirmed, { ...unconfirmed, lost: 'x', until: 'later' })).toBe(true)
    for (const other of [
      { untilMs: 1 },
      { watcher: GONE },
      { carrier: false },
      { gateway: '10.77.0.2' },
      { neighbour: 'STALE' },
    ])
      expect(isSameChange(unconfirmed, { ...unconfirmed, ...other })).toBe(false)
  })

  it('have what could be lost, and the rest of their time', () => {
    expect(connectivityOf(own.unconfirmed)).toEqual(ALIVE)
    expect(secondsLeft(changeBy(OWN, { untilMs: 0 }).unconfirmed)).toBe(0)
    const left = secondsLeft(changeBy(OWN, { untilMs: uptimeMs() + 60_000 }).unconfirmed)
    expect(left).toBeGreaterThan(50)
    expect(left).toBeLessThanOrEqual(60)
  })

  it.each([
    ['a carrier', { carrier: true, gateway: undefined, neighbour: undefined }, true],
    ['a gateway', { ...ALIVE, carrier: undefined }, true],
    ['no carrier, and a gateway that is dead', { ...ALIVE, carrier: false, neighbour: 'FAILED' }, false],
    ['nothing', { carrier: undefined, gateway: undefined, neighbour: undefined }, false],
  ])('can lose %s: %o', (_, connectivity, can) => {
    expect(hasConnection(connectivity)).toBe(can)
  })
})

describe('the changes of one run', () => {
  const run = async (system: ReturnType<typeof setUp>, nic = NIC, seconds = 30) =>
    new UnconfirmedChanges(system, seconds, true).observe([nic])

  it('are recorded before the write, with what they can lose', async () => {
    const changes = await run(setUp())
    const [entry] = changes.prepare(ledgerOf(SEEN)).entries
    expect(entry?.unconfirmed).toMatchObject({ confirmed: recordValues(NIC), carrier: true, watcher: OWN })
    expect(entry?.unconfirmed).not.toHaveProperty('gateway')
    expect(secondsLeft(entry?.unconfirmed as Unconfirmed)).toBeGreaterThan(20)
  })

  it('are recorded once, with what was seen first', async () => {
    const changes = await run(setUp())
    await changes.observe([FEWER])
    const first = changes.prepare(ledgerOf(SEEN))
    expect(first.entries[0]?.unconfirmed?.confirmed).toEqual(recordValues(NIC))
    expect(changes.prepare(first)).toBe(first)
  })

  it('of a NIC without connectivity need no confirmation', async () => {
    const changes = await run(setUp(), { ...NIC, name: 'eth3' })
    expect(changes.prepare(ledgerOf(SEEN)).entries).toEqual([SEEN])
  })

  it('have their time from the end of the run', async () => {
    const changes = await run(setUp(), NIC, 600)
    const ledger = changes.prepare(ledgerOf(SEEN))
    const old = ledgerOf({
      ...SEEN,
      unconfirmed: { ...(ledger.entries[0]?.unconfirmed as Unconfirmed), untilMs: 0 },
    })
    const { entries } = changes.finish(old, guestOf(ONLINE, [FEWER]))
    expect(secondsLeft(entries[0]?.unconfirmed as Unconfirmed)).toBeGreaterThan(500)
  })

  it('that came to nothing leave what was there before', async () => {
    const changes = await run(setUp())
    const ledger = changes.prepare(ledgerOf(SEEN))
    expect(changes.finish(ledger, guestOf(ONLINE, [NIC])).entries).toEqual([SEEN])
    const further = await run(setUp())
    const earlier = changeBy(OWN)
    const prepared = further.prepare(ledgerOf(earlier))
    expect(further.finish(prepared, guestOf(ONLINE, [NIC])).entries).toEqual([earlier])
  })

  it('of a NIC that went stay as they are', async () => {
    const changes = await run(setUp())
    const ledger = changes.prepare(ledgerOf(SEEN))
    expect(changes.finish(ledger, guestOf(ONLINE, []))).toEqual(ledger)
  })
})

describe('a further change before the first is confirmed', () => {
  const DEAD = { ...ALIVE, neighbour: 'FAILED' }
  const WATCHED = { until: '', untilMs: 0, watcher: { pid: 1, startTicks: '1' } }
  const FOUR = { channels: { combined: '4' } }
  const TWO = withChannels(nicOf({ ifindex: 2, maximum: 4 }, [0, 1, 2, 3]), 2, [0, 1, 2, 3])

  test.each([
    ['lost meanwhile', ALIVE, DEAD, ALIVE],
    ['the kernel asks once more', ALIVE, { ...DEAD, neighbour: 'INCOMPLETE' }, ALIVE],
    ['its entry was thrown away', ALIVE, { ...DEAD, neighbour: undefined }, ALIVE],
    ['dead from the start', DEAD, { ...DEAD, neighbour: 'INCOMPLETE' }, { ...DEAD, neighbour: 'INCOMPLETE' }],
    ['another network', ALIVE, { ...DEAD, gateway: '10.78.0.1' }, { ...DEAD, gateway: '10.78.0.1' }],
    [
      'an entry that can no longer fail',
      ALIVE,
      { ...DEAD, neighbour: 'PERMANENT' },
      { ...DEAD, neighbour: 'PERMANENT' },
    ],
  ])('keeps what is confirmed, and what could be lost: %s', (_, first, last, expected) => {
    expect(
      furtherChange(
        { ...WATCHED, ...first, confirmed: FOUR },
        { nic: TWO, connectivity: { ...ALIVE, ...last } },
      ),
    ).toEqual({ confirmed: FOUR, before: recordValues(TWO), connectivity: expected })
  })

  test('goes back no further than to what a gateway came back with', () => {
    const dead = { ...WATCHED, carrier: true, confirmed: FOUR }
    expect(furtherChange(dead, { nic: TWO, connectivity: ALIVE })).toEqual({
      confirmed: recordValues(TWO),
      connectivity: ALIVE,
    })
  })
})

describe('what a vqtune that is gone has left', () => {
  it('becomes ours under its present name, and long enough for a dead gateway to be noticed', async () => {
    const system = setUp(changeBy(GONE, { untilMs: 0 }))
    const [taken] = await takeOver(system, 'boot')
    expect([taken?.name, taken?.unconfirmed.watcher]).toEqual(['lan0', OWN])
    expect(kept(system)).toEqual(taken?.unconfirmed)
    const left = secondsLeft(kept(system) as Unconfirmed)
    expect(left).toBeGreaterThan(1)
    expect(left).toBeLessThanOrEqual(6)
  })

  it('keeps the rest of its time', async () => {
    const system = setUp(changeBy(GONE, { untilMs: uptimeMs() + 300_000 }))
    await takeOver(system, 'boot')
    expect(secondsLeft(kept(system) as Unconfirmed)).toBeGreaterThan(250)
  })

  it('stays where the NIC is out of view, or the watcher lives', async () => {
    const away = setUp({ ...changeBy(GONE), ifindex: 9 })
    expect(await takeOver(away, 'boot')).toEqual([])
    expect(kept(away)?.watcher).toEqual(GONE)
    expect(await takeOver(setUp(changeBy(OWN)), 'boot')).toEqual([])
  })
})

describe('a watch that ended well', () => {
  it('leaves nothing to confirm', async () => {
    const own = changeBy(OWN)
    const system = setUp(own)
    await confirmChanges(system, 'boot', [own])
    expect(readLedger(system, 'boot').entries).toEqual([SEEN])
  })

  it('does not confirm what is another change by now', async () => {
    const system = setUp(changeBy(GONE))
    await confirmChanges(system, 'boot', [changeBy(OWN)])
    await confirmChanges(system, 'boot', [])
    expect(kept(system)?.watcher).toEqual(GONE)
  })
})

describe('waiting until nobody watches', () => {
  const wait = (...entries: LedgerEntry[]) =>
    untilNobodyWatches(setUp(...entries), 'boot', 2, new AbortController().signal)

  it.each([
    ['nothing is unconfirmed', SEEN],
    ['another NIC is watched', { ...changeBy(OWN), ifindex: 3 }],
    ['the watcher is gone', changeBy(GONE)],
    ['the watcher is more than ten seconds late', changeBy(OWN, { untilMs: uptimeMs() - 10_001 })],
  ])('is not needed where %s', async (_, entry) => {
    expect(await wait(entry)).toBe(false)
  })

  it('ends with the watch', async () => {
    expect(await wait(changeBy(OWN, { untilMs: uptimeMs() - 8_000 }))).toBe(true)
  })

  it('ends when it is interrupted', async () => {
    const system = setUp(changeBy(OWN, { untilMs: uptimeMs() + 600_000 }))
    expect(await untilNobodyWatches(system, 'boot', 2, AbortSignal.abort())).toBe(true)
  })
})
