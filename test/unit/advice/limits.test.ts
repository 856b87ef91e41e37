import { describe, expect, test } from 'vitest'
import { hostRequest, type LimitInput, limitsOf, pairsToRequest } from '../../../src/advice/limits'
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
    features: { multiqueue: true, controlQueue: true, rss: false, ringReset: true },
    channels: { current: Math.min(8, maximum), maximum },
    interruptLayout: 'per-queue',
    vectors: 18,
    queues: [],
    settings: [],
    rssTable: undefined,
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
    possibleCpus: online,
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
      nic: { features: { multiqueue: true, controlQueue: true, rss: false, ringReset: true, ...feature } },
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
    const obstacle = { code, why: `because of ${code}` }
    const nic = { obstacle, channels: { current: 1, maximum: 2 } }
    const limits = limitsOf(inputOf({ nic, maximum: 2 }))
    const lock = code === 'xdp' ? ['xdp-lock'] : []
    expect(limits.map((limit) => limit.code)).toEqual([code, 'host-maximum', ...lock])
    expect(limits[0]?.text).toBe(`because of ${code}`)
    expect(limits[0]?.next).toMatch(/\w/)
  })

  test('an obstacle to a change that is not wanted is none', () => {
    for (const code of ['xdp', 'suspended', 'rss-table'] as const) {
      const nic = { obstacle: { code, why: 'why' }, channels: { current: 8, maximum: 16 } }
      expect(limitsOf(inputOf({ nic })).map((limit) => limit.code)).toEqual(['vcpus'])
    }
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

describe('XDP in the driver', () => {
  const xdp = { code: 'xdp', why: 'an XDP program is attached' } as const
  const nicWith = (current: number, maximum: number, multiqueue = true) => ({
    obstacle: xdp,
    channels: { current, maximum },
    features: { multiqueue, controlQueue: true, rss: false, ringReset: true },
  })

  test('with one queue pair of the host: it runs, with a lock, and the number to ask for counts its queues', () => {
    const input = inputOf({ nic: nicWith(1, 1, false), online: 2 })
    expect(limitsOf(input)).toMatchObject([
      {
        code: 'no-multiqueue',
        next: 'give this NIC 4 queues on the host, 2 for the channels and 2 for XDP',
        onHost: true,
      },
      {
        code: 'xdp-lock',
        text: 'XDP runs, and sends with a lock for each packet: for queues of its own it needs 3 queue pairs (1 in use + 2 possible vCPUs), 4 with 2 in use; the host exposes 1',
        next: undefined,
        onHost: false,
      },
    ])
    expect(hostRequest(input)).toEqual({ target: 4, xdpQueues: 2 })
  })

  test('with the channels that the NIC should have, nothing is advised', () => {
    const limits = limitsOf(inputOf({ nic: nicWith(8, 8) }))
    expect(limits).toMatchObject([{ code: 'vcpus' }, { code: 'xdp-lock', next: undefined, onHost: false }])
    expect(limits[1]?.text).toContain('16 queue pairs (8 in use + 8 possible vCPUs); the host exposes 8')
    expect(codes({ nic: nicWith(8, 16) })).toEqual(['vcpus'])
    // One vCPU that can become eight.
    const one = { ...inputOf({ nic: nicWith(1, 1), online: 1 }), possibleCpus: 8 }
    expect(limitsOf(one)[1]?.text).toContain(
      '9 queue pairs (1 in use + 8 possible vCPUs); the host exposes 1',
    )
  })

  test('channels are not raised at the expense of its queues: first the host gives more', () => {
    const [limit, ...others] = limitsOf(inputOf({ nic: nicWith(2, 6), online: 4 }))
    expect(limit).toMatchObject({ code: 'xdp', onHost: true })
    expect(limit?.next).toBe(
      'leave it as it is: with 4 channels XDP would send with a lock for each packet; give this NIC 8 queues on the host, 4 for the channels and 4 for XDP',
    )
    expect(others).toEqual([])
    // It has no queues of its own now, or would keep them: nothing is lost.
    for (const maximum of [4, 8]) {
      const [next] = limitsOf(inputOf({ nic: nicWith(2, maximum), online: 4 }))
      expect(next?.next).toContain('detach the program')
    }
    const unknown = inputOf({ nic: { ...nicWith(2, 6), channels: { current: 2, maximum: undefined } } })
    expect(limitsOf({ ...unknown, desired: { ...unknown.desired, limitedBy: 'xdp' } })).toMatchObject([
      { next: expect.stringContaining('detach') },
    ])
  })

  test('more than a NIC can have is not asked for', () => {
    const input = inputOf({ nic: nicWith(16, 16), online: 200 })
    expect(hostRequest(input)).toEqual({ target: 200, xdpQueues: 0 })
    expect(limitsOf(input).find(({ code }) => code === 'host-maximum')?.next).toBe(
      'give this NIC 200 queues on the host',
    )
    expect(hostRequest(inputOf({ maximum: 1 }))).toEqual({ target: 8, xdpQueues: 0 })
  })
})

test('pairsToRequest is the target without the host: vCPUs, isolated CPUs, cap and fixed count', () => {
  expect(pairsToRequest(inputOf({ maximum: 1 }))).toBe(8)
  expect(pairsToRequest(inputOf({ maximum: 1, isolated: [0, 1] }))).toBe(6)
  expect(pairsToRequest(inputOf({ maximum: 1, rule: { cap: 3 } }))).toBe(3)
  expect(pairsToRequest({ ...inputOf({}), nicSettings: { ...DEFAULT_NIC_SETTINGS, channels: 5 } })).toBe(5)
})
