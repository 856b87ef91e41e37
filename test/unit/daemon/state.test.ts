import { expect, it } from 'vitest'
import { readState } from '../../../src/daemon/state'
import { systemReading } from '../../support/systems'

const STATE = { version: 3, at: 'T', last: { bootId: 'boot', online: '0', nics: [] }, conflicts: [] }
const read = (text: string | undefined, bootId: string) =>
  readState(
    systemReading(() => text),
    bootId,
  )

it('is that of this boot', () => {
  expect(read(JSON.stringify(STATE), 'boot')).toEqual(STATE)
})

it('is none in the first run of a boot, whether or not /run survived', () => {
  expect(read(undefined, 'boot')).toBeUndefined()
  expect(read(JSON.stringify(STATE), 'another')).toBeUndefined()
})

it.each(['', '{"version":3', JSON.stringify({ ...STATE, version: 2 })])('cannot be used: %s', (text) => {
  expect(read(text, 'boot')).toBe('unusable')
})
