import { describe, expect, it } from 'vitest'
import { DEFAULT_SETTINGS } from '../../src/config/settings'
import { LOOK_AT_ALL, tuneGoal } from '../../src/goals'
import { observeGuest } from '../../src/observe'
import { parseLinks } from '../../src/system/ip-link'
import { capturedGuest } from '../support/captured-guest'

const look = async (name: string) => {
  const captured = capturedGuest(name)
  return { guest: await observeGuest(captured.host, LOOK_AT_ALL), calls: captured.calls }
}

describe('captured guests', () => {
  it('debian-6.12-4cpu-4q: each queue has its interrupts and CPUs', async () => {
    const { guest, calls } = await look('debian-6.12-4cpu-4q')
    const [nic] = guest.nics
    expect(nic).toMatchObject({
      name: 'enp0s8',
      bus: 'pci',
      busAddress: '0000:00:08.0',
      interruptLayout: 'per-queue',
      vectors: 9,
      channels: { current: 4, maximum: 4 },
      features: { multiqueue: true, controlQueue: true, rss: false },
      obstacle: undefined,
    })
    expect(nic?.queues.map((queue) => [queue.rxIrq?.affinity, queue.txIrq?.affinity, queue.xps])).toEqual(
      [0, 1, 2, 3].map((cpu) => [[cpu], [cpu], [cpu]]),
    )
    expect(calls).toEqual(['ip -j -d link show', 'ethtool -l enp0s8'])
  })

  it('starts no program when only sysfs is asked', async () => {
    const { host, calls } = capturedGuest('hotplug-drift')
    const guest = await observeGuest(host)
    expect(guest.nics[0]?.channels).toEqual({ current: 2, maximum: undefined })
    expect(calls).toEqual([])
  })

  it('takes a maximum that is known by interface index', async () => {
    const { host, calls } = capturedGuest('hotplug-drift')
    const ifindex = (await observeGuest(host)).nics[0]?.ifindex ?? 0
    const guest = await observeGuest(host, { needsMaximum: () => true, knownMaxima: new Map([[ifindex, 4]]) })
    expect(guest.nics[0]?.channels.maximum).toBe(4)
    expect(calls).toEqual([])
  })

  it.each([
    ['intx', 'intx'],
    ['microvm-mmio', 'mmio'],
    ['shared-vectors', 'shared'],
  ])('%s: the queues have no interrupt of their own', async (name, layout) => {
    const { guest } = await look(name)
    expect(guest.nics[0]?.interruptLayout).toBe(layout)
    expect(guest.nics[0]?.queues.every((queue) => queue.rxIrq === undefined)).toBe(true)
  })

  it('debian-6.12-max1: without MQ the maximum is 1 and ethtool is not asked', async () => {
    const { guest, calls } = await look('debian-6.12-max1')
    expect(guest.nics[0]?.channels).toEqual({ current: 1, maximum: 1 })
    expect(calls).toEqual(['ip -j -d link show'])
  })

  it('many-cpus: more than 64 vCPUs, masks of several groups', async () => {
    const { guest } = await look('many-cpus')
    expect(guest.cpus.online).toHaveLength(72)
    const covered = guest.nics[0]?.queues.flatMap((queue) => queue.xps ?? [])
    expect(covered).toEqual(guest.cpus.online)
  })

  it('offline-hole: vCPUs are counted, not numbered', async () => {
    const { guest } = await look('offline-hole')
    expect(guest.cpus.online.length).toBeLessThan((guest.cpus.online.at(-1) ?? 0) + 1)
  })

  it('renamed-altnames: any name is found by bus and driver', async () => {
    const { guest } = await look('renamed-altnames')
    expect(guest.nics.map((nic) => nic.name)).toEqual(['enp0s8', 'uplink0'])
    expect(guest.nics[1]?.altnames).toContain('storage-a')
  })

  it('nic-in-other-netns: said, not missed', async () => {
    const { guest } = await look('nic-in-other-netns')
    expect(guest.bystanders).toEqual([expect.objectContaining({ kind: 'other-namespace', name: 'virtio4' })])
  })

  it.each([
    ['bond', 'bond-master'],
    ['team', 'team-master'],
    ['bridge-vlan-macvlan', 'bridge'],
  ])('%s: the ports are targets, the master is explained', async (name, kind) => {
    const { guest } = await look(name)
    expect(guest.nics.length).toBeGreaterThan(0)
    expect(guest.nics.some((nic) => nic.master !== undefined)).toBe(true)
    expect(guest.bystanders.map((bystander) => bystander.kind)).toContain(kind)
  })

  it('isolated-cpus: read from sysfs', async () => {
    const { guest } = await look('isolated-cpus')
    expect(guest.cpus.isolated).toEqual([2, 3])
  })

  it('xdp-attached: the receive queues that XDP added give it away, without a program', async () => {
    const { host, calls } = capturedGuest('xdp-attached')
    const guest = await observeGuest(host)
    expect(guest.nics.map((nic) => nic.obstacle?.code)).toContain('xdp')
    expect(calls).toEqual([])
  })

  it('rss: the table is read where RSS was negotiated', async () => {
    const { guest } = await look('rss')
    expect(guest.nics[0]?.features.rss).toBe(true)
    expect(guest.nics[0]?.rssQueues).toEqual([0, 1, 2, 3])
  })
})

describe('ip -j link', () => {
  it('sees XDP in any mode and survives empty entries', () => {
    const links = parseLinks(
      JSON.stringify([
        {},
        { ifname: 'a', xdp: { mode: 1, prog: { id: 5 } } },
        { ifname: 'b', xdp: { mode: 0 } },
        { ifname: 'c', altnames: ['x', 3] },
      ]),
    )
    expect([...links].map(([name, { xdp }]) => [name, xdp])).toEqual([
      ['a', true],
      ['b', false],
      ['c', false],
    ])
    expect(links.get('c')?.altnames).toEqual(['x'])
  })

  it.each(['', '{}', 'nonsense'])('refuses %j', (text) => {
    expect(() => parseLinks(text)).toThrow(expect.objectContaining({ kind: 'tool-failed' }))
  })
})

it('a rule that names an altname holds for apply too', async () => {
  const { host, calls } = capturedGuest('renamed-altnames')
  const settings = {
    ...DEFAULT_SETTINGS,
    rules: [{ match: { name: 'storage-*' }, settings: { cap: 1 }, source: 'test' }],
  }
  const goal = tuneGoal(host, settings, { respectHolds: true })
  const { steps } = goal.plan(await goal.observe(new Map()), { version: 1, bootId: '', entries: [] })
  expect(steps).toEqual([expect.objectContaining({ kind: 'set-channels', nic: 'uplink0', old: 2, new: 1 })])
  expect(calls).toContain('ip -j -d link show')
})
