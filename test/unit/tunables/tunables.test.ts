/** Each tunable: what it plans in which case, and how it tells why a write failed. */
import { describe, expect, it } from 'vitest'
import { DEFAULT_SETTINGS, nicSettings } from '../../../src/config/settings'
import { VqtuneError } from '../../../src/errors'
import type { DesiredNic, LimitingFactor, ObservedNic, RegressionHold } from '../../../src/model'
import { openSystem, type System } from '../../../src/system/system'
import { channels, setChannels } from '../../../src/tunables/channels'
import { execute, isChannelStep, planTunables, tunableOf } from '../../../src/tunables/index'
import { irqAffinity, setIrqAffinity } from '../../../src/tunables/irq-affinity'
import { StepRefused } from '../../../src/tunables/refused'
import { setXps, xps } from '../../../src/tunables/xps'
import { nicOf } from '../../support/simulated-kernel'

const ONLINE = [0, 1, 2, 3]
const GROUPS = ONLINE.map((cpu) => ({ irq: [cpu], xps: [cpu] }))
const NIC = nicOf({ ifindex: 2, maximum: 4 }, ONLINE)
const SETTINGS = nicSettings(DEFAULT_SETTINGS, NIC)
const STEPPED_BACK: RegressionHold = {
  ...{ from: 4, to: 2, confirmed: true, vcpus: 4, policy: '', why: 'with 4 channels it was worse', at: '' },
}
const desired = (
  target: number,
  limitedBy: LimitingFactor = 'vcpus',
  idealChannels = target,
): DesiredNic => ({
  idealChannels,
  target,
  limitedBy,
  groups: GROUPS.slice(0, target),
})
const context = (
  nic: ObservedNic,
  wish: DesiredNic,
  more: { settings?: Partial<typeof SETTINGS>; regressionHold?: RegressionHold } = {},
) => ({
  nic,
  desired: wish,
  settings: { ...SETTINGS, ...more.settings },
  regressionHold: more.regressionHold,
})
const withObstacle = { ...NIC, obstacle: { code: 'xdp', why: 'an XDP program is attached' } } as const

/** All that the errors of setters have in common: what was thrown, as kind or code and text. */
async function thrownBy(write: () => Promise<void> | void): Promise<string> {
  try {
    await write()
  } catch (error) {
    if (error instanceof StepRefused) return `refused as ${error.code}: ${error.message}`
    if (error instanceof VqtuneError) return `${error.kind}: ${error.message}`
    throw error
  }
  return 'nothing'
}

describe('channels', () => {
  it.each<[LimitingFactor, RegressionHold | undefined, string]>([
    ['vcpus', undefined, 'one queue pair for each of 2 online vCPUs'],
    ['host', undefined, 'the host exposes 4 queue pairs'],
    ['isolated', undefined, 'one queue pair for each of 2 vCPUs that are not isolated'],
    ['policy', undefined, 'the configuration says so'],
    ['driver', undefined, 'the most that the driver takes'],
    ['guard', STEPPED_BACK, 'stepped back by the guard: with 4 channels it was worse'],
    ['guard', { ...STEPPED_BACK, confirmed: false }, 'the guard compares: with 4 channels it was worse'],
  ])('limited by %s, says so', (limitedBy, regressionHold, reason) => {
    const more = regressionHold === undefined ? {} : { regressionHold }
    expect(channels.plan(context(NIC, desired(2, limitedBy), more))).toEqual({
      steps: [{ kind: 'set-channels', nic: 'eth2', old: 4, new: 2, reason }],
      skips: [],
    })
  })

  it('has nothing to say when the NIC has what it should', () => {
    expect(channels.plan(context(NIC, desired(4)))).toEqual({ steps: [], skips: [] })
    expect(channels.plan(context(withObstacle, desired(4)))).toEqual({ steps: [], skips: [] })
  })

  it('names what keeps it from more', () => {
    const skip = (nic: ObservedNic, limitedBy: LimitingFactor, regressionHold?: RegressionHold) =>
      channels.plan(
        context(nic, desired(4, limitedBy, 8), regressionHold === undefined ? {} : { regressionHold }),
      )
    const told = (code: string, why: string) => ({
      steps: [],
      skips: [{ nic: 'eth2', tunable: 'channels', code, why }],
    })
    expect(skip(withObstacle, 'xdp')).toEqual(told('xdp', 'an XDP program is attached'))
    expect(skip(NIC, 'unsupported')).toEqual(
      told('unsupported', 'the driver does not tell how many channels the host exposed'),
    )
    expect(skip(withObstacle, 'xdp', STEPPED_BACK)).toEqual(told('xdp', 'an XDP program is attached'))
    expect(skip(NIC, 'guard', STEPPED_BACK)).toEqual(
      told(
        'guard',
        'stepped back by the guard: with 4 channels it was worse; vqtune apply eth2 tries 4 again',
      ),
    )
    expect(skip(NIC, 'guard', { ...STEPPED_BACK, confirmed: false })).toEqual(
      told('guard', 'the guard compares: with 4 channels it was worse'),
    )
  })

  const systemOf = (code: number, stderr: string, xdp = false) => {
    const calls: unknown[][] = []
    const system: System = Object.assign(Object.create(openSystem('/nowhere')), {
      findTool: (tool: string) => `/usr/sbin/${tool}`,
      run: async (...call: unknown[]) => {
        calls.push(call)
        if (call[0] === 'ip')
          return {
            code: 0,
            stdout: JSON.stringify([{ ifname: 'eth2', xdp: { mode: xdp ? 1 : 0 } }]),
            stderr: '',
          }
        return { code, stdout: '', stderr }
      },
    })
    return { system, calls }
  }
  const step = { kind: 'set-channels', nic: 'eth2', old: 4, new: 2, reason: '' } as const

  it('are set by one ethtool, with a time limit', async () => {
    const { system, calls } = systemOf(0, '')
    expect(await thrownBy(() => execute(system, step))).toBe('nothing')
    expect(calls).toEqual([['ethtool', ['-L', 'eth2', 'combined', '2'], { timeoutMs: 15_000 }]])
  })

  it.each<[string, string]>([
    ['combined unmodified, ignoring\nno channel parameters changed', 'nothing'],
    [
      'netlink error: Operation not permitted',
      'permission: eth2: setting channels needs CAP_NET_ADMIN (Operation not permitted)',
    ],
    [
      'netlink error: no device matches name (offset 24)',
      'vanished: eth2: the NIC went away while its channels were set',
    ],
    [
      'netlink error: requested channel counts are too low for existing indirection table settings',
      'refused as rss-table: the kernel refused 2 channels (kernel: requested channel counts are too low for existing indirection table settings)',
    ],
    [
      'Cannot set device channel parameters: Operation not supported',
      'refused as unsupported: the kernel refused 2 channels (kernel: Operation not supported)',
    ],
    [
      'netlink error: Invalid argument',
      'tool-failed: eth2: channels 4 -> 2 refused by the kernel: Invalid argument',
    ],
  ])('that fail with %j', async (stderr, told) => {
    expect(await thrownBy(() => setChannels(systemOf(1, stderr).system, step))).toBe(told)
  })

  it('refused without a reason while an XDP program is attached, by that', async () => {
    const why = 'refused as xdp: an XDP program is attached: the driver refuses other channels (kernel: '
    const bare = 'netlink error: Invalid argument'
    expect(await thrownBy(() => setChannels(systemOf(1, bare, true).system, step))).toBe(
      `${why}Invalid argument)`,
    )
    const { system, calls } = systemOf(1, 'netlink error: XDP in use')
    expect(await thrownBy(() => setChannels(system, step))).toBe(`${why}XDP in use)`)
    expect(calls).toHaveLength(1)
  })
})

describe('IRQ affinity', () => {
  const crossed: ObservedNic = {
    ...NIC,
    queues: NIC.queues.map((queue) =>
      queue.index === 1 && queue.txIrq !== undefined
        ? { ...queue, txIrq: { ...queue.txIrq, affinity: [0, 1] } }
        : queue,
    ),
  }

  it('is planned for each interrupt that is elsewhere, and for no other', () => {
    expect(irqAffinity.plan(context(NIC, desired(4)))).toEqual({ steps: [], skips: [] })
    expect(irqAffinity.plan(context(crossed, desired(4)))).toEqual({
      steps: [
        {
          ...{ kind: 'set-irq-affinity', nic: 'eth2', queue: 1, direction: 'tx', irq: 2003 },
          ...{ old: [0, 1], new: [1], reason: 'IRQ 2003 (virtio2-output.1) belongs to CPU 1' },
        },
      ],
      skips: [],
    })
    expect(irqAffinity.plan(context(crossed, desired(4), { settings: { affinity: false } }))).toEqual({
      steps: [],
      skips: [],
    })
  })

  it('leaves queues alone that go away or have no interrupt', () => {
    expect(irqAffinity.plan(context(crossed, desired(1))).steps).toEqual([])
    const [first, ...others] = crossed.queues
    const gap = {
      ...crossed,
      queues: [{ ...first, rxIrq: undefined } as (typeof crossed.queues)[0], ...others],
    }
    expect(irqAffinity.plan(context(gap, desired(4))).steps).toHaveLength(1)
  })

  it.each([
    [
      'shared',
      'all queues share one MSI-X vector: the host gave the device too few (it needs 2 x queue pairs + 2)',
    ],
    ['intx', 'the device has no MSI-X vectors: all queues share one line interrupt'],
    ['mmio', 'virtio-mmio has one interrupt for all queues'],
    ['ccw', 'virtio-ccw uses adapter interrupts, which have no affinity per queue'],
    ['unknown', 'no interrupt of its queues was found in /proc/interrupts'],
  ] as const)('cannot be with layout %s, unless there is one queue and one is right', (layout, why) => {
    const nic = nicOf({ ifindex: 2, maximum: 4, layout }, ONLINE)
    const skip = { nic: 'eth2', tunable: 'irq-affinity', code: 'shared-interrupt', why }
    expect(irqAffinity.plan(context(nic, desired(4)))).toEqual({ steps: [], skips: [skip] })
    const single = nicOf({ ifindex: 2, maximum: 1, layout }, ONLINE)
    expect(irqAffinity.plan(context(single, desired(1)))).toEqual({ steps: [], skips: [] })
    expect(irqAffinity.plan(context(single, desired(4))).skips).toEqual([skip])
    expect(irqAffinity.plan(context(nic, desired(1))).skips).toEqual([skip])
  })
})

describe('XPS', () => {
  const shifted: ObservedNic = {
    ...NIC,
    queues: NIC.queues.map((queue) => (queue.index === 2 ? { ...queue, xps: [0] } : queue)),
  }

  it('is planned for each queue whose mask is another', () => {
    expect(xps.plan(context(NIC, desired(4)))).toEqual({ steps: [], skips: [] })
    expect(xps.plan(context(shifted, desired(4)))).toEqual({
      steps: [
        {
          ...{ kind: 'set-xps', nic: 'eth2', queue: 2, old: [0], new: [2] },
          reason: 'CPU 2 sends through queue 2',
        },
      ],
      skips: [],
    })
    const nothing = { steps: [], skips: [] }
    expect(xps.plan(context(shifted, desired(4), { settings: { xps: false } }))).toEqual(nothing)
    expect(xps.plan(context(shifted, desired(2)))).toEqual(nothing)
    const single = nicOf({ ifindex: 2, maximum: 1 }, ONLINE)
    expect(
      xps.plan(
        context({ ...single, queues: single.queues.map((one) => ({ ...one, xps: [0] })) }, desired(1)),
      ),
    ).toEqual(nothing)
  })

  it('of a kernel without it is skipped, once', () => {
    const bare = { ...NIC, queues: NIC.queues.map((queue) => ({ ...queue, xps: undefined })) }
    expect(xps.plan(context(bare, desired(4)))).toEqual({
      steps: [],
      skips: [
        { nic: 'eth2', tunable: 'xps', code: 'no-xps', why: 'this kernel has no xps_cpus for the NIC' },
      ],
    })
  })
})

describe('writes to kernel files', () => {
  const irqStep = {
    ...({ kind: 'set-irq-affinity', nic: 'eth2', queue: 1, direction: 'rx', irq: 26, reason: '' } as const),
    ...{ old: [0], new: [2, 3] },
  }
  const xpsStep = { kind: 'set-xps', nic: 'eth2', queue: 1, old: [0], new: [2, 3], reason: '' } as const
  const writing = (answer: () => void) => {
    const written: [string, string][] = []
    const system: System = Object.assign(Object.create(openSystem('/t')), {
      writeAttribute: (path: string, text: string) => {
        written.push([path, text])
        answer()
      },
    })
    return { system, written }
  }
  const failing = (code: string) =>
    writing(() => {
      throw Object.assign(new Error(`${code}: told by the kernel`), { code })
    }).system

  it('go to the one file of the interrupt or queue, in the form that it takes', async () => {
    const { system, written } = writing(() => {})
    await execute(system, irqStep)
    await execute(system, xpsStep)
    expect(written).toEqual([
      ['/t/proc/irq/26/smp_affinity_list', '2-3'],
      ['/t/sys/class/net/eth2/queues/tx-1/xps_cpus', 'c'],
    ])
  })

  it.each([
    ['EACCES', 'permission: eth2: IRQ 26: /t/proc/irq/26/smp_affinity_list is not writable (EACCES)'],
    ['EROFS', 'permission: eth2: IRQ 26: /t/proc/irq/26/smp_affinity_list is not writable (EROFS)'],
    ['ENOENT', 'vanished: eth2: IRQ 26: the interrupt went away while its affinity was set'],
    ['EIO', 'refused as refused: eth2: IRQ 26: the kernel does not let its affinity be set (kernel: EIO)'],
    [
      'EPERM',
      'refused as refused: eth2: IRQ 26: the kernel does not let its affinity be set (kernel: EPERM)',
    ],
    ['EINVAL', 'tool-failed: eth2: IRQ 26: affinity 2-3 not taken: EINVAL: told by the kernel'],
  ])('of an affinity that fail with %s', async (errno, told) => {
    expect(await thrownBy(() => setIrqAffinity(failing(errno), irqStep))).toBe(told)
  })

  const path = '/t/sys/class/net/eth2/queues/tx-1/xps_cpus'
  it.each([
    ['EACCES', `permission: eth2: XPS of queue 1: ${path} is not writable (EACCES)`],
    ['EPERM', `permission: eth2: XPS of queue 1: ${path} is not writable (EPERM)`],
    ['EROFS', `permission: eth2: XPS of queue 1: ${path} is not writable (EROFS)`],
    ['ENOENT', 'vanished: eth2: XPS of queue 1: the queue went away while it was set'],
    ['EINVAL', 'tool-failed: eth2: XPS of queue 1: CPU 2-3 not taken: EINVAL: told by the kernel'],
  ])('of an XPS mask that fail with %s', async (errno, told) => {
    expect(await thrownBy(() => setXps(failing(errno), xpsStep))).toBe(told)
  })

  it('keep the system error as their cause', () => {
    for (const write of [
      () => setIrqAffinity(failing('EACCES'), irqStep),
      () => setIrqAffinity(failing('ENOENT'), irqStep),
      () => setIrqAffinity(failing('EINVAL'), irqStep),
      () => setXps(failing('EACCES'), xpsStep),
      () => setXps(failing('ENOENT'), xpsStep),
      () => setXps(failing('EINVAL'), xpsStep),
    ]) {
      expect(write).toThrow(
        expect.objectContaining({ cause: expect.objectContaining({ code: expect.any(String) }) }),
      )
    }
  })
})

describe('the registry', () => {
  it('knows its tunables by the names that skips tell', () => {
    expect([channels, irqAffinity, xps].map(({ name }) => name)).toEqual(['channels', 'irq-affinity', 'xps'])
  })

  it('plans channels alone, since the kernel then writes the rest anew', () => {
    const nic = { ...NIC, queues: NIC.queues.map((queue) => ({ ...queue, xps: [0] })) }
    const alone = planTunables(context(nic, desired(2)))
    expect(alone.steps.map(({ kind }) => kind)).toEqual(['set-channels'])
    expect(alone.steps.every(isChannelStep)).toBe(true)
    expect(alone.steps.map(tunableOf)).toEqual(['channels'])
  })

  it('plans interrupts before XPS, and tells the skips of all', () => {
    const nic: ObservedNic = {
      ...withObstacle,
      queues: withObstacle.queues.map((queue) => ({
        ...queue,
        xps: [3 - queue.index],
        rxIrq: queue.rxIrq === undefined ? undefined : { ...queue.rxIrq, affinity: [3 - queue.index] },
      })),
    }
    const plan = planTunables(context(nic, desired(4, 'xdp', 8)))
    expect(plan.steps.map(({ kind }) => kind)).toEqual([
      ...new Array(4).fill('set-irq-affinity'),
      ...new Array(4).fill('set-xps'),
    ])
    expect(plan.steps.some(isChannelStep)).toBe(false)
    expect([...new Set(plan.steps.map(tunableOf))]).toEqual(['irq-affinity', 'xps'])
    expect(plan.skips.map(({ code }) => code)).toEqual(['xdp'])
    const shared = planTunables(
      context({ ...nicOf({ ifindex: 2, maximum: 4, layout: 'shared' }, ONLINE) }, desired(4)),
    )
    expect(shared.skips.map(({ code }) => code)).toEqual(['shared-interrupt'])
  })
})
