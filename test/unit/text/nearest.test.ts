import { describe, expect, it } from 'vitest'
import { nearest } from '../../../src/text/nearest'

const VERBS = ['status', 'plan', 'apply', 'rollback', 'host']

describe('nearest', () => {
  it.each([
    ['status', 'status'],
    ['statsu', 'status'],
    ['stauts', 'status'],
    ['STATUS', 'status'],
    ['aply', 'apply'],
    ['plna', 'plan'],
    ['roll_back', 'rollback'],
    ['hots', 'host'],
  ])('%s: %s was meant', (word, meant) => {
    expect(nearest(word, VERBS)).toBe(meant)
  })

  it.each(['frob', 'pan-galactic', '', '-', 'x'.repeat(65)])('%s: nothing near', (word) => {
    expect(nearest(word, VERBS)).toBeUndefined()
  })

  it('nothing is near where nothing is known', () => {
    expect(nearest('status', [])).toBeUndefined()
  })

  it('takes the nearer of two', () => {
    expect(nearest('wait-m', ['limit-ms', 'wait-ms'])).toBe('wait-ms')
  })
})
