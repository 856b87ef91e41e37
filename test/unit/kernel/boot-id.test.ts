import { expect, it } from 'vitest'
import { readBootId } from '../../../src/kernel/boot-id'
import { systemFailing, systemWith } from '../../support/systems'

it('is a line of the kernel; empty in a tree without it', () => {
  const id = '8a9b7c6d-0000-4000-8000-000000000000'
  expect(readBootId(systemWith({ '/proc/sys/kernel/random/boot_id': `${id}\n` }))).toBe(id)
  expect(readBootId(systemWith({}))).toBe('')
})

it('that cannot be read is an error, not another boot', () => {
  expect(() => readBootId(systemFailing('EMFILE'))).toThrow('EMFILE')
})
