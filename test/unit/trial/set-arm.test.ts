import { renameSync, rmSync } from 'node:fs'
import { afterEach, describe, expect, it } from 'vitest'
import { DEFAULT_SETTINGS, type Settings } from '../../../src/config/settings'
import type { ObservedNic } from '../../../src/model'
import { readLedger } from '../../../src/planner/ledger'
import { observeGuest } from '../../../src/planner/observe'
import { setArm } from '../../../src/trial/set-arm'
import { BOOT, gatewayGuest, tearDown } from '../../support/gateway-guest'

afterEach(tearDown)

async function setUp(current: number, settings: Settings = DEFAULT_SETTINGS) {
  const guest = gatewayGuest('', current)
  rmSync(`${guest.root}/usr/sbin/ip`)
  const nic = (await observeGuest(guest.system, {})).nics[0] as ObservedNic
  const set = (channels: number, switches = {}) => setArm(guest.system, settings, nic, { channels, switches })
  return { ...guest, set }
}

describe('an arm', () => {
  it('gives the NIC its channels, whatever the configuration says, and leaves the ledger alone', async () => {
    const off = {
      ...DEFAULT_SETTINGS,
      rules: [{ match: {}, settings: { enabled: false, cap: 1 }, source: 'f:1' }],
    }
    const { set, channels, system } = await setUp(4, off)
    for (const count of [2, 2, 1, 4]) {
      await set(count)
      expect(channels()).toBe(count)
    }
    expect(readLedger(system, BOOT).entries).toEqual([])
  })

  it('that the kernel refuses is an error, with its words', async () => {
    const { set, refuse, channels } = await setUp(4)
    refuse('eth0', 'netlink error: Operation not permitted')
    await expect(set(2)).rejects.toMatchObject({
      kind: 'not-converged',
      message: expect.stringMatching(/^eth0: has 4 channels instead of 2: .*not permitted/i),
    })
    expect(channels()).toBe(4)
  })

  it('of a NIC that went is an error of its own', async () => {
    const { set, root } = await setUp(4)
    renameSync(`${root}/sys/class/net/eth0`, `${root}/away`)
    await expect(set(2)).rejects.toMatchObject({ kind: 'vanished', message: 'eth0: the NIC went away' })
  })

  it('with a value that the NIC cannot have is not measured as if it had it', async () => {
    const { set } = await setUp(4)
    // This guest has no threaded NAPI.
    await expect(set(4, { 'threaded-napi': 'on' })).rejects.toMatchObject({
      kind: 'unsupported',
      message: expect.stringMatching(/^eth0: /),
    })
  })
})
