import { describe, expect, it } from 'vitest'
import { erased } from '../../../src/tunables/erased'
import { xps } from '../../../src/tunables/xps'
import { contextOf, desired, NIC, ONLINE, writingSystem } from '../../support/nic-context'
import { nicOf, withoutTunable, withSetting } from '../../support/simulated-kernel'

const plan = erased(xps).plan
const nothing = { steps: [], skips: [], notes: [] }
const shifted = withSetting(NIC, 'xps', 'queue 2', '0')

describe('XPS', () => {
  it('is planned for each queue whose mask is another', () => {
    expect(plan(contextOf(NIC, desired(4)))).toEqual(nothing)
    expect(plan(contextOf(shifted, desired(4)))).toEqual({
      ...nothing,
      steps: [
        {
          ...{ tunable: 'xps', nic: 'eth2', ifindex: 2, key: 'queue 2', label: 'queue 2 XPS' },
          ...{ file: '/sys/class/net/eth2/queues/tx-2/xps_cpus', old: '0', new: '2' },
          reason: 'CPU 2 transmits through queue 2',
        },
      ],
    })
    expect(plan(contextOf(shifted, desired(4), { switches: { xps: false } }))).toEqual(nothing)
    expect(plan(contextOf(shifted, desired(2)))).toEqual(nothing)
    const single = withSetting(nicOf({ ifindex: 2, maximum: 1 }, ONLINE), 'xps', 'queue 0', '0')
    expect(plan(contextOf(single, desired(1)))).toEqual(nothing)
  })

  it('of a kernel without it is skipped, once', () => {
    expect(plan(contextOf(withoutTunable(NIC, 'xps'), desired(4)))).toEqual({
      ...nothing,
      skips: [
        { nic: 'eth2', tunable: 'xps', code: 'no-xps', why: 'this kernel has no xps_cpus for the NIC' },
      ],
    })
  })

  it('has no settings where the driver ignores the masks, and says so', () => {
    const { system } = writingSystem()
    Object.assign(system, { readText: () => 'f\n' })
    const ignoring = { ...withoutTunable(NIC, 'xps'), selectsQueueByCpu: true }
    expect(xps.read(system, ignoring)).toEqual([])
    expect(plan(contextOf(ignoring, desired(4))).skips.map(({ code, why }) => [code, why])).toEqual([
      ['no-xps', "this kernel's driver chooses the transmit queue by CPU number and ignores xps_cpus"],
    ])
  })

  it('is read and written as a mask', () => {
    const { system, written } = writingSystem()
    const masks: Record<string, string> = { 'tx-0': '5\n', 'tx-1': 'nonsense', 'tx-2': '00000001,00000000\n' }
    Object.assign(system, {
      readText: (path: string) => masks[/queues\/(tx-\d)\/xps_cpus$/.exec(path)?.[1] ?? ''],
    })
    const file = (queue: number) => `/t/sys/class/net/eth2/queues/tx-${queue}/xps_cpus`
    expect(xps.read(system, NIC)).toEqual([
      { key: 'queue 0', value: [0, 2], label: 'queue 0 XPS', file: file(0) },
      { key: 'queue 2', value: [32], label: 'queue 2 XPS', file: file(2) },
    ])
    const [step] = plan(contextOf(shifted, desired(4))).steps
    if (step === undefined) throw new Error('no step')
    void xps.write(system, step, [2, 3])
    void xps.write(system, step, [])
    expect(written.map(([, text]) => text)).toEqual(['c', '0'])
  })
})
