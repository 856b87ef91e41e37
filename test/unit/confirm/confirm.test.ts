import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { DEFAULT_SETTINGS, type Settings } from '../../../src/config/settings'
import { watchChange } from '../../../src/confirm/confirm'
import { probeConnectivity } from '../../../src/confirm/connectivity'
import { probeQueues } from '../../../src/confirm/probe-queues'
import {
  furtherChange,
  secondsLeft,
  type UnconfirmedEntry,
  unconfirmedEntries,
  untilNobodyWatches,
} from '../../../src/confirm/unconfirmed'
import { type PassResult, ReconcileLoop } from '../../../src/daemon/reconcile-loop'
import { readBootId } from '../../../src/kernel/boot-id'
import { ownProcess, startTicksOf } from '../../../src/kernel/process-identity'
import { type LedgerEntry, readLedger, type Unconfirmed, writeLedger } from '../../../src/planner/ledger'
import { observeGuest } from '../../../src/planner/observe'
import { rollbackOperation } from '../../../src/planner/operations'
import { converge } from '../../../src/planner/reconcile'
import { openSystem } from '../../../src/system/system'
import { recordValues } from '../../../src/tunables/engine'
import { type GeneratedTree, generateTree } from '../../support/generated-tree'
import { nicOf, withChannels } from '../../support/simulated-kernel'
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

/** Answers as iproute2 6.1 does. A probe is answered when the file `alive` lists the present channel count. */
const IP = `#!/bin/sh
T=$(dirname "$(dirname "$(dirname "$0")")")
case "$*" in
'-4 route show default dev eth0') echo 'default via 10.77.0.1 proto dhcp ' ;;
'-4 neigh show to 10.77.0.1 dev eth0') cat "$T/neigh" ;;
'-s neigh show') sed 's/^10.77.0.1/& dev eth0/' "$T/neigh" ;;
'-4 neigh change 10.77.0.1 lladdr 52:54:00:aa:bb:cc nud probe dev eth0')
  if grep -qw "$(cat "$T/sys/class/net/eth0/current")" "$T/alive"
  then echo '10.77.0.1 lladdr 52:54:00:aa:bb:cc REACHABLE ' >"$T/neigh.$$"
  else echo '10.77.0.1  FAILED ' >"$T/neigh.$$"
  fi
  # As the kernel: nobody sees an entry that is half written.
  mv "$T/neigh.$$" "$T/neigh" ;;
*) echo "unexpected: $*" >&2; exit 99 ;;
esac
`
const BOOT = '8a9b7c6d-0000-4000-8000-000000000000'
const STALE = '10.77.0.1 lladdr 52:54:00:aa:bb:cc STALE \n'

const trees: GeneratedTree[] = []
const stops: AbortController[] = []
afterEach(() => {
  for (const stop of stops.splice(0)) stop.abort()
  for (const tree of trees.splice(0)) tree.remove()
})

/** A guest whose gateway answers with some channel counts only. */
function setUp(alive: string, current = 4) {
  const tree = generateTree(4, [{ name: 'eth0', maximum: 4, current, counts: [1, 2, 4] }])
  trees.push(tree)
  const { root } = tree
  writeFileSync(`${root}/usr/sbin/ip`, IP)
  chmodSync(`${root}/usr/sbin/ip`, 0o755)
  writeFileSync(`${root}/alive`, `${alive}\n`)
  writeFileSync(`${root}/neigh`, STALE)
  writeFileSync(`${root}/sys/class/net/eth0/carrier`, '1\n')
  const stop = new AbortController()
  stops.push(stop)
  return {
    ...{ root, system: openSystem(root), signal: stop.signal, refuse: tree.refuse },
    ethtool: (...args: string[]) => execFileSync(`${root}/usr/sbin/ethtool`, args),
    set: (file: 'alive' | 'neigh', text: string) => writeFileSync(`${root}/${file}`, text),
    setCarrier: (text: string) => writeFileSync(`${root}/sys/class/net/eth0/carrier`, text),
    channels: () => Number(readFileSync(`${root}/sys/class/net/eth0/current`, 'utf8')),
  }
}

function capped(cap: number | undefined): Settings {
  return { ...DEFAULT_SETTINGS, rules: [{ match: {}, settings: { cap }, source: 'test' }] }
}

/** A daemon's passes, and the ones that it asks for by itself. */
function daemonOn({ system, signal }: ReturnType<typeof setUp>) {
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
    const guest = setUp('1 2 4')
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
    const guest = setUp('2', 2)
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
    const guest = setUp('1 2', 1)
    const { pass, woken, told } = daemonOn(guest)
    for (const cap of [2, 1, undefined]) await pass(capped(cap))
    await woken
    await pass(capped(undefined))
    expect(told).toEqual(['4 -> 1: the default gateway 10.77.0.1 no longer answers'])
  })

  test('tries again to go back when that failed, and says so once', async () => {
    const guest = setUp('1', 1)
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
  const entryIn = ({ system }: ReturnType<typeof setUp>): LedgerEntry | undefined =>
    readLedger(system, BOOT).entries[0]
  /** The ledger as one that was written by a process that is gone, or another one. */
  const edit = (guest: ReturnType<typeof setUp>, how: (entry: UnconfirmedEntry) => object) => {
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
    const guest = setUp(alive, 1)
    const before = new AbortController()
    await daemonOn({ ...guest, signal: before.signal }).pass(capped(undefined))
    before.abort()
    edit(guest, () => how)
    return guest
  }

  test('is in the ledger until the watch is over', async () => {
    const guest = setUp('1 2 4', 1)
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
    const guest = setUp('1', 1)
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
    const guest = setUp('1', 1)
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

describe('a watch', () => {
  async function noted(guest: ReturnType<typeof setUp>) {
    const [nic] = (await observeGuest(guest.system, {})).nics
    if (nic === undefined) throw new Error('no NIC')
    const connectivity = (await probeConnectivity(guest.system, [nic.name])).get(nic.name)
    if (connectivity === undefined) throw new Error('no connectivity')
    return { ...{ name: nic.name, ifindex: nic.ifindex }, connectivity, nic }
  }

  test('does not call lost what was dead before, whatever its stale entry says', async () => {
    const guest = setUp('')
    const one = await noted(guest)
    expect(one.connectivity).toEqual({ carrier: true, gateway: '10.77.0.1', neighbour: 'FAILED' })
    expect(await watchChange(guest.system, one, 1, guest.signal, false)).toBe('over')
  })

  test('sees at once that the carrier is there, or not, where no gateway can prove more', async () => {
    const guest = setUp('')
    const one = await noted(guest)
    // Longer than this test may take.
    expect(await watchChange(guest.system, one, 600, guest.signal, true)).toBe('verified')
    guest.setCarrier('0\n')
    expect(await watchChange(guest.system, one, 600, guest.signal, true)).toEqual({
      lost: 'the carrier was lost',
    })
  })

  test.each([
    [1, false],
    [600, true],
  ])(
    'takes what cannot be read, as with no descriptors left, neither for lost nor for proven',
    async (seconds, early) => {
      const guest = setUp('')
      const one = await noted(guest)
      guest.setCarrier('0\n')
      const fail = (): never => {
        throw Object.assign(new Error('EMFILE: too many open files'), { code: 'EMFILE' })
      }
      const system = Object.assign(Object.create(guest.system), {
        readText: fail,
        list: fail,
        findTool: () => '/bin/true',
      })
      expect(await watchChange(system, one, seconds, guest.signal, early)).toBe('over')
      expect(await probeQueues(system, one.nic, { ...one.connectivity, neighbour: 'REACHABLE' })).toBe(false)
    },
  )

  test('goes on when the NIC gets another name', async () => {
    const guest = setUp('4')
    const one = await noted(guest)
    renameSync(`${guest.root}/sys/class/net/eth0`, `${guest.root}/sys/class/net/lan0`)
    writeFileSync(`${guest.root}/sys/class/net/lan0/carrier`, '0\n')
    expect(await watchChange(guest.system, one, 1, guest.signal, false)).toEqual({
      lost: 'the carrier was lost',
    })
  })
})

describe('a further change before the first is confirmed', () => {
  const ALIVE = { carrier: true, gateway: '10.77.0.1', neighbour: 'REACHABLE' }
  const DEAD = { ...ALIVE, neighbour: 'FAILED' }
  const WATCHED = { until: '', untilMs: 0, watcher: { pid: 1, startTicks: '1' } }
  const FOUR = { channels: { combined: '4' } }
  const NIC = withChannels(nicOf({ ifindex: 2, maximum: 4 }, [0, 1, 2, 3]), 2, [0, 1, 2, 3])

  test.each([
    ['lost meanwhile', ALIVE, DEAD, ALIVE],
    ['the kernel asks once more', ALIVE, { ...DEAD, neighbour: 'INCOMPLETE' }, ALIVE],
    ['its entry was thrown away', ALIVE, { ...DEAD, neighbour: undefined }, ALIVE],
    ['dead from the start', DEAD, { ...DEAD, neighbour: 'INCOMPLETE' }, { ...DEAD, neighbour: 'INCOMPLETE' }],
    ['another network', ALIVE, { ...DEAD, gateway: '10.78.0.1' }, { ...DEAD, gateway: '10.78.0.1' }],
    [
      'an entry that can no longer fail',
      ALIVE,
      { ...DEAD, neighbour: 'PERMANENT' },
      { ...DEAD, neighbour: 'PERMANENT' },
    ],
  ])('keeps what is confirmed, and what could be lost: %s', (_, first, last, expected) => {
    expect(
      furtherChange(
        { ...WATCHED, ...first, confirmed: FOUR },
        { nic: NIC, connectivity: { ...ALIVE, ...last } },
      ),
    ).toEqual({ confirmed: FOUR, before: recordValues(NIC), connectivity: expected })
  })

  test('goes back no further than to what a gateway came back with', () => {
    const dead = { ...WATCHED, carrier: true, confirmed: FOUR }
    expect(furtherChange(dead, { nic: NIC, connectivity: ALIVE })).toEqual({
      confirmed: recordValues(NIC),
      connectivity: ALIVE,
    })
  })
})
