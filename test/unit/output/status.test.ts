import { describe, expect, test } from 'vitest'
import { DEFAULT_SETTINGS } from '../../../src/config/settings'
import type { ObservedGuest, ObservedNic } from '../../../src/model'
import { statusJson, statusText } from '../../../src/output/status'
import { planGuest } from '../../../src/planner/plan'
import { expectSchema } from '../../support/schema'
import { guestOf, nicOf, withSetting } from '../../support/simulated-kernel'

const ONLINE = [0, 1]
const nic = (current: number, maximum = 2) => nicOf({ ifindex: 2, maximum, current }, ONLINE)
const guest = (...nics: readonly ObservedNic[]) => guestOf(ONLINE, nics)
const plans = (of: ObservedGuest) => planGuest(of, DEFAULT_SETTINGS)
const text = (of: ObservedGuest) => statusText(plans(of), of.ignored, false)
/** Cells of the rows that begin with the NIC. */
const rows = (of: ObservedGuest) =>
  text(of)
    .split('\n')
    .filter((line) => line.startsWith('eth2 '))
    .map((line) => line.split(/ {2,}/))

describe('a guest as it should be', () => {
  test('has a line, a row for the NIC and one for each queue, and nothing to do', () => {
    const all = text(guest(nic(2)))
    expect(all.split('\n')[0]).toBe('eth2: 2 channels (one per vCPU), every queue private')
    expect(rows(guest(nic(2)))).toEqual([
      ['eth2', 'up', '2', '2', '2', 'vcpus', 'per-queue', 'converged'],
      ['eth2', '0', '2000 -> 0', '2001 -> 0', '0', 'yes'],
      ['eth2', '1', '2002 -> 1', '2003 -> 1', '1', 'yes'],
    ])
    expect(all).not.toContain('next:')
  })

  test('without a NIC says so', () => {
    expect(text(guest())).toBe('no virtio-net NIC in this network namespace\n')
  })

  test('says of an interface that is no target why', () => {
    expect(statusText([], [{ name: 'eth9', why: 'its driver is ixgbe' }], false)).toBe(
      'no virtio-net NIC in this network namespace\n\neth9: not a target: its driver is ixgbe\n',
    )
  })
})

test('drift: what is wrong with each queue, and what to run', () => {
  const moved = guest(withSetting(nic(2), 'irq-affinity', 'queue 0 rx', '1'))
  expect(text(moved)).toMatch(/^eth2: 2 channels \(one per vCPU\), 0 of 2 queues private; 1 change pending\n/)
  expect(rows(moved)[1]?.at(-1)).toMatch(/^no: IRQ 2000 .*CPU 1/)
  expect(text(moved)).toMatch(
    /\n\nnext: vqtune plan, what would change and why; vqtune apply, to change it\n$/,
  )
})

test('a queue above the target is to be removed, and a bond is named', () => {
  const odd = guest({
    ...nicOf({ ifindex: 2, maximum: 4, current: 3 }, ONLINE),
    master: 'bond0',
    operstate: 'down',
  })
  expect(rows(odd)[0]).toEqual(['eth2', 'down in bond0', '3', '2', '4', 'vcpus', 'per-queue', 'drift'])
  expect(rows(odd)[3]?.at(-1)).toBe('to be removed')
})

test('what is not known is a question mark, and what is not there a dash', () => {
  const old = nicOf({ ifindex: 2, maximum: 2, current: 1, layout: 'shared' }, ONLINE)
  const shown = rows(guest({ ...old, channels: { current: 1, maximum: undefined } }))
  expect(shown[0]?.slice(2, 5)).toEqual(['1', '1', '?'])
  expect(shown[1]?.slice(2, 4)).toEqual(['-', '-'])
})

test('a host that gives too little is a reason to ask why', () => {
  expect(text(guest(nic(1, 1)))).toMatch(
    /\n\nnext: vqtune explain eth2, why the host offers no more, and the remedy\n$/,
  )
})

test('as JSON', () => {
  const of = guest(withSetting(nic(2), 'irq-affinity', 'queue 0 rx', '1'))
  const rest = { version: 1, irqbalance: null, daemon: { running: false } }
  const json = JSON.parse(JSON.stringify({ ...rest, ...statusJson(of, plans(of)) }))
  expectSchema('status', json)
  expect(json).toMatchObject({
    vcpus: { online: '0-1' },
    nics: [
      {
        ...{ name: 'eth2', state: 'drift', master: null, obstacle: null },
        queues: [
          {
            queue: 0,
            private: false,
            rxIrq: { irq: 2000, affinity: '1', effective: null },
            txIrq: { irq: 2001, affinity: '0' },
            desired: { irq: '0', xps: '0' },
          },
          { queue: 1, desired: { irq: '1', xps: '1' } },
        ],
        steps: [{ tunable: 'irq-affinity', old: '1', new: '0' }],
      },
    ],
  })
})
