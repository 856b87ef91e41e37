import { describe, expect, test } from 'vitest'
import { type LimitInput, limitsOf, pairsToRequest } from '../../../src/advice/limits'
import {
  DEFAULT_NIC_SETTINGS,
  DEFAULT_SETTINGS,
  nicSettings,
  type Settings,
} from '../../../src/config/settings'
import type { NicSettings, ObservedNic, ObstacleCode } from '../../../src/model'
import { desiredState } from '../../../src/planner/target'

interface Case {
  readonly nic?: Partial<ObservedNic>
  readonly maximum?: number
  readonly rule?: Partial<NicSettings>
  readonly isolated?: readonly number[]
  readonly online?: number
}

/** A NIC with 8 of 8 queue pairs for 8 vCPUs, and what differs from that. */
function inputOf({ nic: changes = {}, maximum = 8, rule = {}, isolated = [], online = 8 }: Case): LimitInput {
  const nic: ObservedNic = {
    name: 'ens3',
    altnames: [],
    isMacPermanent: true,
    isIdentified: false,
    ifindex: 2,
    mac: '52:54:00:ab:cd:01',
    virtio: 'virtio0',
    bus: 'pci',
    busAddress: '0000:00:03.0',
    operstate: 'up',
    master: undefined,
    features: { multiqueue: true, controlQueue: true, rss: false },
    channels: { current: Math.min(8, maximum), maximum },
    interruptLayout: 'per-queue',
    vectors: 18,
    queues: [],
    settings: [],
    rssQueues: undefined,
    obstacle: undefined,
    ...changes,
  }
  const source = '/etc/vqtune/vqtune.toml:7'
  const settings: Settings = { ...DEFAULT_SETTINGS, rules: [{ match: {}, settings: rule, source }] }
  const cpus = { online: Array.from({ length: online }, (_, cpu) => cpu), isolated }
  const policy = nicSettings(settings, nic)
  return {
    nic,
    desired: desiredState(nic, cpus, 'avoid', policy, new Map()),
    nicSettings: policy,
    settings,
    cpus,
  }
}

const codes = (given: Case) => limitsOf(inputOf(given)).map((limit) => limit.code)
const first = (given: Case) => limitsOf(inputOf(given))[0]

describe('limitsOf', () => {
  test('no limit', () => {
    expect(limitsOf(inputOf({}))).toEqual([
      {
        code: 'vcpus',
        text: 'there is a queue pair for each of the 8 vCPUs: no limit',
        next: undefined,
        onHost: false,
      },
    ])
    expect(codes({ online: 1, maximum: 1 })).toEqual(['vcpus'])
    expect(codes({ online: 300, maximum: 256 })).toEqual(['driver'])
  })

  test('the host gives too few', () => {
    expect(first({ maximum: 2 })).toEqual({
      code: 'host-maximum',
      text: 'the host exposes 2 queue pairs; 8 vCPUs could use 8',
      next: 'give this NIC 8 queues on the host',
      onHost: true,
    })
    expect(codes({ maximum: 2, rule: { cap: 2 } })).toEqual(['vcpus'])
    expect(codes({ maximum: 4, isolated: [4, 5, 6, 7] })).toEqual(['isolated'])
    expect(first({ maximum: 4, rule: { channels: 6 } })?.text).toContain('could use 6')
  })

  test('multiple queues or the control queue were not negotiated', () => {
    const without = (feature: object) => ({
      maximum: 1,
      nic: { features: { multiqueue: true, controlQueue: true, rss: false, ...feature } },
    })
    expect(first(without({ multiqueue: false }))).toMatchObject({ code: 'no-multiqueue', onHost: true })
    expect(first(without({ controlQueue: false }))).toMatchObject({ code: 'no-control-queue', onHost: false })
    expect(first(without({ multiqueue: false, controlQueue: false }))).toMatchObject({
      code: 'no-control-queue',
      onHost: true,
    })
    expect(codes({ ...without({ multiqueue: false }), online: 1 })).toEqual(['vcpus'])
  })

  test.each([
    ['shared', 'shared-vectors', 'has too few MSI-X vectors (8 queue pairs need 17)'],
    ['intx', 'intx', 'level interrupt'],
    ['mmio', 'mmio', 'single interrupt'],
    ['ccw', 'ccw', 'adapter interrupts'],
    ['unknown', 'no-interrupt', 'no interrupt in /proc/interrupts'],
  ] as const)('interrupt layout %s', (interruptLayout, code, text) => {
    const limit = first({ nic: { interruptLayout, vectors: 3 } })
    expect(limit?.code).toBe(code)
    expect(limit?.text).toContain(text)
    expect(codes({ nic: { interruptLayout }, maximum: 1, online: 1 })).toEqual(['vcpus'])
  })

  test.each<ObstacleCode>([
    'xdp',
    'af-xdp',
    'rss-table',
    'flow-rules',
    'memory-provider',
    'suspended',
    'refused',
    'unsupported',
  ])('obstacle %s has its own next action and comes first', (code) => {
    const limits = limitsOf(inputOf({ nic: { obstacle: { code, why: `because of ${code}` } }, maximum: 2 }))
    expect(limits.map((limit) => limit.code)).toEqual([code, 'host-maximum'])
    expect(limits[0]?.text).toBe(`because of ${code}`)
    expect(limits[0]?.next).toMatch(/\w/)
  })

  test('the configuration limits it, with file and line', () => {
    expect(first({ rule: { cap: 4 } })?.text).toBe(
      'the configuration allows at most 4: cap = 4 (/etc/vqtune/vqtune.toml:7)',
    )
    expect(codes({ rule: { cap: 8 } })).toEqual(['vcpus'])
    expect(first({ rule: { channels: 3 } })).toMatchObject({
      code: 'fixed',
      text: expect.stringContaining('exactly 3'),
    })
    expect(codes({ rule: { enabled: false }, maximum: 2 })).toEqual(['disabled', 'host-maximum'])
  })

  test('isolated CPUs are named', () => {
    expect(first({ isolated: [2, 3, 7] })?.text).toContain('CPU 2-3,7 is isolated')
    expect(codes({ isolated: [2], rule: { channels: 8 } })).not.toContain('isolated')
  })

  test('every text is one sentence that can be followed by more', () => {
    const all = [{ maximum: 1 }, { rule: { cap: 1 } }, { isolated: [1] }, {}].flatMap((given) =>
      limitsOf(inputOf(given)),
    )
    for (const { text, next } of all) {
      expect(text).not.toMatch(/\.$|\n|undefined/)
      expect(next ?? 'none').not.toMatch(/\.$|\n|undefined/)
    }
  })
})

test('pairsToRequest is the target without the host: vCPUs, isolated CPUs, cap and fixed count', () => {
  expect(pairsToRequest(inputOf({ maximum: 1 }))).toBe(8)
  expect(pairsToRequest(inputOf({ maximum: 1, isolated: [0, 1] }))).toBe(6)
  expect(pairsToRequest(inputOf({ maximum: 1, rule: { cap: 3 } }))).toBe(3)
  expect(pairsToRequest({ ...inputOf({}), nicSettings: { ...DEFAULT_NIC_SETTINGS, channels: 5 } })).toBe(5)
})
