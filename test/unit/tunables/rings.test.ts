import { describe, expect, it } from 'vitest'
import type { ObservedNic, Rings, Step, SwitchValue } from '../../../src/model'
import type { ToolResult } from '../../../src/system/system'
import { restoreSettings } from '../../../src/tunables/engine'
import { erased } from '../../../src/tunables/erased'
import { concernsRings, rings } from '../../../src/tunables/rings'
import { contextOf, desired, NIC, ONLINE, thrownBy, writingSystem } from '../../support/nic-context'

const SIZES: Rings = { rx: 256, rxMaximum: 1024, tx: 256, txMaximum: 256 }

function withRings(sizes: ObservedNic['rings'], ringReset = true): ObservedNic {
  const nic = { ...NIC, features: { ...NIC.features, ringReset }, ...(sizes && { rings: sizes }) }
  const { system } = writingSystem()
  return { ...nic, settings: [...NIC.settings, ...erased(rings).read(system, nic)] }
}
const planOf = (nic: ObservedNic, rx: SwitchValue = 'keep', tx: SwitchValue = 'keep') =>
  erased(rings).plan(contextOf(nic, desired(4), { switches: { 'rx-ring': rx, 'tx-ring': tx } }))
const stepsOf = (...args: Parameters<typeof planOf>) =>
  planOf(...args).steps.map(({ key, label, old, new: value, reason }) => [key, label, old, value, reason])

describe('ring sizes', () => {
  it('"keep", the default, changes nothing, whatever there is', () => {
    const nothing = { steps: [], skips: [], notes: [] }
    for (const sizes of [SIZES, 'unknown', 'unsupported', undefined] as const) {
      expect(planOf(withRings(sizes))).toEqual(nothing)
      expect(erased(rings).plan(contextOf(withRings(sizes), desired(4)))).toEqual(nothing)
    }
    const bare = contextOf(withRings(SIZES), desired(4))
    expect(erased(rings).plan({ ...bare, settings: { ...bare.settings, switches: {} } })).toEqual(nothing)
  })

  it('are set to the maximum of the host, or to a number', () => {
    expect(stepsOf(withRings(SIZES), 'max', 'max')).toEqual([
      ['rx', 'rx ring', '256', '1024', 'the maximum of the host'],
    ])
    expect(stepsOf(withRings(SIZES), 512, 128)).toEqual([
      ['rx', 'rx ring', '256', '512', 'set by the configuration'],
      ['tx', 'tx ring', '256', '128', 'set by the configuration'],
    ])
    expect(stepsOf(withRings(SIZES), 'keep', 256)).toEqual([])
  })

  it('are limited by the host', () => {
    expect(stepsOf(withRings(SIZES), 4096, 512)).toEqual([
      ['rx', 'rx ring', '256', '1024', 'the maximum of the host; the configuration asks for 4096'],
    ])
  })

  it('are refused, and told, where they cannot be changed or are not known', () => {
    const skips = (...args: Parameters<typeof planOf>) => planOf(...args).skips.map(({ code }) => code)
    expect(planOf(withRings(SIZES, false), 'max')).toMatchObject({
      steps: [],
      skips: [{ tunable: 'rings', code: 'no-ring-reset', why: expect.stringContaining('QEMU 7.2') }],
    })
    // Nothing has to be changed.
    expect(skips(withRings(SIZES, false), 256, 'max')).toEqual([])
    expect(skips(withRings('unsupported'), 'max')).toEqual(['unsupported'])
    expect(skips(withRings('unknown'), 'max')).toEqual(['unknown-rings'])
    expect(skips(withRings(undefined), 'max')).toEqual(['unknown-rings'])
  })

  it('go back to what they were', () => {
    const steps = restoreSettings(
      withRings({ ...SIZES, rx: 1024 }),
      { rings: { rx: '256', tx: '256' } },
      ONLINE,
      '',
    )
    expect(steps).toMatchObject([{ tunable: 'rings', key: 'rx', old: '1024', new: '256' }])
  })

  it('concern a configuration that says more than "keep"', () => {
    const rule = (switches?: Readonly<Record<string, SwitchValue>>) => [
      { settings: switches === undefined ? {} : { switches } },
    ]
    const told = [{ 'rx-ring': 'max' }, { 'tx-ring': 128 }, { 'rx-ring': 'keep' }, { xps: true }, undefined]
    expect(told.map((switches) => concernsRings(rule(switches as Record<string, SwitchValue>)))).toEqual([
      ...[true, true, false, false, false],
    ])
    expect(concernsRings([])).toBe(false)
  })
})

describe('ethtool -G', () => {
  const shown = (rx: number): string =>
    `Pre-set maximums:\nRX:\t1024\nTX:\t256\nCurrent hardware settings:\nRX:\t${rx}\nTX:\t256\n`
  /** Runs the step rx 256 -> 1024. @param now the size that is shown after a failure */
  async function set(result: Partial<ToolResult>, now = 256) {
    const { system } = writingSystem()
    const calls: string[] = []
    Object.assign(system, {
      run: async (tool: string, args: readonly string[]): Promise<ToolResult> => {
        calls.push([tool, ...args].join(' '))
        const ok = { code: 0, stdout: '', stderr: '' }
        return args[0] === '-g' ? { ...ok, stdout: shown(now) } : { ...ok, ...result }
      },
    })
    const [step] = planOf(withRings(SIZES), 'max').steps
    return { calls, thrown: await thrownBy(() => erased(rings).write(system, step as Step)) }
  }
  const failing = (text: string): Partial<ToolResult> => ({ code: 81, stderr: `netlink error: ${text}\n` })

  it('sets one direction', async () => {
    expect(await set({})).toEqual({ calls: ['ethtool -G eth2 rx 1024'], thrown: 'nothing' })
    // As older versions say it of a size that is there already.
    const older = { code: 80, stderr: 'no ring parameters changed, aborting\n' }
    expect((await set(older)).thrown).toBe('nothing')
  })

  it("is refused by a driver that cannot do it, with the kernel's words", async () => {
    expect(await set(failing('Operation not supported'))).toEqual({
      calls: ['ethtool -G eth2 rx 1024', 'ethtool -g eth2'],
      thrown: 'refused as unsupported: the driver cannot change ring sizes (kernel: Operation not supported)',
    })
    const older = { code: 76, stderr: 'Cannot set device ring parameters: Operation not supported\n' }
    expect((await set(older)).thrown).toContain('(kernel: Operation not supported)')
    expect((await set(failing('Cannot allocate memory'))).thrown).toBe(
      'refused as refused: the kernel refused 1024 for the rx ring; dmesg may say why (kernel: Cannot allocate memory)',
    )
  })

  it('that stopped after the first queue is undone', async () => {
    expect(await set(failing('Operation not supported'), 1024)).toMatchObject({
      calls: ['ethtool -G eth2 rx 1024', 'ethtool -g eth2', 'ethtool -G eth2 rx 256'],
      thrown: expect.stringContaining('refused as unsupported'),
    })
  })

  it('fails without rights, and where the NIC went', async () => {
    expect((await set(failing('Operation not permitted'))).thrown).toMatch(
      /^permission: eth2: .*CAP_NET_ADMIN/,
    )
    expect((await set(failing('No such device'))).thrown).toBe(
      'vanished: eth2: the NIC went away while its rings were set',
    )
  })
})
