import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { afterEach, expect, it } from 'vitest'
import { probeQueues } from '../../../src/confirm/probe-queues'
import { gatewayGuest, tearDown } from '../../support/gateway-guest'

afterEach(tearDown)

const ALIVE = { carrier: true, gateway: '10.77.0.1', neighbour: 'REACHABLE' }
/** taskset(1) that only notes the CPU. */
const TASKSET = `#!/bin/sh
T=$(dirname "$(dirname "$(dirname "$0")")")
echo "$2" >>"$T/cpus"
shift 3
exec "$T/usr/sbin/ip" "$@"
`

/** A guest whose gateway answers with some channel counts only. */
function setUp(alive: string, current = 4) {
  const guest = gatewayGuest(alive, current)
  const { root, system } = guest
  writeFileSync(`${root}/usr/sbin/taskset`, TASKSET, { mode: 0o755 })
  return {
    root,
    verified: (connectivity = ALIVE) => probeQueues(system, { ifindex: 2 }, connectivity),
    cpus: () => readFileSync(`${root}/cpus`, 'utf8').trim().split('\n'),
    xps: (queue: number) => `${root}/sys/class/net/eth0/queues/tx-${queue}/xps_cpus`,
  }
}

it('the gateway is asked from a CPU of each queue', async () => {
  const { verified, cpus } = setUp('2', 2)
  expect(await verified()).toBe(true)
  expect(cpus()).toEqual(['0', '2'])
})

it('nothing is verified once it does not answer', async () => {
  const { verified, cpus } = setUp('')
  expect(await verified()).toBe(false)
  expect(cpus()).toEqual(['0'])
})

it('a queue through which no CPU sends cannot be verified', async () => {
  const { verified, xps, cpus } = setUp('2', 2)
  writeFileSync(xps(1), '0\n')
  expect(await verified()).toBe(false)
  expect(cpus()).toEqual(['0'])
})

it('of a CPU that is offline nothing is asked', async () => {
  const { verified, xps, cpus } = setUp('2', 2)
  writeFileSync(xps(1), '38\n')
  expect(await verified()).toBe(true)
  expect(cpus()).toEqual(['0', '3'])
  writeFileSync(xps(1), '30\n')
  expect(await verified()).toBe(false)
})

it('a single queue needs no XPS', async () => {
  const { verified, xps, cpus } = setUp('1', 1)
  rmSync(xps(0))
  expect(await verified()).toBe(true)
  expect(cpus()).toEqual(['0'])
})

it('it cannot be verified without a gateway, without taskset, and without the NIC', async () => {
  const { verified, root } = setUp('4')
  expect(await verified({ ...ALIVE, neighbour: 'FAILED' })).toBe(false)
  renameSync(`${root}/sys/class/net/eth0`, `${root}/away`)
  expect(await verified()).toBe(false)
  renameSync(`${root}/away`, `${root}/sys/class/net/eth0`)
  rmSync(`${root}/usr/sbin/taskset`)
  expect(await verified()).toBe(false)
})
