import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import {
  entryOf,
  isNew,
  ledgerPath,
  readLedger,
  withApplied,
  withFirstSeen,
  withHeld,
  withOriginals,
  withoutHold,
  withoutOriginals,
  withRegressionHold,
  withResumed,
  withSettingHold,
  withTrial,
  withUnconfirmed,
  writeLedger,
} from '../../../src/planner/ledger'
import { openSystem } from '../../../src/system/system'
import { recordValues } from '../../../src/tunables/engine'
import { guestOf, nicOf } from '../../support/simulated-kernel'
import { systemFailing } from '../../support/systems'
import { makeTree } from '../../support/tree'

const ONLINE = [0, 1]
/** Only channels are varied. */
const NOTHING = { values: {}, by: { pid: 7, startTicks: '70' } }
const AT = '2026-01-02T03:04:05.000Z'
const empty = { version: 2, bootId: 'b', entries: [] } as const

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
    expect(entryOf(second, after)?.original?.channels).toEqual({ combined: '1' })
    const rebound = { ...after, ifindex: 7 }
    const third = withOriginals(second, guestOf(ONLINE, [rebound]), [rebound], AT)
    expect(third.entries.map((entry) => entry.ifindex)).toEqual([7])
  })

  it('adds the original of what was not read before', () => {
    const nic = nicOf({ ifindex: 2, maximum: 2 }, ONLINE)
    const rings = (value: string) => ({
      ...nic,
      settings: [...nic.settings, { tunable: 'rings', key: 'rx', value, label: 'rx ring', file: undefined }],
    })
    const guest = guestOf(ONLINE, [nic])
    const first = withOriginals(empty, guest, [nic], AT)
    const second = withOriginals(first, guest, [rings('1024')], AT)
    expect(entryOf(second, nic)?.original).toEqual({ ...recordValues(nic), rings: { rx: '1024' } })
    expect(withOriginals(second, guest, [rings('256')], AT)).toBe(second)
    expect(withOriginals(second, guest, [nic], AT)).toBe(second)
    const seen = withFirstSeen(empty, [nic], AT)
    expect(entryOf(withOriginals(seen, guest, [rings('512')], AT), nic)?.original?.rings).toEqual({
      rx: '512',
    })
  })

  it('has its originals from what the NIC was like when it was first seen, not from what drift left', () => {
    const booted = nicOf({ ifindex: 2, maximum: 2, current: 2 }, ONLINE)
    const drifted = nicOf({ ifindex: 2, maximum: 2, current: 1 }, ONLINE)
    const seen = withFirstSeen(empty, [booted], AT)
    expect(entryOf(seen, booted)).toMatchObject({ at: AT, firstSeen: { channels: { combined: '2' } } })
    expect(withFirstSeen(seen, [drifted], AT)).toBe(seen)
    const changed = withOriginals(seen, guestOf(ONLINE, [drifted]), [drifted], AT)
    expect(entryOf(changed, drifted)).toMatchObject({
      original: { channels: { combined: '2' } },
      firstSeen: { channels: { combined: '2' } },
    })
    // A rollback, and the hold that follows, end neither.
    expect(entryOf(withoutOriginals(changed, [drifted]), drifted)?.firstSeen).toBeDefined()
  })

  it('remembers beyond a rollback that an administrator wanted it tuned again', () => {
    const nic = nicOf({ ifindex: 2, maximum: 2, current: 2 }, ONLINE)
    const resumed = withResumed(empty, [nic], AT, 4_711)
    expect(entryOf(withHeld(resumed, [nic], AT), nic)).toMatchObject({ held: true, resumedMs: 4_711 })
  })

  it.each([
    ['a NIC without an entry', undefined, true],
    ['one with originals', { original: {} }, false],
    ['one that was seen', { firstSeen: {} }, false],
    ['one that an older version has rolled back', { held: true }, false],
    ['one with neither', {}, true],
  ] as const)('%s: is it new? (%#)', (_, entry, expected) => {
    const nic = nicOf({ ifindex: 2, maximum: 2 }, ONLINE)
    const { virtio, ifindex, name, mac } = nic
    expect(isNew(entry === undefined ? undefined : { virtio, ifindex, name, mac, at: AT, ...entry })).toBe(
      expected,
    )
  })

  it('marks a trial, keeps its originals, and forgets it with the next apply', () => {
    const before = nicOf({ ifindex: 2, maximum: 2, current: 2 }, ONLINE)
    const first = withOriginals(empty, guestOf(ONLINE, [before]), [before], AT)
    const tried = withTrial(empty, guestOf(ONLINE, [before]), before, AT, NOTHING)
    expect(entryOf(tried, before)).toEqual({ ...entryOf(first, before), trial: AT })
    expect(entryOf(withApplied(tried, [before], AT), before)).not.toHaveProperty('trial')
    // Held by a rollback: still held, and with something to roll back to.
    const held = withTrial(withHeld(empty, [before], AT), guestOf(ONLINE, [before]), before, AT, NOTHING)
    expect(entryOf(held, before)).toMatchObject({
      held: true,
      trial: AT,
      original: { channels: { combined: '2' } },
    })
  })

  it('says what a trial varies until all of it is restored, over other trials and changes', () => {
    const nic = nicOf({ ifindex: 2, maximum: 2, current: 2 }, ONLINE)
    const guest = guestOf(ONLINE, [nic])
    const before = { values: { rps: { 'queue-0': '' } }, by: { pid: 7, startTicks: '70' } }
    const tried = withTrial(empty, guest, nic, AT, before)
    expect(entryOf(tried, nic)?.beforeTrial).toEqual(before)
    // The second finds what the first left.
    const again = {
      values: { rps: { 'queue-0': '1' }, rings: { rx: '512' } },
      by: { pid: 8, startTicks: '80' },
    }
    const twice = entryOf(withTrial(tried, guest, nic, AT, again), nic)?.beforeTrial
    expect(twice).toEqual({ ...again, values: { ...again.values, ...before.values } })
    const rings = { tunable: 'rings', key: 'rx', value: '256', label: 'rx ring', file: undefined }
    const more = withOriginals(tried, guest, [{ ...nic, settings: [...nic.settings, rings] }], AT)
    expect(entryOf(more, nic)).toMatchObject({ beforeTrial: before, original: { rings: { rx: '256' } } })
    expect(entryOf(withApplied(tried, [nic], AT, new Set([2])), nic)?.beforeTrial).toEqual(before)
    expect(entryOf(withApplied(tried, [nic], AT), nic)).not.toHaveProperty('beforeTrial')
    expect(entryOf(withHeld(tried, [nic], AT), nic)).not.toHaveProperty('beforeTrial')
  })

  it('what is unconfirmed, and what the guard holds, outlast that further values are recorded', () => {
    const nic = nicOf({ ifindex: 2, maximum: 2, current: 2 }, ONLINE)
    const guest = guestOf(ONLINE, [nic])
    const recorded = withOriginals(empty, guest, [nic], AT)
    const unconfirmed = {
      ...{ confirmed: {}, until: AT, untilMs: 1, watcher: { pid: 7, startTicks: '70' } },
    }
    const conditions = { confirmed: true, vcpus: 2, policy: 'p', why: 'w', at: AT }
    const regressionHold = { from: 2, to: 1, ...conditions }
    const rps = { values: { 'queue 0': '' }, ...conditions }
    const held = withSettingHold(withRegressionHold(recorded, nic, regressionHold), nic, 'rps', rps)
    const watched = withUnconfirmed(held, nic, unconfirmed)
    const rings = { tunable: 'rings', key: 'rx', value: '256', label: 'rx ring', file: undefined }
    const more = withOriginals(watched, guest, [{ ...nic, settings: [...nic.settings, rings] }], AT)
    expect(entryOf(more, nic)).toMatchObject({
      ...{ unconfirmed, regressionHold, settingHolds: { rps } },
      original: { rings: { rx: '256' } },
    })
  })

  it('keeps what is out of view, in another network namespace say, and drops devices that are gone', () => {
    const [away, here] = [2, 3].map((ifindex) => nicOf({ ifindex, maximum: 2 }, ONLINE))
    if (away === undefined || here === undefined) throw new Error('no NICs')
    const all = guestOf(ONLINE, [away, here])
    const recorded = withHeld(withOriginals(empty, all, all.nics, AT), [away], AT)
    const elsewhere = { ...all, nics: [here] }
    expect(withOriginals(recorded, elsewhere, [here], AT)).toBe(recorded)
    // A tree without a virtio bus says nothing about devices.
    expect(withOriginals(recorded, { nics: [here], devices: [] }, [here], AT)).toBe(recorded)
    const unplugged = withOriginals(recorded, { nics: [here], devices: [here.virtio] }, [here], AT)
    expect(unplugged.entries.map(({ ifindex }) => ifindex)).toEqual([3])
  })

  it('of another version, or damaged, is kept beside the new one by the next write', () => {
    const system = openSystem(makeTree({ 'run/vqtune/ledger.json': '{"version":1,' }))
    const ledger = readLedger(system, 'b')
    expect(ledger).toMatchObject({
      ...empty,
      setAside: expect.stringMatching(/ledger.json: invalid JSON: set aside/),
    })
    writeLedger(system, ledger)
    expect(readFileSync(`${ledgerPath(system)}.aside`, 'utf8')).toBe('{"version":1,')
    expect(readLedger(system, 'b')).toEqual(empty)
    // Somebody removed it meanwhile.
    const gone = openSystem(makeTree({ 'run/x': '' }))
    writeLedger(gone, { ...empty, setAside: 'x' })
    expect(readFileSync(`${ledgerPath(gone)}.aside`, 'utf8')).toBe('')
    // The next one leaves it there.
    writeLedger(system, readLedger(system, 'b'))
    expect(readFileSync(`${ledgerPath(system)}.aside`, 'utf8')).toBe('{"version":1,')
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

  it('says why a NIC is held, and releases only the NICs that are meant', () => {
    const held = withHeld(withHeld(recorded, [nic], AT, 'cut off'), [other], AT)
    expect(entryOf(held, nic)).toMatchObject({ held: true, heldWhy: 'cut off' })
    expect(entryOf(held, other)).not.toHaveProperty('heldWhy')
    const released = withoutHold(held, [other, { ...nic, ifindex: 9 }])
    expect(entryOf(released, nic)?.held).toBe(true)
    // The originals are still to be had.
    expect(entryOf(released, other)).toMatchObject({ original: recordValues(other) })
    expect(entryOf(released, other)).not.toHaveProperty('held')
    // What it was like at first is remembered all the same.
    const forgotten = entryOf(withoutHold(withoutOriginals(held, [other]), [other]), other)
    expect(forgotten).toMatchObject({ firstSeen: recordValues(other) })
    expect(forgotten).not.toHaveProperty('held')
    // Held before anything was seen of it: nothing is left to remember.
    expect(withoutHold(withHeld(empty, [nic], AT), [nic])).toEqual(empty)
    expect(withoutOriginals(empty, [nic])).toBe(empty)
    expect(withoutHold(recorded, [nic, other])).toEqual(recorded)
  })

  it('notes a step back only of a NIC that it knows, and forgets it', () => {
    const stranger = nicOf({ ifindex: 9, maximum: 4 }, [0, 1])
    expect(withRegressionHold(recorded, stranger, regressionHold)).toBe(recorded)
    const noted = withRegressionHold(recorded, nic, regressionHold)
    expect(entryOf(noted, nic)).toEqual({ ...entryOf(recorded, nic), regressionHold })
    expect(entryOf(withRegressionHold(noted, nic, undefined), nic)).toEqual(entryOf(recorded, nic))

    const { from: _, to: __, ...kept } = regressionHold
    const hold = { ...kept, values: { 'queue 0': '' } }
    expect(withSettingHold(recorded, stranger, 'rps', hold)).toBe(recorded)
    const both = withSettingHold(withSettingHold(recorded, nic, 'rps', hold), nic, 'rfs', hold)
    expect(entryOf(both, nic)?.settingHolds).toEqual({ rps: hold, rfs: hold })
    const one = withSettingHold(both, nic, 'rps', undefined)
    expect(entryOf(one, nic)?.settingHolds).toEqual({ rfs: hold })
    expect(entryOf(withSettingHold(one, nic, 'rfs', undefined), nic)).toEqual(entryOf(recorded, nic))
  })
})
