import { describe, expect, it } from 'vitest'
import { parseLinks, readLinks, requireLinks } from '../../../src/kernel/ip-link'
import { openSystem, type System } from '../../../src/system/system'

/** A system on which `ip` answers with this. */
const answering = (code: number, findTool = (): string | undefined => '/sbin/ip'): System =>
  Object.assign(Object.create(openSystem('/t')), {
    findTool,
    run: async () => ({
      code,
      stdout: '[{"ifname":"eth0"}]',
      stderr: 'Cannot open netlink socket\nmore\n',
    }),
  })

describe('links', () => {
  it('are none where ip is missing or refuses', async () => {
    expect([...(await readLinks(answering(0))).keys()]).toEqual(['eth0'])
    expect(await readLinks(answering(1))).toEqual(new Map())
    expect(await readLinks(answering(0, () => undefined))).toEqual(new Map())
    const broken = Object.assign(answering(0), { run: () => Promise.reject(new TypeError('a bug')) })
    await expect(readLinks(broken)).rejects.toThrow('a bug')
  })

  it('that are required are an error with the words of ip', async () => {
    expect([...(await requireLinks(answering(0))).keys()]).toEqual(['eth0'])
    await expect(requireLinks(answering(1))).rejects.toThrow('ip link: Cannot open netlink socket')
  })

  it('without a name are left out', () => {
    expect([...parseLinks('[{},null,3,{"ifname":"tap0"}]').keys()]).toEqual(['tap0'])
  })

  it('tell an XDP program in the driver from one above it', () => {
    const xdp = (entry: object) => parseLinks(JSON.stringify([{ ifname: 'eth0', ...entry }])).get('eth0')?.xdp
    expect(xdp({ xdp: { mode: 1, prog: { id: 62 }, attached: [{ mode: 1 }] } })).toBe(true)
    expect(xdp({ xdp: { mode: 2, prog: { id: 62 }, attached: [{ mode: 2 }] } })).toBe(false)
    // Offloaded, or several.
    expect([3, 4].map((mode) => xdp({ xdp: { mode } }))).toEqual([true, true])
    expect(xdp({ xdp: { mode: 0 } })).toBe(false)
    // Old iproute2.
    expect(xdp({ prog: { id: 62 } })).toBe(true)
    expect(xdp({ xdp: {} })).toBe(true)
    expect(xdp({ xdp: { mode: 2 }, prog: { id: 62 } })).toBe(false)
  })

  it('tell what they are and belong to', () => {
    const entry = {
      ...{ ifname: 'vnet0', link: 'eth0', master: 'br0', link_type: 'ether' },
      linkinfo: {
        info_kind: 'tun',
        info_data: { multi_queue: true, persist: true, numqueues: 1, numdisabled: 3 },
      },
    }
    const facts = {
      ...{ name: 'vnet0', altnames: [], xdp: false, master: 'br0', lower: 'eth0', kind: 'tun' },
      ...{ loopback: false, tapQueues: { active: 1, unused: 3 }, multiQueue: true, persistent: true },
    }
    const parsed = (one: object) => parseLinks(JSON.stringify([one])).get('vnet0')
    expect(parsed(entry)).toEqual(facts)
    for (const [data, multiQueue] of [
      [undefined, undefined],
      [3, undefined],
      [{ multi_queue: false, numqueues: 1, numdisabled: 0 }, false],
      [{ multi_queue: true, numqueues: 1 }, true],
      [{ multi_queue: true, persist: false, numdisabled: 1 }, true],
    ])
      expect(parsed({ ...entry, linkinfo: { info_kind: 'tun', info_data: data } })).toEqual({
        ...facts,
        ...{ tapQueues: undefined, multiQueue, persistent: false },
      })
    expect(parsed({ ...entry, linkinfo: null, link_type: 'loopback', master: 7 })).toEqual({
      ...facts,
      ...{ master: undefined, kind: undefined, loopback: true, tapQueues: undefined },
      ...{ multiQueue: undefined, persistent: false },
    })
  })
})

it('what is no JSON comes from an iproute2 that is too old, or is no list', () => {
  expect(() => parseLinks('1: lo')).toThrow(
    'ip -j link show printed no JSON: iproute2 4.13 or newer is needed',
  )
  expect(() => parseLinks('{}')).toThrow('ip -j link show printed no list')
})
