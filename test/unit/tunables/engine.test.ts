import { describe, expect, it } from 'vitest'
import type { ObservedNic, RecordedValues, Step } from '../../../src/model'
import {
  changedValues,
  cpuListsOf,
  executeStep,
  hasKernelLayout,
  isChannelStep,
  isRecordedValue,
  nounOf,
  planSettings,
  recordValues,
  restoreSettings,
  settingDirectories,
  showChange,
  showsKernelLayout,
  showValue,
  switchKeysOf,
  withWritten,
} from '../../../src/tunables/engine'
import { contextOf, desired, NIC, ONLINE, thrownBy, writingSystem } from '../../support/nic-context'
import { nicOf, withChannels, withSetting } from '../../support/simulated-kernel'

/** The NIC with the same CPU for every queue's rx interrupt and XPS. */
const piledUp = NIC.queues.reduce(
  (nic, { index }) =>
    withSetting(withSetting(nic, 'irq-affinity', `queue ${index} rx`, '0'), 'xps', `queue ${index}`, '0'),
  NIC,
)

describe('planning', () => {
  it('plans channels alone, since the kernel then writes the rest anew', () => {
    const alone = planSettings(contextOf(piledUp, desired(2)))
    expect(alone.steps.map(({ tunable }) => tunable)).toEqual(['channels'])
    expect(alone.steps.every(isChannelStep)).toBe(true)
  })

  it('plans interrupts before XPS, and has the skips of all', () => {
    const obstacle = { code: 'xdp', why: 'an XDP program is attached' } as const
    const plan = planSettings(contextOf({ ...piledUp, obstacle }, desired(4, 'xdp', 8)))
    expect(plan.steps.map(({ tunable }) => tunable)).toEqual([
      ...new Array(3).fill('irq-affinity'),
      ...new Array(3).fill('xps'),
    ])
    expect(plan.steps.some(isChannelStep)).toBe(false)
    expect(plan.skips.map(({ code }) => code)).toEqual(['xdp'])
    const shared = planSettings(
      contextOf(nicOf({ ifindex: 2, maximum: 4, layout: 'shared' }, ONLINE), desired(4)),
    )
    expect(shared.skips.map(({ code }) => code)).toEqual(['shared-interrupt'])
  })
})

describe('recorded values', () => {
  it('are by tunable and key', () => {
    expect(recordValues(withChannels(NIC, 1, ONLINE))).toEqual({
      channels: { combined: '1' },
      'irq-affinity': { 'queue 0 rx': '0-3', 'queue 0 tx': '0-3' },
      xps: { 'queue 0': '0-3' },
    })
    expect(recordValues({ settings: [] })).toEqual({})
    expect(cpuListsOf(withChannels(NIC, 1, ONLINE), 'xps')).toEqual(new Map([['queue 0', ONLINE]]))
  })

  it('are values of their tunable; of one that is not known, anything', () => {
    expect(isRecordedValue('channels', '4')).toBe(true)
    expect(isRecordedValue('channels', '0')).toBe(false)
    expect(isRecordedValue('xps', '9-1')).toBe(false)
    expect(isRecordedValue('of a later version', 'x')).toBe(true)
  })

  it('differ by tunable; what the kernel writes with the channels is no difference of its own', () => {
    const before = recordValues(NIC)
    expect(changedValues(before, before)).toEqual([])
    expect(changedValues(before, recordValues(withChannels(NIC, 2, ONLINE)))).toEqual([
      { tunable: 'channels', values: [{ key: 'combined', old: '4', new: '2' }] },
    ])
    expect(
      changedValues(before, recordValues(piledUp)).map(({ tunable, values }) => [tunable, values.length]),
    ).toEqual([
      ['irq-affinity', 3],
      ['xps', 3],
    ])
    // What is missing on either side is none.
    expect(changedValues({}, before)).toEqual([])
    expect(changedValues(before, { xps: {} })).toEqual([])
  })

  it('with what was written since are as they are now', () => {
    const [, ...rest] = planSettings(contextOf(piledUp, desired(4))).steps
    const step = rest.find(({ tunable }) => tunable === 'xps') as Step
    const now = recordValues(NIC)
    const then = recordValues(piledUp)
    expect(withWritten(then, now, [])).toEqual(then)
    const one = withWritten(then, now, [step])
    expect(one.xps?.[step.key]).toBe(now.xps?.[step.key])
    expect(changedValues(one, now).map(({ tunable, values }) => [tunable, values.length])).toEqual([
      ['irq-affinity', 3],
      ['xps', 2],
    ])
    const [channels] = planSettings(contextOf(NIC, desired(2))).steps
    const fewer = recordValues(withChannels(NIC, 2, ONLINE))
    expect(withWritten(now, fewer, [channels as Step])).toEqual(fewer)
    // A setting that one side does not have.
    expect(withWritten({ channels: { combined: '4' } }, now, [step])).toEqual({ channels: { combined: '4' } })
  })

  it("show the kernel's layout, or not", () => {
    expect(showsKernelLayout(recordValues(NIC), 4, ONLINE)).toBe(true)
    expect(showsKernelLayout(recordValues(piledUp), 4, ONLINE)).toBe(false)
    expect(showsKernelLayout({ channels: { combined: '4' } }, 4, ONLINE)).toBe(false)
    expect([hasKernelLayout('xps'), hasKernelLayout('channels'), hasKernelLayout('?')]).toEqual([
      true,
      false,
      false,
    ])
  })
})

it('keys of the configuration are those of the tunable', () => {
  expect(['rings', 'rfs', 'channels', 'unknown'].map(switchKeysOf)).toEqual([
    ['rx-ring', 'tx-ring'],
    ['rfs'],
    [],
    [],
  ])
})

describe('restoring', () => {
  const pair = nicOf({ ifindex: 2, maximum: 4, current: 2 }, ONLINE)
  const steps = (now: ObservedNic, recorded: RecordedValues, online = ONLINE, except?: ReadonlySet<string>) =>
    restoreSettings(now, recorded, online, 'why', except).map(({ tunable, key, old, new: value }) => [
      ...[tunable, key, old, value],
    ])

  it('writes channels alone first', () => {
    expect(restoreSettings(withChannels(pair, 4, ONLINE), recordValues(pair), ONLINE, 'why')).toEqual([
      {
        ...{ tunable: 'channels', nic: 'eth2', ifindex: 2, key: 'combined', label: 'channels' },
        ...{ file: undefined, old: '4', new: '2', reason: 'why' },
      },
    ])
  })

  it('writes the rest where channels cannot be written', () => {
    const four = withSetting(withChannels(pair, 4, ONLINE), 'xps', 'queue 1', '3')
    expect(steps(four, recordValues(pair), ONLINE, new Set(['channels']))).toContainEqual([
      ...['xps', 'queue 1', '3', '2-3'],
    ])
  })

  it('then writes each setting that differs', () => {
    expect(steps(pair, recordValues(pair))).toEqual([])
    const changed = withSetting(withSetting(pair, 'irq-affinity', 'queue 1 rx', '0'), 'xps', 'queue 0', '3')
    expect(steps(changed, recordValues(pair))).toEqual([
      ['irq-affinity', 'queue 1 rx', '0', '2-3'],
      ['xps', 'queue 0', '3', '0-1'],
    ])
  })

  it('leaves alone what was not recorded, has no setting now, or is no value', () => {
    const changed = withSetting(pair, 'xps', 'queue 0', '3')
    expect(steps(changed, {})).toEqual([])
    expect(steps({ ...changed, settings: [] }, recordValues(pair))).toEqual([])
    expect(steps(changed, { xps: { 'queue 0': 'nonsense' } })).toEqual([])
    const unknown = { tunable: 'of a later version', key: 'x', value: '1', label: 'x', file: undefined }
    expect(steps({ ...pair, settings: [unknown] }, { 'of a later version': { x: '2' } })).toEqual([])
  })

  it('counts only CPUs that are online, on both sides', () => {
    const wide = withSetting(pair, 'xps', 'queue 0', '0-1,3')
    expect(steps(wide, recordValues(pair), [0, 1])).toEqual([])
    expect(steps(wide, recordValues(pair))).toEqual([['xps', 'queue 0', '0-1,3', '0-1']])
    // Nothing of it is left.
    expect(steps(withSetting(pair, 'xps', 'queue 1', '0'), recordValues(pair), [0, 1])).toEqual([])
    // One CPU of two is left.
    expect(steps(withSetting(pair, 'xps', 'queue 1', '0'), recordValues(pair), [0, 1, 2])).toEqual([
      ['xps', 'queue 1', '0', '2'],
    ])
  })

  it('clears a mask that was empty, and gives no interrupt an empty one', () => {
    const empty: RecordedValues = { 'irq-affinity': { 'queue 0 rx': '' }, xps: { 'queue 0': '' } }
    expect(steps(pair, empty)).toEqual([['xps', 'queue 0', '0-1', '']])
  })
})

describe('executing', () => {
  const [step] = planSettings(contextOf(piledUp, desired(4))).steps as [Step]

  it('writes what the step says', async () => {
    const { system, written } = writingSystem()
    await executeStep(system, step)
    expect(written).toEqual([['/proc/irq/2002/smp_affinity_list', '1']])
  })

  it('writes nothing when the name belongs to another interface by now', async () => {
    const { system, written } = writingSystem()
    for (const stranger of [
      { ...step, ifindex: 3 },
      { ...step, nic: 'eth3' },
    ])
      expect(await thrownBy(() => executeStep(system, stranger))).toMatch(
        /^vanished: eth[23]: the name now belongs/,
      )
    expect(written).toEqual([])
  })

  it('refuses to write what is no value', async () => {
    await expect(executeStep(writingSystem().system, { ...step, new: 'x' })).rejects.toThrow(TypeError)
  })
})

it('directories of settings are named once', () => {
  expect(settingDirectories([withChannels(NIC, 1, ONLINE)])).toEqual([
    '/proc/irq/2000',
    '/proc/irq/2001',
    '/sys/class/net/eth2/queues/tx-0',
  ])
})

it('values for people have their unit', () => {
  expect(['channels', 'xps', '?'].map((name) => showValue(name, '2'))).toEqual(['2', 'CPU 2', '2'])
  expect(showValue('xps', '')).toBe('CPU none')
  expect(showChange({ tunable: 'channels', label: 'combined', old: '1', new: '4' })).toBe('combined 1 -> 4')
  expect(showChange({ tunable: 'xps', label: 'queue 0 XPS', old: '0-1', new: '' })).toBe(
    'queue 0 XPS CPU 0-1 -> none',
  )
})

it('settings are counted by their noun', () => {
  expect([nounOf('xps', 1), nounOf('xps', 2), nounOf('?', 2)]).toEqual([
    'XPS mask',
    'XPS masks',
    '? settings',
  ])
})

it('a setting whose text is no value, as of another kernel, is left alone', () => {
  const odd = withSetting(NIC, 'xps', 'queue 1', 'nonsense')
  expect(planSettings(contextOf(odd, desired(4))).steps).toEqual([])
  expect(cpuListsOf(odd, 'xps').get('queue 1')).toEqual([])
  const back = restoreSettings(odd, { xps: { 'queue 1': '3' } }, ONLINE, 'why')
  expect(back).toMatchObject([{ key: 'queue 1', old: 'nonsense', new: '3' }])
})

it('a wanted setting that the NIC does not have is not planned', () => {
  const bare = { ...NIC, settings: NIC.settings.filter(({ tunable }) => tunable !== 'channels') }
  expect(planSettings(contextOf(bare, desired(2))).steps.map(({ tunable }) => tunable)).not.toContain(
    'channels',
  )
})
