import { describe, expect, it } from 'vitest'
import {
  hasVcpuCallback,
  parseCoalescing,
  parseQueueCounterNames,
  readDriverAnswers,
  usesNetlink,
} from '../../../src/kernel/driver-answers'
import type { ToolResult } from '../../../src/system/system'
import { capturedGuest, guestFile } from '../../support/captured-guest'

const FULL = { rx: 256, rxMaximum: 256, tx: 256, txMaximum: 256 }
const FOUR = ['rx-usecs', 'rx-frames', 'tx-usecs', 'tx-frames']

describe('readDriverAnswers', () => {
  it.each([
    [
      'rhel8.10-changed',
      {
        rings: FULL,
        coalescing: 'unsupported',
        counters: { spelling: 'rx_queue_N', packets: true },
      },
    ],
    [
      'rhel9.6-changed',
      {
        rings: { ...FULL, rx: 128 },
        coalescing: FOUR,
        counters: { spelling: 'rx_queue_N', packets: true },
      },
    ],
    [
      'rhel10.0-changed',
      {
        rings: { ...FULL, rx: 128 },
        coalescing: ['adaptive-rx', ...FOUR],
        counters: { spelling: 'rxN', packets: false },
      },
    ],
  ])('%s', async (guest, expected) => {
    const answers = await readDriverAnswers(capturedGuest(guest).system, 'enp0s9')
    expect(answers).toEqual({ ...expected, netlink: true, followsVcpus: true })
  })

  it('an older capture has not all answers', async () => {
    expect(await readDriverAnswers(capturedGuest('debian-6.12-4cpu-4q').system, 'enp0s8')).toEqual({
      rings: undefined,
      coalescing: undefined,
      counters: { spelling: 'rxN', packets: false },
      netlink: true,
      followsVcpus: undefined,
    })
  })

  const answering = async (run: () => Promise<ToolResult>) =>
    readDriverAnswers(
      Object.assign(Object.create(capturedGuest('rhel9.6-changed').system), { run }),
      'enp0s8',
    )

  it('what has none of it, and what cannot be asked', async () => {
    const none = await answering(async () => ({ code: 94, stdout: '', stderr: 'no stats available\n' }))
    expect(none).toMatchObject({ rings: 'unsupported', counters: 'unsupported', netlink: undefined })
    const broken = await answering(async () => ({
      code: 1,
      stdout: '',
      stderr: 'netlink error: Invalid argument\n',
    }))
    expect(broken).toMatchObject({ rings: undefined, coalescing: undefined, counters: undefined })
    const missing = await answering(() => Promise.reject(new Error('ethtool is not installed')))
    expect(missing).toMatchObject({ rings: undefined, netlink: undefined })
  })
})

describe('text of ethtool', () => {
  it('coalescing: what is not n/a', () => {
    const text = guestFile('rhel10.0-changed', 'ethtool/enp0s8.c')
    expect(parseCoalescing(text)).toEqual(['adaptive-rx', ...FOUR])
    expect(parseCoalescing(text.replace('TX: n/a', 'TX: on'))).toEqual([
      'adaptive-rx',
      'adaptive-tx',
      ...FOUR,
    ])
    expect(parseCoalescing('Coalesce parameters for eth0:\nrx-usecs: n/a\n')).toEqual([])
    expect(parseCoalescing('')).toBeUndefined()
  })

  it('counters: both spellings', () => {
    expect(parseQueueCounterNames('NIC statistics:\n     rx_queue_0_packets: 7\n')).toEqual({
      spelling: 'rx_queue_N',
      packets: true,
    })
    expect(parseQueueCounterNames('     rx0_packets: 7\n')).toEqual({ spelling: 'rxN', packets: true })
    expect(parseQueueCounterNames('     rx0_drops: 7\n     rx0_xdp_packets: 1\n')).toEqual({
      spelling: 'rxN',
      packets: false,
    })
    expect(parseQueueCounterNames('NIC statistics:\n     rx_drops: 7\n')).toBeUndefined()
  })

  it('netlink says n/a, ioctl says 0', () => {
    expect(usesNetlink(guestFile('rhel8.10-changed', 'ethtool/enp0s8.l'))).toBe(true)
    expect(usesNetlink('Channel parameters for eth0:\nPre-set maximums:\nRX:\t\t0\n')).toBe(false)
    expect(usesNetlink('')).toBeUndefined()
  })
})

describe('hasVcpuCallback', () => {
  it('knows the line of the driver', () => {
    expect(hasVcpuCallback(' 10: virtio/net:dead\n171: virtio/net:online\n')).toBe(true)
    expect(hasVcpuCallback(' 10: virtio/net:dead\n')).toBe(false)
    expect(hasVcpuCallback(undefined)).toBeUndefined()
  })
})
