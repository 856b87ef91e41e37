import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, renameSync, rmSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { DEFAULT_SETTINGS, type Settings } from '../../../src/config/settings'
import {
  secondsLeft,
  type UnconfirmedEntry,
  unconfirmedEntries,
  untilNobodyWatches,
} from '../../../src/confirm/unconfirmed'
import { type PassResult, ReconcileLoop } from '../../../src/daemon/reconcile-loop'
import { readBootId } from '../../../src/kernel/boot-id'
import { ownProcess, startTicksOf } from '../../../src/kernel/process-identity'
import { type LedgerEntry, readLedger, type Unconfirmed, writeLedger } from '../../../src/planner/ledger'
import { rollbackOperation } from '../../../src/planner/operations'
import { converge } from '../../../src/planner/reconcile'
import { openSystem } from '../../../src/system/system'
import { BOOT, type GatewayGuest, gatewayGuest, tearDown } from '../../support/gateway-guest'
import { until } from '../../support/until'

/** While set, no pause ends: time stands still for a watch, however slowly the passes beside it go. */
const pauses = vi.hoisted(() => ({ held: undefined as Promise<void> | undefined }))
vi.mock('node:timers/promises', async (original) => {
  const real = await original<typeof import('node:timers/promises')>()
  const sleep: typeof real.setTimeout = async (...args) => {
    await pauses.held
    return real.setTimeout(...args)
  }
  return { ...real, setTimeout: sleep }
})

afterEach(tearDown)

function capped(cap: number | undefined): Settings {
  return { ...DEFAULT_SETTINGS, rules: [{ match: {}, settings: { cap }, source: 'test' }] }
}

/** A daemon's passes, and the ones that it asks for by itself. */
function daemonOn({ system, signal }: GatewayGuest) {
  const told: string[] = []
  const problems = new Map<string, string | undefined>()
  let wake = (): void => {}
  const woken = new Promise<void>((resolve) => {
    wake = resolve
  })
  const tuner = new ReconcileLoop(
    system,
    {
      drift: () => {},
      write: () => {},
      conflict: () => {},
      reverted: ({ from, channels, why, failure }) =>
        void told.push(`${from} -> ${channels}: ${why}${failure === undefined ? '' : ' (failed)'}`),
      irqbalance: () => {},
      problem: (topic, text) => void problems.set(topic, text),
    },
    signal,
    undefined,
    () => wake(),
  )
  return {
    told,
    problems,
    pass: (settings: Settings): Promise<PassResult> => tuner.run(settings),
    /** Once. */
    woken,
  }
}

describe('the daemon', () => {
  test('takes back channels that cut off the gateway, also when they were those of before the last change', async () => {
    const guest = gatewayGuest('1 2 4')
    const { pass, woken, told } = daemonOn(guest)
    await pass(capped(1))
    expect(guest.channels()).toBe(1)
    // The first change is not confirmed yet.
    guest.set('alive', '1')
    await pass(capped(undefined))
    expect(guest.channels()).toBe(4)
    await woken
    const { skips } = await pass(capped(undefined))
    expect(told).toEqual(['4 -> 1: the default gateway 10.77.0.1 no longer answers'])
    expect(guest.channels()).toBe(1)
    expect(skips.map(({ code }) => code)).toEqual(['held'])
  })

  test('goes back over two changes to the last confirmed channels', async () => {
    const guest = gatewayGuest('2', 2)
    const { pass, woken, told } = daemonOn(guest)
    let goOn = (): void => {}
    pauses.held = new Promise((resolve) => {
      goOn = resolve
    })
    await pass(capped(1))
    await pass(capped(undefined))
    pauses.held = undefined
    goOn()
    await woken
    await pass(capped(undefined))
    expect(told).toEqual(['4 -> 2: the default gateway 10.77.0.1 no longer answers'])
    expect(guest.channels()).toBe(2)
  })

  test('knows the last confirmed channels after a detour back to them', async () => {
    const guest = gatewayGuest('1 2', 1)
    const { pass, woken, told } = daemonOn(guest)
    for (const cap of [2, 1, undefined]) await pass(capped(cap))
    await woken
    await pass(capped(undefined))
    expect(told).toEqual(['4 -> 1: the default gateway 10.77.0.1 no longer answers'])
  })

  test('tries again to go back when that failed, and says so once', async () => {
    const guest = gatewayGuest('1', 1)
    const { pass, woken, told } = daemonOn(guest)
    await pass(capped(undefined))
    await woken
    guest.refuse('eth0', 'netlink error: Operation not permitted')
    for (let i = 0; i < 2; i++) expect((await pass(capped(undefined))).againMs).toBe(5_000)
    expect(guest.channels()).toBe(4)
    rmSync(`${guest.root}/refuse.eth0`)
    expect((await pass(capped(undefined))).againMs).toBeUndefined()
    const why = 'the default gateway 10.77.0.1 no longer answers'
    expect(told).toEqual([`4 -> 1: ${why} (failed)`, `4 -> 1: ${why}`])
    expect(guest.channels()).toBe(1)
  })
})

describe('a change that is not confirmed', () => {
  const LOST = '4 -> 1: the default gateway 10.77.0.1 no longer answers'
  const entryIn = ({ system }: GatewayGuest): LedgerEntry | undefined => readLedger(system, BOOT).entries[0]
  /** The ledger as one that was written by a process that is gone, or another one. */
  const edit = (guest: GatewayGuest, how: (entry: UnconfirmedEntry) => object) => {
    const ledger = readLedger(guest.system, BOOT)
    const entries = unconfirmedEntries(ledger).map((entry) => ({
      ...entry,
      unconfirmed: { ...entry.unconfirmed, ...how(entry) },
    }))
    writeLedger(guest.system, { ...ledger, entries })
  }
  const GONE = { watcher: { pid: process.pid, startTicks: 'of another process' } }
  /** One pass that sets four channels, and nothing that watches them any longer. */
  const abandoned = async (alive: string, how: object = GONE) => {
    const guest = gatewayGuest(alive, 1)
    const before = new AbortController()
    await daemonOn({ ...guest, signal: before.signal }).pass(capped(undefined))
    before.abort()
    edit(guest, () => how)
    return guest
  }

  test('is in the ledger until the watch is over', async () => {
    const guest = gatewayGuest('1 2 4', 1)
    const { pass } = daemonOn(guest)
    const short = { ...capped(undefined), guard: { ...DEFAULT_SETTINGS.guard, commitConfirmSeconds: 1 } }
    await pass(short)
    expect(entryIn(guest)?.unconfirmed).toMatchObject({
      confirmed: { channels: { combined: '1' } },
      ...{ carrier: true, gateway: '10.77.0.1', neighbour: 'REACHABLE' },
      watcher: ownProcess(openSystem()),
    })
    await until(() => entryIn(guest)?.unconfirmed === undefined)
    expect(entryIn(guest)).toMatchObject({ applied: { channels: { combined: '4' } } })
    const text = readFileSync(`${guest.root}/run/vqtune/ledger.json`, 'utf8')
    // Only the proof that the new queues receive is due later.
    expect((await pass(short)).againMs).toBeGreaterThan(5_000)
    expect(readFileSync(`${guest.root}/run/vqtune/ledger.json`, 'utf8')).toBe(text)
  })

  test('is taken over from a daemon that is gone, and reverted', async () => {
    const guest = await abandoned('1', { ...GONE, untilMs: 0 })
    expect(guest.channels()).toBe(4)
    const { pass, woken, told } = daemonOn(guest)
    await pass(capped(undefined))
    // The time is over, but a dead gateway has to be noticed.
    expect(secondsLeft(entryIn(guest)?.unconfirmed as Unconfirmed)).toBeGreaterThan(0)
    await woken
    const { skips } = await pass(capped(undefined))
    expect([told, guest.channels(), skips[0]?.code]).toEqual([[LOST], 1, 'held'])
    expect(entryIn(guest)).toMatchObject({ held: true, original: { channels: { combined: '1' } } })
    expect(entryIn(guest)?.unconfirmed).toBeUndefined()
  })

  test('is left to another process for as long as that lives', async () => {
    const guest = gatewayGuest('1', 1)
    const other = spawn('sleep', ['600'], { stdio: 'ignore' })
    await daemonOn({ ...guest, signal: AbortSignal.abort() }).pass(capped(undefined))
    const startTicks = startTicksOf(openSystem(), other.pid as number)
    const watched = await abandoned('1', { watcher: { pid: other.pid, startTicks } })
    const { pass, woken, told } = daemonOn(watched)
    for (let i = 0; i < 2; i++) expect((await pass(capped(undefined))).againMs).toBe(5_000)
    expect(entryIn(watched)?.unconfirmed?.watcher.pid).toBe(other.pid)
    // A trial, too, waits for that process, but not for ever, and for that NIC only.
    let isOver = false
    const nobody = (ifindex: number) =>
      untilNobodyWatches(watched.system, readBootId(watched.system), ifindex, watched.signal)
    const { ifindex } = entryIn(watched) as LedgerEntry
    const waiting = nobody(ifindex).then((hasWaited) => {
      isOver = true
      return hasWaited
    })
    expect(await nobody(ifindex + 1)).toBe(false)
    expect(isOver).toBe(false)
    const ended = once(other, 'exit')
    other.kill('SIGKILL')
    await ended
    expect(await waiting).toBe(true)
    await pass(capped(undefined))
    expect(entryIn(watched)?.unconfirmed?.watcher.pid).toBe(process.pid)
    await woken
    await pass(capped(undefined))
    expect([told, watched.channels()]).toEqual([[LOST], 1])
  })

  test('of which the revert was cut off is reverted at once', async () => {
    const guest = await abandoned('1 4', { ...GONE, lost: 'the carrier was lost' })
    const { pass, told } = daemonOn(guest)
    await pass(capped(undefined))
    expect([told, guest.channels()]).toEqual([['4 -> 1: the carrier was lost'], 1])
    expect(entryIn(guest)).toMatchObject({ held: true })
    expect(entryIn(guest)?.unconfirmed).toBeUndefined()
  })

  test('that was recorded and not made is over', async () => {
    const guest = await abandoned('1')
    guest.ethtool('-L', 'eth0', 'combined', '1')
    edit(guest, () => ({ ...GONE, lost: undefined }))
    const { pass, told } = daemonOn(guest)
    // The kernel knows already that the gateway is dead.
    guest.set('neigh', '10.77.0.1  FAILED \n')
    // Whether the watch sees that, or is over before on a slow machine.
    while (entryIn(guest)?.unconfirmed !== undefined) {
      await pass(capped(1))
      await sleep(20)
    }
    expect([told, guest.channels(), entryIn(guest)?.held]).toEqual([[], 1, undefined])
  })

  test('ends with a rollback', async () => {
    const guest = gatewayGuest('1', 1)
    const { pass, told } = daemonOn(guest)
    await pass(capped(undefined))
    await converge(guest.system, rollbackOperation(guest.system, undefined))
    expect([guest.channels(), entryIn(guest)?.unconfirmed]).toEqual([1, undefined])
    expect((await pass(capped(undefined))).againMs).toBeUndefined()
    expect(told).toEqual([])
  })

  test('of a NIC that is out of view waits for it', async () => {
    const guest = await abandoned('1')
    const there = `${guest.root}/sys/class/net/eth0`
    renameSync(there, `${guest.root}/away`)
    const { pass, woken, told } = daemonOn(guest)
    expect((await pass(capped(undefined))).againMs).toBeUndefined()
    expect(entryIn(guest)?.unconfirmed?.watcher).toEqual(GONE.watcher)
    renameSync(`${guest.root}/away`, there)
    await pass(capped(undefined))
    await woken
    await pass(capped(undefined))
    expect(told).toEqual([LOST])
  })

  test('cannot be confirmed while the ledger cannot be written: less and less often tried, and told', async () => {
    const guest = await abandoned('1 4')
    const replaceFile = vi.spyOn(guest.system, 'replaceFile').mockImplementation(() => {
      throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' })
    })
    const { pass, problems } = daemonOn(guest)
    const waits: (number | undefined)[] = []
    for (let i = 0; i < 3; i++) waits.push((await pass(capped(undefined))).againMs)
    expect(waits).toEqual([5_000, 10_000, 20_000])
    expect(problems.get('confirm')).toMatch(/cannot write the ledger \(ENOSPC\)$/)
    replaceFile.mockRestore()
    await pass(capped(undefined))
    expect(problems.get('confirm')).toBeUndefined()
    expect(entryIn(guest)?.unconfirmed?.watcher.pid).toBe(process.pid)
  })
})
