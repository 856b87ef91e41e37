import { describe, expect, it } from 'vitest'
import type { WatchEnd } from '../../../src/confirm/confirm'
import { findDeadQueues, watchWithService } from '../../../src/confirm/queue-service'
import type { Activity } from '../../../src/kernel/queue-activity'
import type { ObservedNic } from '../../../src/model'
import type { System } from '../../../src/system/system'
import { capturedGuest } from '../../support/captured-guest'
import { NIC } from '../../support/nic-context'

const RSS: ObservedNic = { ...NIC, features: { ...NIC.features, rss: true } }
const of = (...rx: number[]): Activity =>
  new Map(rx.map((count, queue) => [queue, { rx: count, tx: count + 99 }]))
const BEFORE: Activity = new Map([0, 1, 2, 3].map((queue) => [queue, { rx: 0, tx: 0 }]))
const HALF = of(500, 400, 0, 0)

const flow = (port: number): string =>
  `ESTAB 0 0 10.0.0.2:80 10.0.0.1:${port}\n\t cubic rto:204 lastsnd:5 lastrcv:5 lastack:5\n`

/** A guest with so many active connections. */
function guestWith(flows: number, more: Partial<System> = {}) {
  const { system, calls } = capturedGuest('rss-stale')
  const { run } = system
  const answers: Record<string, string> = {
    ss: Array.from({ length: flows }, (_, i) => flow(1024 + i)).join(''),
    'ip -o addr show dev eth2': '2: eth2    inet 10.0.0.2/24 scope global eth2\n',
    'ip -o addr show dev enp0s8': '2: enp0s8    inet 10.0.0.2/24 scope global enp0s8\n',
  }
  const guest: System = Object.assign(Object.create(system) as System, {
    findTool: (tool: string) => `/usr/sbin/${tool}`,
    run: async (tool: string, args: readonly string[]) => {
      const stdout = answers[tool] ?? answers[[tool, ...args].join(' ')]
      if (stdout === undefined) return run.call(system, tool, args)
      calls.push(tool)
      return { code: 0, stdout, stderr: '' }
    },
    ...more,
  })
  return { guest, calls }
}

describe('queues that receive nothing', () => {
  it('are told with the backend as the likely cause', async () => {
    const { guest } = guestWith(64)
    expect(await findDeadQueues(guest, NIC, BEFORE, HALF, 5_000)).toEqual({
      ...{ queues: [2, 3], flows: 64 },
      why: 'queues 2-3 receive nothing while 64 connections keep the others busy: the backend on the host serves fewer queues (vhost-user or OVS-DPDK with fewer receive queues, a tap opened with one)',
    })
    const one = await findDeadQueues(guest, NIC, BEFORE, of(500, 400, 300, 0), 5_000)
    expect(one?.why).toMatch(/^queue 3 receives nothing while 64 connections keep the others busy: /)
  })

  it('are told with the RSS table or a late RSS command where that can be', async () => {
    const { guest } = guestWith(64)
    const behind = { ...RSS, rssTable: { size: 128, spread: { equal: 2 } } }
    expect((await findDeadQueues(guest, behind, BEFORE, HALF, 5_000))?.why).toMatch(
      /busy: the RSS table names the first 2 only$/,
    )
    const made = { ...RSS, rssTable: { size: 128, spread: { equal: 4 } } }
    for (const nic of [RSS, made, { ...RSS, rssTable: 'unknown' } as const]) {
      expect((await findDeadQueues(guest, nic, BEFORE, HALF, 5_000))?.why).toMatch(
        /: an RSS command .* old number of queues, which ethtool -L eth2 combined 3 and ethtool -L eth2 combined 4 mend; or the backend/,
      )
    }
  })

  it('are none with few connections, and nothing is run while every queue receives', async () => {
    expect(await findDeadQueues(guestWith(22).guest, NIC, BEFORE, HALF, 5_000)).toBeUndefined()
    const { guest, calls } = guestWith(64)
    expect(await findDeadQueues(guest, NIC, BEFORE, of(500, 400, 1, 1), 5_000)).toBeUndefined()
    expect(calls).toEqual([])
  })

  it('are not judged where a table made by hand or an XDP program decides', async () => {
    const { guest } = guestWith(64)
    const hand = {
      ...RSS,
      rssTable: { size: 128, spread: { entries: [[0, 127] as const, [3, 1] as const] } },
    }
    expect(await findDeadQueues(guest, hand, BEFORE, HALF, 5_000)).toBeUndefined()
    const xdp = { ...NIC, obstacle: { code: 'xdp', why: '' } as const }
    expect(await findDeadQueues(guest, xdp, BEFORE, HALF, 5_000)).toBeUndefined()
  })
})

describe('a watch after a change of channels', () => {
  const stats = (rx: readonly number[], tx: number): string =>
    rx
      .map(
        (count, queue) => `     rx_queue_${queue}_packets: ${count}\n     tx_queue_${queue}_packets: ${tx}\n`,
      )
      .join('')

  /** Two readings of counters, and of TCP segments sent and sent again. */
  function watched(rx: readonly number[], segments: readonly [number, number], flows = 64) {
    let reading = 0
    const { guest } = guestWith(flows)
    const { run, readText } = guest
    Object.assign(guest, {
      run: async (tool: string, args: readonly string[]) =>
        args[0] === '-S'
          ? { code: 0, stdout: reading++ === 0 ? stats([0, 0, 0, 0], 0) : stats(rx, 50), stderr: '' }
          : run.call(guest, tool, args),
      readText: (path: string) => {
        if (!path.endsWith('/net/snmp')) return readText.call(guest, path)
        const [sent, again] = reading === 0 ? [1000, 0] : [1000 + segments[0], segments[1]]
        return `Tcp: OutSegs RetransSegs\nTcp: ${sent} ${again}\n`
      },
    })
    return guest
  }
  const notices: string[] = []
  async function end(guest: System, how: WatchEnd = 'over', waitMs = 2_100): Promise<WatchEnd> {
    notices.length = 0
    const watch = async (): Promise<WatchEnd> => {
      await new Promise((resolve) => setTimeout(resolve, waitMs))
      return how
    }
    const [nic] = (await import('../../../src/kernel/nics')).findNics(guest).targets
    return watchWithService(guest, nic?.ifindex ?? 0, watch, (text) => void notices.push(text))
  }

  it('tells queues that receive nothing', async () => {
    expect(await end(watched([500, 400, 0, 0], [1000, 9]))).toBe('over')
    expect(notices).toEqual([expect.stringMatching(/^queues 2-3 receive nothing while 64 connections/)])
  })

  it('is lost when connections stall on them', async () => {
    const lost = await end(watched([500, 400, 0, 0], [1000, 100]), 'verified')
    expect(lost).toEqual({
      lost: expect.stringMatching(
        /^connections stall \(100 of 1000 TCP segments sent again\), queues 2-3 receive nothing/,
      ),
    })
  })

  it('ends as it does where every queue receives, or it was cut short, or lost', async () => {
    expect(await end(watched([500, 400, 1, 1], [1000, 500]))).toBe('over')
    expect(await end(watched([500, 400, 0, 0], [1000, 500]), 'verified', 0)).toBe('verified')
    expect(await end(watched([500, 400, 0, 0], [1000, 500]), 'stopped')).toBe('stopped')
    const lost = { lost: 'the carrier was lost' }
    expect(await end(watched([500, 400, 0, 0], [1000, 500]), lost as WatchEnd)).toEqual(lost)
    expect(notices).toEqual([])
  })

  it('goes on where nothing can be read', async () => {
    const guest = watched([500, 400, 0, 0], [1000, 500])
    expect(await watchWithService(guest, 99, async () => 'over')).toBe('over')
    Object.assign(guest, {
      list: () => {
        throw new Error('EMFILE')
      },
    })
    expect(await watchWithService(guest, 2, async () => 'over')).toBe('over')
  })
})
