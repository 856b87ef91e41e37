import { expect, it } from 'vitest'
import { guardReductionRecord, guardReturnRecords, revertRecord } from '../../../src/confirm/record'

const AT = '2026-01-01T00:00:00.000Z'
const LOSS = { nic: 'eth0', from: 4, channels: 1, why: 'the carrier was lost', failure: undefined }

it('a revert tells the channels, why, and until when the NIC is held', () => {
  expect(revertRecord(LOSS, AT)).toEqual({
    ...{ at: AT, kind: 'channels', nic: 'eth0', old: '4', new: '1', writer: 'vqtune' },
    ...{ evidence: 'commit-confirm', action: 'reverted' },
    why: 'the carrier was lost; held until the next boot or vqtune apply eth0',
  })
})

it('a revert that failed tells why', () => {
  expect(revertRecord({ ...LOSS, failure: 'EPERM' }, AT)).toMatchObject({
    action: 'failed',
    why: 'the carrier was lost; reverting failed: EPERM',
  })
})

it('channels that the guard reduced are told with what has them tried again', () => {
  expect(guardReductionRecord({ nic: 'eth0', from: 4, to: 1, why: '2 instead of 8 Mb/s' }, AT)).toEqual({
    ...{ at: AT, kind: 'channels', nic: 'eth0', old: '4', new: '1', writer: 'vqtune' },
    ...{ evidence: 'guard', action: 'guard-reduced' },
    why: '2 instead of 8 Mb/s; 4 is not tried again until conditions change or vqtune apply eth0',
  })
})

it('other values that the guard took back are told by tunable, from what was worse to what is back', () => {
  const changed = [
    { tunable: 'rps', values: [{ key: 'queue 0', old: '', new: '1' }] },
    { tunable: 'rings', values: [{ key: 'rx', old: '256', new: '1024' }] },
  ]
  const records = guardReturnRecords({ nic: 'eth0', changed, why: 'worse' }, AT)
  const why = 'worse; not tried again until conditions change or vqtune apply eth0'
  const same = { at: AT, nic: 'eth0', writer: 'vqtune', evidence: 'guard', action: 'guard-reduced', why }
  expect(records).toEqual([
    { ...same, kind: 'rps', old: 'queue 0 CPU 1', new: 'queue 0 CPU none' },
    { ...same, kind: 'rings', old: 'rx 1024', new: 'rx 256' },
  ])
})
