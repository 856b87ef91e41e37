import { describe, expect, it } from 'vitest'
import { ServiceProof } from '../../../src/daemon/service-proof'
import type { ObservedNic } from '../../../src/model'
import type { System } from '../../../src/system/system'
import { NIC, ONLINE } from '../../support/nic-context'
import { guestOf, withChannels } from '../../support/simulated-kernel'
import { systemWith } from '../../support/systems'

const RAISED = { nic: 'eth2', ifindex: 2, from: 2, to: 4 }
const FLOWS = Array.from(
  { length: 64 },
  (_, i) => `ESTAB 0 0 10.0.0.2:80 10.0.0.1:${1024 + i}\n\t cubic rto:204\n`,
).join('')

/** A daemon's proof, with counters and a clock that are set by hand. */
function setUp() {
  const state = { rx: [0, 0, 0, 0], tx: 0, now: 1_000_000, isBroken: false, readings: 0 }
  const system: System = Object.assign(Object.create(systemWith({})) as System, {
    findTool: (tool: string) => `/usr/sbin/${tool}`,
    run: async (tool: string) => {
      if (tool === 'ss') return { code: 0, stdout: FLOWS, stderr: '' }
      if (tool === 'ip') return { code: 0, stdout: '2: eth2    inet 10.0.0.2/24 scope global\n', stderr: '' }
      state.readings++
      if (state.isBroken) throw new Error('hangs')
      const rows = state.rx.map(
        (count, queue) => `  rx_queue_${queue}_packets: ${count}\n  tx_queue_${queue}_packets: ${state.tx}\n`,
      )
      return { code: 0, stdout: rows.join(''), stderr: '' }
    },
  })
  const proof = new ServiceProof(system, () => state.now)
  return {
    ...{ state, proof },
    /** What arrives until the next reading, which is made when it is due. */
    async next(rx: readonly number[], nic: ObservedNic = NIC) {
      state.rx = state.rx.map((count, queue) => count + (rx[queue] ?? 0))
      state.tx += 50
      state.now += proof.nextMs ?? 0
      await proof.check(guestOf(ONLINE, [nic]))
    },
    dead: () => proof.dead.get(2)?.queues,
  }
}

describe('the proof of service', () => {
  it('ends when each queue has received something, whenever that was', async () => {
    const { proof, next, dead } = setUp()
    proof.follow([RAISED])
    await next([0, 0, 0, 0])
    await next([5, 0, 1, 0])
    expect(proof.nextMs).toBe(20_000)
    await next([0, 5, 0, 1])
    expect([dead(), proof.nextMs]).toEqual([undefined, undefined])
  })

  it('finds queues that receive nothing, until they do, even if traffic ends', async () => {
    const { proof, next, dead } = setUp()
    proof.follow([RAISED])
    await next([0, 0, 0, 0])
    await next([500, 400, 0, 0])
    expect(dead()).toEqual([2, 3])
    expect(proof.dead.get(2)?.why).toMatch(/^queues 2-3 receive nothing while 64 connections/)
    await next([0, 0, 0, 0])
    expect(dead()).toEqual([2, 3])
    await next([500, 400, 3, 0])
    expect(dead()).toEqual([3])
    await next([500, 400, 300, 300])
    expect([dead(), proof.nextMs]).toEqual([undefined, undefined])
  })

  it('reads more and more seldom, and gives up on a NIC without traffic', async () => {
    const { state, proof, next } = setUp()
    proof.follow([RAISED])
    expect(proof.nextMs).toBe(0)
    const waits: (number | undefined)[] = []
    for (let i = 0; i < 25; i++) {
      await next([0, 0, 0, 0])
      waits.push(proof.nextMs)
    }
    expect(waits.slice(0, 8)).toEqual([10, 20, 40, 80, 160, 320, 320, 320].map((seconds) => 1000 * seconds))
    expect([waits.at(-2), waits.at(-1), state.readings]).toEqual([320_000, undefined, 25])
  })

  it('reads nothing before it is due', async () => {
    const { state, proof, next } = setUp()
    proof.follow([RAISED])
    await next([0, 0, 0, 0])
    await proof.check(guestOf(ONLINE, [NIC]))
    expect(state.readings).toBe(1)
  })

  it('forgets a NIC whose channels changed, or that is gone, and starts again with the next raise', async () => {
    const { proof, next } = setUp()
    proof.follow([RAISED])
    await next([0, 0, 0, 0], withChannels(NIC, 2, ONLINE))
    expect(proof.nextMs).toBeUndefined()
    proof.follow([RAISED])
    await proof.check(guestOf(ONLINE, []))
    expect(proof.nextMs).toBeUndefined()
    proof.follow([RAISED])
    proof.follow([{ ...RAISED, from: 4, to: 2 }])
    expect(proof.nextMs).toBeUndefined()
  })

  it('goes on when counters cannot be read', async () => {
    const { state, proof, next, dead } = setUp()
    proof.follow([RAISED])
    state.isBroken = true
    await next([0, 0, 0, 0])
    state.isBroken = false
    await next([0, 0, 0, 0])
    await next([500, 400, 0, 0])
    expect(dead()).toEqual([2, 3])
  })
})
