import { expect, test } from 'vitest'
import { DEFAULT_SETTINGS, type Settings } from '../../../src/config/settings'
import { planJson, planText } from '../../../src/output/plan'
import { planGuest } from '../../../src/planner/plan'
import { expectSchema } from '../../support/schema'
import { guestOf, nicOf } from '../../support/simulated-kernel'

const ONLINE = [0, 1]
const guest = (current: number) => guestOf(ONLINE, [nicOf({ ifindex: 2, maximum: 2, current }, ONLINE)])
const text = (current: number, more: Partial<Settings> = {}, usable = 2) =>
  planText(guest(current), planGuest(guest(current), { ...DEFAULT_SETTINGS, ...more }), usable)

test('a guest that is as it should be needs nothing', () => {
  expect(text(2)).toBe(
    'eth2: 2 channels (one per vCPU), every queue private\n  target: min(vCPUs 2, host 2) = 2\nnothing to do\n',
  )
})

test('each change has its reason, and what the kernel resets on the way is told', () => {
  const lines = text(1).split('\n')
  expect(lines.slice(0, 2)).toEqual([
    'eth2: 1 channel, target 2 (vCPUs), every queue private; 1 change pending',
    '  target: min(vCPUs 2, host 2) = 2',
  ])
  expect(lines[2]).toMatch(/^ {2}eth2: channels 1 -> 2 {2}\(.+\)$/)
  expect(lines.slice(3)).toEqual([
    '  then IRQ affinity and XPS are checked again: the kernel resets them when channels change',
    '1 change pending: run vqtune apply',
    '',
  ])
})

test('vCPUs that are kept free count in the calculation', () => {
  expect(text(2, {}, 1)).toContain('  target: min(vCPUs 2, not isolated 1, host 2) = ')
})

test('a guest without a NIC has no plan', () => {
  expect(planText(guestOf(ONLINE, []), [], 2)).toBe(
    'no virtio-net NIC in this network namespace: nothing to do\n',
  )
})

test('as JSON', () => {
  const json = JSON.parse(
    JSON.stringify({ version: 1, ...planJson(guest(1), planGuest(guest(1), DEFAULT_SETTINGS)) }),
  )
  expectSchema('plan', json)
  expect(json).toMatchObject({
    vcpus: { online: '0-1', isolated: '' },
    nics: [
      {
        name: 'eth2',
        state: 'drift',
        channels: { current: 1, target: 2, ideal: 2, maximum: 2, limitedBy: 'vcpus' },
        steps: [{ tunable: 'channels', old: '1', new: '2', file: null }],
        skips: [],
      },
    ],
  })
})
