import { expect, it } from 'vitest'
import { difference, measureCommand } from '../../../src/trial/measure'
import { systemWith } from '../../support/systems'

const NET_DEV = '  eth0: 1 2 0 0 0 0 0 0 3 4 0 0 0 0 0 0\n'
const guest = () => systemWith({ '/proc/net/dev': NET_DEV, '/proc/stat': 'cpu  1 2 3 4 5 6 7 8\n' })

it.each([
  ['exits with 3', ['sh', '-c', 'echo why >&2; exit 3'], /^sh: why$/],
  ['is not there', ['vqtune-no-such-program'], /^vqtune-no-such-program: .*ENOENT/],
  // Of those that Node throws.
  ['cannot be started', ['echo', 'x'.repeat(200_000)], /^echo: .*E2BIG/],
])('a command that %s is a failure in one line', async (_, command, message) => {
  const measured = measureCommand(guest(), 'eth0', command, new AbortController().signal, undefined)
  await expect(measured).rejects.toMatchObject({
    kind: 'tool-failed',
    message: expect.stringMatching(message),
  })
})

it('requests of the probe are no traffic', () => {
  const counters = (packets: number, atMs: number) => ({
    nic: { rxBytes: 98 * packets, rxPackets: packets, txBytes: 98 * packets, txPackets: packets },
    cpu: { busy: 0, softirq: 0, stolen: 0, total: 0 },
    atMs,
  })
  const requests = { p99Ms: 0.4, packets: 1000, bytes: 98_000 }
  expect(difference(counters(0, 0), counters(500, 5000), requests)).toMatchObject({
    ...{ bytes: 0, packets: 0, seconds: 5, p99Ms: 0.4 },
  })
  // An answer that the NIC has not counted yet.
  expect(difference(counters(0, 0), counters(499, 5000), requests)).toMatchObject({ bytes: 0, packets: 0 })
})
