import { describe, expect, it } from 'vitest'
import { DEFAULT_SETTINGS, type Settings } from '../../../src/config/settings'
import type { NicSettings, ObservedNic, Skip, Step } from '../../../src/model'
import {
  describeLimit,
  describeSecondRound,
  describeSkip,
  describeStep,
  describeTarget,
  stateFrom,
  stateOf,
  summarise,
} from '../../../src/planner/describe'
import { type Exemptions, type NicPlan, planGuest } from '../../../src/planner/plan'
import { checkQueueAffinity } from '../../../src/planner/queue-affinity'
import { guestOf, nicOf, withSetting } from '../../support/simulated-kernel'

const ONLINE = [0, 1, 2, 3]

function planOf(nic: ObservedNic, settings: Partial<NicSettings> = {}, exempt?: Exemptions): NicPlan {
  const all: Settings = { ...DEFAULT_SETTINGS, rules: [{ match: {}, settings, source: 'test' }] }
  return planGuest(guestOf(ONLINE, [nic]), all, exempt)[0] as NicPlan
}
const summaryOf = (nicPlan: NicPlan) => summarise(nicPlan, checkQueueAffinity(nicPlan.nic, nicPlan.desired))

describe('a step and a skip', () => {
  const step: Step = {
    ...{ tunable: 'irq-affinity', nic: 'ens3', ifindex: 2, key: 'queue 0 rx', label: 'queue 0 rx IRQ 26' },
    ...{ file: '/proc/irq/26/smp_affinity_list', old: '0-1', new: '0', reason: 'private' },
  }

  it('are one line that begins with the NIC', () => {
    expect(describeStep(step)).toBe('ens3: queue 0 rx IRQ 26 CPU 0-1 -> 0')
    const channels = { tunable: 'channels', key: 'combined', label: 'channels', old: '2', new: '4' }
    expect(describeStep({ ...step, ...channels })).toBe('ens3: channels 2 -> 4')
    const skip: Skip = { nic: 'ens3', tunable: 'xps', code: 'no-xps', why: 'no xps_cpus' }
    expect(describeSkip(skip)).toBe('ens3: xps skipped: no xps_cpus')
    expect(describeSkip({ ...skip, tunable: undefined })).toBe('ens3: NIC skipped: no xps_cpus')
  })
})

describe('the target', () => {
  it('is shown as it is calculated, with the terms that there are', () => {
    const nic = nicOf({ ifindex: 2, maximum: 2 }, ONLINE)
    expect(describeTarget(planOf(nic), 4, 4)).toBe('min(vCPUs 4, host 2) = 2')
    expect(describeTarget(planOf(nic, { cap: 1 }), 4, 3)).toBe(
      'min(vCPUs 4, not isolated 3, host 2, cap 1) = 1',
    )
    expect(describeTarget(planOf(nic, { cap: 3, channels: 1 }), 4, 4)).toBe(
      'min(vCPUs 4, host 2, cap 3, fixed 1) = 1',
    )
    // A fixed count may include isolated CPUs.
    expect(describeTarget(planOf(nic, { channels: 2 }), 4, 1)).toBe('min(vCPUs 4, host 2, fixed 2) = 2')
    const mute = { ...nic, channels: { current: 2, maximum: undefined } }
    expect(describeTarget(planOf(mute), 4, 4)).toBe('min(vCPUs 4) = 4')
  })

  it('names the limit of the driver where that counts', () => {
    const many = Array.from({ length: 300 }, (_, cpu) => cpu)
    const nic = nicOf({ ifindex: 2, maximum: 300 }, many)
    const plan = planOf(nic)
    const desired = { ...plan.desired, idealChannels: 256, limitedBy: 'driver' } as const
    expect(describeTarget({ ...plan, desired }, 300, 300)).toBe('min(vCPUs 300, host 300, driver 256) = 256')
  })

  it('has a reason in words', () => {
    expect(describeLimit('vcpus')).toBe('one per vCPU')
    expect(describeLimit('host')).toBe('the maximum of the host')
    expect(describeLimit('xdp')).toBe('kept, XDP is attached')
  })
})

describe('a change of channels', () => {
  it('is followed by what the kernel resets, where it does', () => {
    const resets = 'then IRQ affinity and XPS are checked again: the kernel resets them when channels change'
    expect(describeSecondRound([{}])).toBe(resets)
    expect(describeSecondRound([{ selectsQueueByCpu: true }, {}])).toBe(resets)
    expect(describeSecondRound([{ selectsQueueByCpu: true }])).toBe(
      'then IRQ affinity is checked again: other queues have other interrupts',
    )
  })
})

describe('the state of a NIC', () => {
  const none: Pick<Skip, 'tunable'>[] = []
  it.each([
    ['nothing to do', 0, none, 'converged'],
    ['something to do', 2, none, 'drift'],
    ['left alone as a whole, whatever differs', 2, [{ tunable: undefined }], 'skipped'],
    ['its channels cannot be set', 0, [{ tunable: 'channels' }], 'skipped'],
    ['its channels cannot be set, but something else', 1, [{ tunable: 'channels' }], 'drift'],
    ['another tunable is not to be had', 0, [{ tunable: 'xps' }], 'converged'],
  ])('%s', (_, pending, skips, state) => {
    expect(stateFrom(pending, skips)).toBe(state)
  })

  it('is that of its plan', () => {
    expect(stateOf(planOf(nicOf({ ifindex: 2, maximum: 4 }, ONLINE)))).toBe('converged')
    expect(stateOf(planOf(nicOf({ ifindex: 2, maximum: 4, current: 2 }, ONLINE)))).toBe('drift')
    expect(stateOf(planOf(nicOf({ ifindex: 2, maximum: 4 }, ONLINE), { enabled: false }))).toBe('skipped')
  })
})

describe('the summary', () => {
  const nic = nicOf({ ifindex: 2, maximum: 4 }, ONLINE)

  it('of a NIC as desired has the count, its reason and the privacy of the queues', () => {
    expect(summaryOf(planOf(nic))).toBe('eth2: 4 channels (one per vCPU), every queue private')
    expect(summaryOf(planOf(nicOf({ ifindex: 2, maximum: 1 }, ONLINE)))).toBe(
      'eth2: 1 channel (the maximum of the host), a single queue',
    )
  })

  it('has the target where it is another one, and counts what is pending', () => {
    expect(summaryOf(planOf(nicOf({ ifindex: 2, maximum: 4, current: 2 }, ONLINE)))).toBe(
      'eth2: 2 channels, target 4 (vCPUs), every queue private; 1 change pending',
    )
    const moved = withSetting(withSetting(nic, 'irq-affinity', 'queue 1 rx', '0'), 'xps', 'queue 3', '0')
    expect(summaryOf(planOf(moved))).toBe(
      'eth2: 4 channels (one per vCPU), 1 of 4 queues private; 2 changes pending',
    )
  })

  it('tells why a NIC is not tuned', () => {
    expect(summaryOf(planOf(nic, { enabled: false }))).toBe(
      'eth2: 4 channels (one per vCPU), every queue private; not tuned: enabled = false in the configuration',
    )
  })
})
