import { expect, it } from 'vitest'
import { GUARDED_NAMES, OPTIONAL_TUNABLES, SWITCHES, TUNABLE_NAMES } from '../../../src/tunables/index'

it('the registry has its tunables in the order of writing, each switch once', () => {
  expect(TUNABLE_NAMES.slice(0, 5)).toEqual(['channels', 'rings', 'rss-table', 'irq-affinity', 'xps'])
  expect(new Set(TUNABLE_NAMES).size).toBe(TUNABLE_NAMES.length)
  expect(new Set(SWITCHES.map(({ key }) => key)).size).toBe(SWITCHES.length)
})

it('a tunable with several keys has them all', () => {
  const keys = SWITCHES.map(({ key }) => key)
  expect(keys).toEqual(expect.arrayContaining(['affinity', 'irqbalance', 'rx-ring', 'tx-ring', 'xps']))
})

it('those that change nothing by default can be varied, and watched with the channels', () => {
  expect(OPTIONAL_TUNABLES.map(({ name }) => name).sort()).toEqual(['rfs', 'rings', 'rps', 'threaded-napi'])
  expect([...GUARDED_NAMES].sort()).toEqual(['channels', 'rfs', 'rings', 'rps', 'threaded-napi'])
})
