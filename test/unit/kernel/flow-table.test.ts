import { expect, it } from 'vitest'
import { readFlowEntries } from '../../../src/kernel/flow-table'
import { systemWith } from '../../support/systems'

const entries = (text?: string) =>
  readFlowEntries(systemWith(text === undefined ? {} : { '/proc/sys/net/core/rps_sock_flow_entries': text }))

it('the size of the RFS table is a number, 0 for none, or not told', () => {
  expect([entries('32768\n'), entries('0\n'), entries(), entries('many\n')]).toEqual([
    32_768,
    0,
    undefined,
    undefined,
  ])
})
