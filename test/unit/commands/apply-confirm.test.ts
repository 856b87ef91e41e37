import { afterEach, describe, expect, it } from 'vitest'
import { confirmAbandoned, confirmApply } from '../../../src/commands/apply-confirm'
import type { CommandContext } from '../../../src/commands/command'
import { DEFAULT_SETTINGS } from '../../../src/config/settings'
import { readHistory } from '../../../src/drift/history'
import { ownProcess } from '../../../src/kernel/process-identity'
import type { ObservedGuest } from '../../../src/model'
import { readLedger, type Unconfirmed, writeLedger } from '../../../src/planner/ledger'
import { observeGuest } from '../../../src/planner/observe'
import { openSystem } from '../../../src/system/system'
import { uptimeMs } from '../../../src/system/uptime'
import { commandOn } from '../../support/command-context'
import { BOOT, gatewayGuest, tearDown } from '../../support/gateway-guest'

afterEach(tearDown)

const NO_GATEWAY = { carrier: true }
const LOST =
  'eth0: the carrier was lost after the change: reverted to 1 channel, held until the next boot or vqtune apply eth0'

/** A NIC with four channels, which this process has changed from one, or another one that is gone. */
async function setUp(change: Partial<Unconfirmed>, of: Partial<CommandContext> = {}) {
  const made = gatewayGuest('', 4)
  const { system } = made
  const unconfirmed: Unconfirmed = {
    ...{ confirmed: { channels: { combined: '1' } }, until: 'T', untilMs: uptimeMs() + 1_000 },
    ...{ watcher: ownProcess(openSystem()), ...change },
  }
  const entry = {
    virtio: 'virtio0',
    ifindex: 2,
    name: 'eth0',
    mac: '52:54:00:00:00:00',
    at: 'T',
    original: {},
  }
  const ledger = { version: 2 as const, bootId: BOOT, entries: [{ ...entry, unconfirmed }] }
  writeLedger(system, ledger)
  const { context, said, warnings } = commandOn(system, of)
  const guest: ObservedGuest = await observeGuest(system, {})
  return {
    ...{ ...made, said, warnings },
    confirm: (limit?: AbortSignal) => confirmApply(context, DEFAULT_SETTINGS, { guest, ledger }, limit),
    confirmAbandoned: () => confirmAbandoned(context, DEFAULT_SETTINGS, BOOT, undefined),
    unconfirmed: () => readLedger(system, BOOT).entries[0]?.unconfirmed,
    history: () => readHistory(system).records,
  }
}

describe('an administrator', () => {
  it('has the carrier verified where no gateway can be, once', async () => {
    const { confirm, said, unconfirmed, channels } = await setUp(NO_GATEWAY)
    expect(await confirm()).toEqual([])
    expect(said).toEqual([
      'eth0: only the carrier can be verified: no default gateway\n',
      'eth0: the carrier is up\n',
    ])
    expect([unconfirmed(), channels()]).toEqual([undefined, 4])
  })

  it.each([
    ['FAILED', 'gateway 10.77.0.1 did not answer before the change either'],
    ['INCOMPLETE', 'gateway 10.77.0.1 was not known to answer: INCOMPLETE neighbour entry'],
    [undefined, 'gateway 10.77.0.1 was not known to answer: no neighbour entry'],
  ])('is told why the gateway is none to lose: %s', async (neighbour, why) => {
    const known = neighbour === undefined ? {} : { neighbour }
    const { confirm, said } = await setUp({ ...NO_GATEWAY, gateway: '10.77.0.1', ...known })
    await confirm()
    expect(said[0]).toBe(`eth0: only the carrier can be verified: ${why}\n`)
  })

  it('has the channels reverted that lost the carrier, with a warning', async () => {
    const { confirm, setCarrier, channels, warnings, history } = await setUp(NO_GATEWAY)
    setCarrier('0\n')
    expect(await confirm()).toMatchObject([{ nic: 'eth0', from: 4, channels: 1, failure: undefined }])
    expect([channels(), warnings, history()]).toEqual([1, [LOST], []])
  })

  it('keeps the channels with Ctrl-C, as whoever presses it is still connected', async () => {
    const { confirm, said, unconfirmed, channels } = await setUp(NO_GATEWAY, {
      signal: AbortSignal.abort('SIGINT'),
    })
    expect(await confirm()).toEqual([])
    expect(said.at(-1)).toBe('eth0: verification interrupted, channels kept\n')
    expect([unconfirmed(), channels()]).toEqual([undefined, 4])
  })

  it('leaves the change to the next vqtune with another signal, or when time is up', async () => {
    const stopped = await setUp(NO_GATEWAY, { signal: AbortSignal.abort('SIGTERM') })
    await stopped.confirm()
    expect(stopped.said.at(-1)).toBe(
      'eth0: verification interrupted: the daemon or the next vqtune apply finishes it\n',
    )
    expect(stopped.unconfirmed()?.carrier).toBe(true)
    const late = await setUp(NO_GATEWAY)
    await late.confirm(AbortSignal.abort())
    expect(late.unconfirmed()?.carrier).toBe(true)
  })

  it('reads no such lines with --json', async () => {
    const { confirm, said } = await setUp(NO_GATEWAY, { options: { json: true } })
    await confirm()
    expect(said).toEqual([])
  })
})

describe('a unit', () => {
  it('watches for the whole time, says nothing, and records what was reverted', async () => {
    const { confirm, setCarrier, said, warnings, history } = await setUp(NO_GATEWAY, {
      options: { unattended: true },
    })
    setCarrier('0\n')
    await confirm()
    expect([said, warnings]).toEqual([[], [LOST]])
    expect(history()).toMatchObject([{ kind: 'channels', old: '4', new: '1', action: 'reverted' }])
  })
})

describe('a change whose vqtune is gone', () => {
  const GONE = { pid: process.pid, startTicks: 'of another process' }

  it('is verified by the next one, which says so', async () => {
    const { confirmAbandoned, said, unconfirmed } = await setUp({ ...NO_GATEWAY, watcher: GONE })
    expect(await confirmAbandoned()).toEqual([])
    expect(said[0]).toBe(
      'eth0: its channels were changed and not confirmed: the vqtune that watched them is gone\n',
    )
    expect(unconfirmed()).toBeUndefined()
  })

  it('that was being reverted is reverted at once', async () => {
    const { confirmAbandoned, channels } = await setUp({
      ...NO_GATEWAY,
      watcher: GONE,
      lost: 'the carrier was lost',
    })
    expect(await confirmAbandoned()).toMatchObject([{ channels: 1, why: 'the carrier was lost' }])
    expect(channels()).toBe(1)
  })

  it('is none where its watcher lives', async () => {
    const { confirmAbandoned, said, unconfirmed } = await setUp(NO_GATEWAY)
    expect(await confirmAbandoned()).toEqual([])
    expect(said).toEqual([])
    expect(unconfirmed()?.carrier).toBe(true)
  })
})
