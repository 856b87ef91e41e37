import { describe, expect, it } from 'vitest'
import type { ObservedNic } from '../../../src/model'
import { restoreSettings } from '../../../src/tunables/engine'
import { erased } from '../../../src/tunables/erased'
import { threadedNapi } from '../../../src/tunables/threaded-napi'
import { contextOf, desired, NIC, ONLINE, writingSystem } from '../../support/nic-context'

const FILE = '/t/sys/class/net/eth2/threaded'
const withMode = (value: string): ObservedNic => ({
  ...NIC,
  settings: [
    ...NIC.settings,
    { tunable: 'threaded-napi', key: 'threaded', value, label: 'threaded NAPI', file: FILE },
  ],
})
const planOf = (nic: ObservedNic, mode?: string) =>
  erased(threadedNapi).plan(
    contextOf(nic, desired(4), mode === undefined ? {} : { switches: { 'threaded-napi': mode } }),
  )

describe('threaded NAPI', () => {
  it('"keep", the default, changes nothing, whatever there is', () => {
    for (const nic of [withMode('on'), withMode('off'), NIC])
      expect(planOf(nic)).toEqual({ steps: [], skips: [], notes: [] })
  })

  it('is set to what the configuration says', () => {
    expect(planOf(withMode('off'), 'on').steps).toMatchObject([
      { key: 'threaded', old: 'off', new: 'on', file: FILE, reason: 'set by the configuration' },
    ])
    expect(planOf(withMode('busy-poll'), 'off').steps).toMatchObject([{ old: 'busy-poll', new: 'off' }])
    expect(planOf(withMode('on'), 'on')).toEqual({ steps: [], skips: [], notes: [] })
  })

  it('is refused, and told, where the kernel does not have it', () => {
    for (const mode of ['on', 'off'])
      expect(planOf(NIC, mode)).toMatchObject({
        steps: [],
        skips: [
          {
            ...{ nic: 'eth2', tunable: 'threaded-napi', code: 'no-threaded-napi' },
            why: expect.stringContaining('no /sys/class/net/eth2/threaded'),
          },
        ],
      })
  })

  it('goes back to what it was', () => {
    const recorded = { 'threaded-napi': { threaded: 'off' } }
    expect(restoreSettings(withMode('on'), recorded, ONLINE, 'why')).toMatchObject([
      { tunable: 'threaded-napi', old: 'on', new: 'off', reason: 'why' },
    ])
    expect(restoreSettings(withMode('off'), recorded, ONLINE, 'why')).toEqual([])
    expect(erased(threadedNapi).isValue('1')).toBe(false)
  })

  it("is read and written as the kernel's number; a file that says nothing known is no setting", () => {
    const { system, written } = writingSystem()
    const read = (text: string | undefined) => {
      Object.assign(system, { readText: (path: string) => (path === FILE ? text : undefined) })
      return threadedNapi.read(system, NIC).map(({ value }) => value)
    }
    expect(['0\n', '1\n', '2\n'].flatMap(read)).toEqual(['off', 'on', 'busy-poll'])
    for (const text of [undefined, '', '\n', '3\n', '-1\n', '0.5\n', 'x\n']) expect(read(text)).toEqual([])
    const [step] = planOf(withMode('off'), 'on').steps
    if (step === undefined) throw new Error('no step')
    void threadedNapi.write(system, step, 'on')
    void threadedNapi.write(system, step, 'off')
    expect(written).toEqual([
      [FILE, '1'],
      [FILE, '0'],
    ])
  })
})
