import { describe, expect, test } from 'vitest'
import type { VhostModule } from '../../../src/hypervisor/zerocopy/module'
import { zerocopyStatusJson, zerocopyStatusText } from '../../../src/output/host-zerocopy-status'
import { expectSchema } from '../../support/schema'

const MODULE: VhostModule = {
  ...{ state: 'loaded', parameter: 'present', running: false, users: 8, configured: undefined },
}
const NONE = { uplinks: [], conditions: [] }
const lines = (
  more: Partial<VhostModule>,
  {
    around = NONE,
    drift = false,
  }: {
    around?: Parameters<typeof zerocopyStatusText>[1]
    drift?: boolean
  } = {},
) =>
  zerocopyStatusText({ ...MODULE, ...more }, around, drift, false)
    .split('\n')
    .slice(0, -1)

describe('the module', () => {
  test.each<[Partial<VhostModule>, string]>([
    [{}, 'loaded, in use: 8 open descriptors'],
    [{ users: 0 }, 'loaded, not in use'],
    [{ state: 'builtin', users: undefined }, 'built into the kernel'],
    [{ state: 'unloaded', running: undefined, users: undefined }, 'not loaded'],
    [{ state: 'absent', running: undefined, users: undefined }, 'this kernel has no such module'],
  ])('%j: %s', (module, text) => {
    expect(lines(module)[0]).toBe(`vhost_net: ${text}`)
  })
})

test('what runs and what is configured are told apart', () => {
  const DEFAULT = "configured: not configured (the kernel's default: off since Linux 5.3, and on RHEL)"
  expect(lines({}).slice(1)).toEqual(['running:    off', DEFAULT])
  expect(lines({ running: undefined }).slice(1)).toEqual(['running:    -', DEFAULT])
  const configured = { value: '1', source: '/etc/modprobe.d/a.conf' }
  expect(lines({ configured }, { drift: true }).slice(1)).toEqual([
    'running:    off',
    'configured: on (/etc/modprobe.d/a.conf)',
    'the running setting changes when the module is next loaded',
    'uplinks:    none found',
  ])
  expect(lines({ configured: { ...configured, value: 'maybe' } })[2]).toBe(
    "configured: 'maybe', which the kernel rejects (/etc/modprobe.d/a.conf)",
  )
})

test('a kernel that dropped the parameter copies every packet', () => {
  expect(lines({ parameter: 'removed', running: undefined }).slice(1)).toEqual([
    'experimental_zcopytx: not in this kernel: zero copy is not possible, and every packet is copied',
  ])
})

test('what is around it matters where it is on', () => {
  const around = {
    uplinks: [
      { name: 'eth0', scatterGather: true },
      { name: 'eth1', scatterGather: undefined },
    ],
    conditions: [
      { code: 'small-packets', defeats: false, text: 'small ones are copied' },
      { code: 'uplink-scatter-gather-off', defeats: true, text: 'all are copied' },
    ] as const,
  }
  expect(lines({ running: true }, { around }).slice(3)).toEqual([
    'uplinks:    eth0 (scatter-gather on), eth1 (scatter-gather unknown)',
    'small ones are copied',
    'all are copied',
  ])
  expect(lines({}, { around })).toHaveLength(3)
  const json = { version: 1, ...zerocopyStatusJson({ ...MODULE, running: undefined }, around, true) }
  expectSchema('host-zerocopy-status', JSON.parse(JSON.stringify(json)))
  expect(json).toMatchObject({
    ...{ module: 'loaded', running: null, users: 8, configured: null, drift: true },
    uplinks: [
      { name: 'eth0', scatterGather: true },
      { name: 'eth1', scatterGather: null },
    ],
  })
})
