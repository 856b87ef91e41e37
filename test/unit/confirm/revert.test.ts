import { renameSync, rmSync } from 'node:fs'
import { afterEach, describe, expect, it } from 'vitest'
import { channelsOf, describeLoss, revert } from '../../../src/confirm/revert'
import type { UnconfirmedEntry } from '../../../src/confirm/unconfirmed'
import { readLedger, type Unconfirmed, writeLedger } from '../../../src/planner/ledger'
import { BOOT, gatewayGuest, tearDown } from '../../support/gateway-guest'

afterEach(tearDown)

const WHY = 'the carrier was lost'
const count = (channels: number) => ({ channels: { combined: String(channels) } })

/** A NIC with four channels, which were changed from one. */
function setUp(change: Partial<Unconfirmed> = {}) {
  const guest = gatewayGuest('', 4)
  const unconfirmed: Unconfirmed = {
    ...{ confirmed: count(1), carrier: true, until: 'T', untilMs: 0 },
    ...{ watcher: { pid: 1, startTicks: '1' }, ...change },
  }
  const entry: UnconfirmedEntry = {
    ...{ virtio: 'virtio0', ifindex: 2, name: 'eth0', mac: '52:54:00:00:00:00', at: 'T' },
    ...{ original: count(2), unconfirmed },
  }
  writeLedger(guest.system, { version: 2, bootId: BOOT, entries: [entry] })
  return { ...guest, entry, kept: () => readLedger(guest.system, BOOT).entries[0] }
}

describe('a NIC that lost its connectivity', () => {
  it('gets the last confirmed channels, and is held', async () => {
    const { system, entry, channels, kept } = setUp()
    expect(await revert(system, entry, WHY)).toEqual({
      ...{ nic: 'eth0', from: 4, channels: 1, why: WHY, failure: undefined },
    })
    expect(channels()).toBe(1)
    expect(kept()).toMatchObject({ held: true, heldWhy: `${WHY} with 4 channels`, original: count(2) })
    expect(kept()).not.toHaveProperty('unconfirmed')
  })

  it('gets those before the latest change, where it has the confirmed ones again', async () => {
    const { system, entry, channels } = setUp({ confirmed: count(4), before: count(2) })
    expect(await revert(system, entry, WHY)).toMatchObject({ from: 4, channels: 2 })
    expect(channels()).toBe(2)
  })

  it('gets the confirmed ones where an earlier revert was cut off', async () => {
    const { system, entry, channels } = setUp({ before: count(4), lost: 'earlier' })
    expect(await revert(system, entry, 'earlier')).toMatchObject({ channels: 1 })
    expect(channels()).toBe(1)
  })

  it('is left alone where somebody else has changed its channels, or ended the change', async () => {
    const back = setUp()
    back.ethtool('-L', 'eth0', 'combined', '1')
    expect(await revert(back.system, back.entry, WHY)).toBeUndefined()
    expect(back.kept()?.held).toBeUndefined()
    const other = setUp()
    const entry = { ...other.entry, unconfirmed: { ...other.entry.unconfirmed, untilMs: 1 } }
    expect(await revert(other.system, entry, WHY)).toBeUndefined()
    expect([back.channels(), other.channels()]).toEqual([1, 4])
  })

  it('is told when it went away', async () => {
    const { system, entry, root } = setUp()
    renameSync(`${root}/sys/class/net/eth0`, `${root}/away`)
    expect(await revert(system, entry, WHY)).toEqual({
      ...{ nic: 'eth0', from: 1, channels: 1, why: WHY, failure: 'the NIC went away' },
    })
  })

  it('stays to be reverted when the kernel refuses', async () => {
    const { system, entry, refuse, root, channels, kept } = setUp()
    refuse('eth0', 'netlink error: Operation not permitted')
    const loss = await revert(system, entry, WHY)
    expect(loss).toMatchObject({ from: 4, channels: 1, failure: expect.stringContaining('not permitted') })
    expect(channels()).toBe(4)
    expect(kept()).toMatchObject({ held: true, unconfirmed: { confirmed: count(1), lost: WHY } })
    rmSync(`${root}/refuse.eth0`)
    const again = { ...entry, unconfirmed: kept()?.unconfirmed as Unconfirmed }
    expect(await revert(system, again, WHY)).toMatchObject({ channels: 1, failure: undefined })
    expect(channels()).toBe(1)
  })
})

it('a loss is one line, with the way out or the reason', () => {
  const loss = { nic: 'eth0', from: 4, channels: 1, why: WHY, failure: undefined }
  expect(describeLoss(loss)).toBe(
    'eth0: the carrier was lost after the change: reverted to 1 channel, held until the next boot or vqtune apply eth0',
  )
  expect(describeLoss({ ...loss, channels: 2, failure: 'busy' })).toBe(
    'eth0: the carrier was lost after the change, and reverting to 2 channels failed: busy',
  )
})

it('recorded channels are a number', () => {
  expect(channelsOf(count(12))).toBe(12)
  expect(channelsOf({})).toBeNaN()
})
