import { describe, expect, it } from 'vitest'
import { DEFAULT_SETTINGS } from '../../../src/config/settings'
import { VqtuneError } from '../../../src/errors'
import { parseLinks } from '../../../src/kernel/ip-link'
import type { ObservedNic, Obstacle } from '../../../src/model'
import { observeGuest } from '../../../src/planner/observe'
import { applyOperation, observeAll } from '../../../src/planner/operations'
import type { ToolResult } from '../../../src/system/system'
import { cpuListsOf, recordValues } from '../../../src/tunables/engine'
import { capturedGuest, withoutVectors } from '../../support/captured-guest'

const look = async (name: string) => {
  const captured = capturedGuest(name)
  return {
    guest: await observeGuest(captured.system, observeAll(captured.system, DEFAULT_SETTINGS)),
    calls: captured.calls,
  }
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
      features: { multiqueue: true, controlQueue: true, rss: false, ringReset: true },
      obstacle: undefined,
    })
    const cpus = [0, 1, 2, 3].map(String)
    expect(recordValues(nic as ObservedNic)).toMatchObject({
      channels: { combined: '4' },
      'irq-affinity': Object.fromEntries(
        cpus.flatMap((cpu) => [
          [`queue ${cpu} rx`, cpu],
          [`queue ${cpu} tx`, cpu],
        ]),
      ),
      xps: Object.fromEntries(cpus.map((cpu) => [`queue ${cpu}`, cpu])),
    })
    expect(calls).toEqual(['ip -j -d link show'])
  })

  it('starts no program when only sysfs is asked', async () => {
    const { system, calls } = capturedGuest('hotplug-drift')
    const guest = await observeGuest(system)
    expect(guest.nics[0]?.channels).toEqual({ current: 2, maximum: 4 })
    expect(calls).toEqual([])
  })

  it('takes a maximum that is known by interface index', async () => {
    const { system, calls } = capturedGuest('hotplug-drift')
    const ifindex = (await observeGuest(system)).nics[0]?.ifindex ?? 0
    const guest = await observeGuest(system, {
      needsMaximum: () => true,
      knownMaxima: new Map([[ifindex, 4]]),
    })
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
    const covered = [...cpuListsOf(guest.nics[0] as ObservedNic, 'xps').values()].flat()
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
    expect(guest.ignored).toEqual([expect.objectContaining({ kind: 'other-namespace', name: 'virtio4' })])
  })

  it.each([
    ['bond', 'bond-master'],
    ['team', 'team-master'],
    ['bridge-vlan-macvlan', 'bridge'],
  ])('%s: the ports are targets, the master is explained', async (name, kind) => {
    const { guest } = await look(name)
    expect(guest.nics.length).toBeGreaterThan(0)
    expect(guest.nics.some((nic) => nic.master !== undefined)).toBe(true)
    expect(guest.ignored.map((ignoredInterface) => ignoredInterface.kind)).toContain(kind)
  })

  it('isolated-cpus: read from sysfs', async () => {
    const { guest } = await look('isolated-cpus')
    expect(guest.cpus.isolated).toEqual([2, 3])
  })

  it('xdp-attached: the receive queues that XDP added give it away, without a program', async () => {
    const { system, calls } = capturedGuest('xdp-attached')
    const guest = await observeGuest(system)
    expect(guest.nics.map((nic) => nic.obstacle?.code)).toContain('xdp')
    expect(calls).toEqual([])
  })

  it('rss: the table is read where RSS was negotiated', async () => {
    const { guest } = await look('rss')
    expect(guest.nics[0]?.features.rss).toBe(true)
    expect(guest.nics[0]?.rssTable).toEqual({ size: 128, spread: { equal: 4 } })
  })

  it('rss: a driver that has no table has none, whatever was negotiated', async () => {
    const { system } = capturedGuest('rss')
    const { run } = system
    const host = Object.assign(system, {
      run: async (tool: string, args: readonly string[]): Promise<ToolResult> =>
        args[0] === '-x'
          ? { code: 1, stdout: '', stderr: 'Cannot get RX ring count: Operation not supported\n' }
          : run.call(system, tool, args),
    })
    expect((await observeGuest(host, observeAll(host, DEFAULT_SETTINGS))).nics[0]?.rssTable).toBeUndefined()
  })
})

describe('a guest that tells less, or changes while it is looked at', () => {
  /** debian-6.12-4cpu-4q where files, by the end of their path, and programs say something else. */
  function changed(
    files: Readonly<Record<string, string | undefined>>,
    programs: Readonly<Record<string, Partial<ToolResult>>> = {},
  ) {
    const { system, calls } = capturedGuest('debian-6.12-4cpu-4q')
    const { readText, run } = system
    return {
      calls,
      host: Object.assign(system, {
        readText: (path: string) => {
          const end = Object.keys(files).find((one) => path.endsWith(one))
          return end === undefined ? readText.call(system, path) : files[end]
        },
        run: async (tool: string, args: readonly string[]) => ({
          ...(await run(tool, args)),
          ...programs[tool],
        }),
      }),
    }
  }
  const gone = 'netlink error: no device matches name (offset 24)\nnetlink error: No such device\n'

  it('what sysfs does not tell is unknown, and no reason to fail', async () => {
    const nothing = ['/features', '/operstate', '/xps_cpus', '/rps_cpus', '/boot_id']
    const none = { '/isolated': undefined, '/nohz_full': undefined }
    const { host } = changed({ ...Object.fromEntries(nothing.map((end) => [end, undefined])), ...none })
    const { nics, ...guest } = await observeGuest(host, observeAll(host, DEFAULT_SETTINGS))
    expect(guest).toMatchObject({
      bootId: '',
      cpus: { online: [0, 1, 2, 3], isolated: [] },
    })
    expect(nics[0]).toMatchObject({
      operstate: 'unknown',
      features: { multiqueue: false, controlQueue: false, rss: false, ringReset: false },
      channels: { current: 4, maximum: 1 },
      rssTable: undefined,
    })
    expect(recordValues(nics[0] as ObservedNic)).not.toHaveProperty('xps')
    const damaged = await observeGuest(changed({ '/xps_cpus': 'g' }).host)
    expect(recordValues(damaged.nics[0] as ObservedNic)).not.toHaveProperty('xps')
  })

  it('without a NIC nothing is asked', async () => {
    const { host, calls } = changed({})
    const bare = Object.assign(host, { list: () => [] })
    expect(await observeGuest(bare, observeAll(bare, DEFAULT_SETTINGS))).toMatchObject({
      nics: [],
      ignored: [],
    })
    expect(calls).toEqual([])
  })

  it.each([undefined, '', '\n', '0-', 'all'])(
    'without a list of online CPUs it is not supported: %j',
    async (online) => {
      await expect(observeGuest(changed({ '/cpu/online': online }).host)).rejects.toMatchObject({
        kind: 'unsupported',
      })
    },
  )

  it.each(['suspended', 'suspending'])('a NIC that is %s is not woken to be asked', async (state) => {
    const { host, calls } = changed({ '/power/runtime_status': `${state}\n` })
    const [nic] = (await observeGuest(host, observeAll(host, DEFAULT_SETTINGS))).nics
    expect(nic).toMatchObject({ obstacle: { code: 'suspended' }, channels: { maximum: undefined } })
    expect(calls).toEqual(['ip -j -d link show'])
  })

  it('a NIC that goes before ethtool asks it is left alone; ethtool that fails stops nothing', async () => {
    const ask = (stderr: string) => {
      const host = withoutVectors(changed({}, { ethtool: { code: 1, stderr } }).host)
      return observeGuest(host, observeAll(host, DEFAULT_SETTINGS))
    }
    expect((await ask(gone)).nics[0]).toMatchObject({
      obstacle: { code: 'suspended', why: expect.stringContaining('no device matches name') },
      channels: { maximum: undefined },
    })
    expect((await ask('netlink error: Operation not supported\n')).nics[0]).toMatchObject({
      obstacle: undefined,
      channels: { current: 4, maximum: undefined },
    })
    expect((await ask('Segmentation fault\n')).nics[0]).toMatchObject({
      obstacle: {
        code: 'unknown-maximum',
        why: 'the maximum of the host is unknown: ethtool -l failed: Segmentation fault',
      },
      channels: { current: 4, maximum: undefined },
    })
  })

  it.each(['tool-missing', 'tool-failed', 'timeout', 'state'] as const)(
    'a NIC of whom ethtool cannot be asked (%s) is told, once asked, and does not stop the others',
    async (kind) => {
      const { system, calls } = capturedGuest('debian-6.12-4cpu-4q')
      const { run } = system
      let asked = 0
      const host = Object.assign(withoutVectors(system), {
        run: (tool: string, args: readonly string[]) => {
          if (tool !== 'ethtool') return run.call(system, tool, args)
          asked++
          return Promise.reject(new VqtuneError(kind, 'why'))
        },
      })
      const unanswered = new Map<number, Obstacle>()
      for (let looks = 0; looks < 2; looks++) {
        const { nics } = await observeGuest(host, { needsMaximum: () => true, unanswered })
        expect(nics[0]).toMatchObject({
          obstacle: { code: 'unknown-maximum', why: 'the maximum of the host is unknown: why' },
          channels: { current: 4, maximum: undefined },
          rssTable: undefined,
        })
        expect(nics[0]?.queues).toHaveLength(4)
      }
      expect([asked, calls]).toEqual([1, []])
      await observeGuest(host, { needsMaximum: () => true })
      expect(asked).toBe(2)
    },
  )

  it('a bug in asking ethtool is no obstacle', async () => {
    const { system } = capturedGuest('debian-6.12-4cpu-4q')
    const host = Object.assign(withoutVectors(system), { run: () => Promise.reject(new TypeError('bug')) })
    await expect(observeGuest(host, { needsMaximum: () => true })).rejects.toThrow('bug')
  })

  it('what else is known of a NIC comes before that ethtool does not tell', async () => {
    const { system } = capturedGuest('xdp-attached')
    const host = Object.assign(system, { run: () => Promise.reject(new VqtuneError('timeout', 'why')) })
    const options = { needsMaximum: () => true, unanswered: new Map<number, Obstacle>() }
    for (let looks = 0; looks < 2; looks++) {
      const { nics } = await observeGuest(host, options)
      expect(nics.map(({ obstacle }) => obstacle?.code)).toContain('xdp')
    }
  })

  it('what ip tells of a NIC is added, and of one that it does not list nothing is', async () => {
    const linked = async (link: object) => {
      const { host } = changed({}, { ip: { stdout: JSON.stringify([{ ifname: 'enp0s8', ...link }]) } })
      return (await observeGuest(host, observeAll(host, DEFAULT_SETTINGS))).nics[0]
    }
    expect((await linked({ xdp: { mode: 2 } }))?.obstacle).toBeUndefined()
    expect(await linked({ altnames: ['a'], xdp: { mode: 1 } })).toMatchObject({
      altnames: ['a'],
      obstacle: { code: 'xdp', why: 'an XDP program is attached: the driver refuses other channels' },
    })
    expect(await linked({})).toMatchObject({ altnames: [], obstacle: undefined })
    expect(await linked({ ifname: 'other', altnames: ['a'] })).toMatchObject({ altnames: [] })
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
  const { system, calls } = capturedGuest('renamed-altnames')
  const settings = {
    ...DEFAULT_SETTINGS,
    rules: [{ match: { name: 'storage-*' }, settings: { cap: 1 }, source: 'test' }],
  }
  const goal = applyOperation(system, settings, { respectHolds: true })
  const { steps } = goal.plan(await goal.observe(new Map()), { version: 2, bootId: '', entries: [] })
  expect(steps).toEqual([
    expect.objectContaining({ tunable: 'channels', nic: 'uplink0', old: '2', new: '1' }),
  ])
  expect(calls).toContain('ip -j -d link show')
})
