import { describe, expect, it } from 'vitest'
import {
  conditionsOf,
  parseScatterGather,
  readSurroundings,
} from '../../../../src/hypervisor/zerocopy/conditions'
import type { ToolResult } from '../../../../src/system/system'
import { systemWith, withPrograms } from '../../../support/systems'
import { recorded } from '../recorded'

describe('conditions', () => {
  it('without iproute2 are those that need no look at devices', async () => {
    const { uplinks, conditions } = await readSurroundings(systemWith({}), undefined)
    expect(uplinks).toEqual([])
    expect(conditions.map(({ code }) => code)).toEqual(['no-uplink', 'small-packets', 'fallback-unseen'])
  })

  const surroundings = (named: string | undefined, ethtool: Partial<ToolResult>, stdout: string) =>
    readSurroundings(withPrograms(systemWith({}), { ip: [{ stdout }], ethtool: [ethtool] }), named)

  it('asks the named uplink, or those that the guests lead to', async () => {
    const links = recorded('ip-link.json')
    const off = { stdout: recorded('ethtool-k-lo.txt').replace('scatter-gather: on', 'scatter-gather: off') }
    const named = await surroundings('br0', off, links)
    expect(named.uplinks).toEqual([{ name: 'br0', scatterGather: false }])
    expect(named.conditions.map(({ code }) => code)).toEqual([
      'uplink-scatter-gather-off',
      'guest-to-guest',
      'small-packets',
      'fallback-unseen',
    ])
    const silent = { code: 92, stderr: 'Cannot get device feature names: No such device\n' }
    expect((await surroundings('br0', silent, links)).uplinks).toEqual([
      { name: 'br0', scatterGather: undefined },
    ])
    expect((await surroundings(undefined, {}, links)).uplinks).toEqual([])
  })

  it('knows no uplink of another name', async () => {
    await expect(surroundings('eth9', {}, recorded('ip-link.json'))).rejects.toThrow(
      /^--uplink eth9: no such network device; there are: .*br0/,
    )
    await expect(surroundings('eth9', {}, '[]')).rejects.toThrow('there are: none')
  })

  it('takes only on and off for an answer', () => {
    expect(parseScatterGather('scatter-gather: off [fixed]\n')).toBe(false)
    for (const text of ['', 'scatter-gather:', '\ttx-scatter-gather: on\n', 'no scatter-gather: on'])
      expect(parseScatterGather(text), text).toBeUndefined()
  })

  it('reads scatter-gather and says what defeats zero copy', () => {
    expect(parseScatterGather(recorded('ethtool-k-lo.txt'))).toBe(true)
    const conditions = conditionsOf(
      [{ name: 'eth1', scatterGather: false }],
      new Map([['br0', ['vnet0', 'vnet1']]]),
    )
    expect(conditions.filter(({ defeats }) => defeats).map(({ text }) => text)).toEqual([
      'eth1: scatter-gather is off: everything sent through it is copied (ethtool -K eth1 sg on)',
    ])
    expect(conditions.map(({ code }) => code)).toContain('guest-to-guest')
    expect(conditionsOf([], new Map()).map(({ code }) => code)).toEqual([
      'no-uplink',
      'small-packets',
      'fallback-unseen',
    ])
  })
})
