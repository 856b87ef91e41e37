import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { DEFAULT_SETTINGS, type Settings } from '../../../src/config/settings'
import { type Baselines, recordBaseline, stillUnconfirmed, watchChange } from '../../../src/confirm/confirm'
import { probeQueues } from '../../../src/confirm/probe-queues'
import { type PassResult, ReconcileLoop } from '../../../src/daemon/reconcile-loop'
import { observeGuest } from '../../../src/planner/observe'
import { openSystem } from '../../../src/system/system'
import { type GeneratedTree, generateTree } from '../../support/generated-tree'

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
      problem: () => {},
    },
    signal,
    undefined,
    () => wake(),
  )
  return {
    told,
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

describe('a watch', () => {
  async function noted(guest: ReturnType<typeof setUp>) {
    const before: Baselines = new Map()
    await recordBaseline(guest.system, before, (await observeGuest(guest.system, {})).nics)
    const [one] = before.values()
    if (one === undefined) throw new Error('no NIC')
    return one
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

  test('of a second change counts what was lost since before the first', async () => {
    const guest = setUp('4')
    const first = await noted(guest)
    const dead = { ...first.connectivity, neighbour: 'FAILED' }
    const second = {
      nic: { ...first.nic, channels: { ...first.nic.channels, current: 2 } },
      connectivity: dead,
    }
    expect(stillUnconfirmed(first, second, 1)).toEqual(first)
    expect(stillUnconfirmed(first, second, 4)).toEqual({ ...second, connectivity: first.connectivity })
    // The kernel asks once more, or has thrown the entry away.
    for (const neighbour of ['INCOMPLETE', undefined]) {
      const asked = { ...second, connectivity: { ...dead, neighbour } }
      expect(stillUnconfirmed(first, asked, 1)).toEqual(first)
      expect(stillUnconfirmed({ ...first, connectivity: dead }, asked, 1)).toEqual({
        ...asked,
        nic: first.nic,
      })
    }
    // Another network, and an entry that no longer can fail.
    for (const other of [{ gateway: '10.78.0.1', neighbour: 'INCOMPLETE' }, { neighbour: 'PERMANENT' }]) {
      const moved = { ...second, connectivity: { ...dead, ...other } }
      expect(stillUnconfirmed(first, moved, 1)).toEqual({ ...moved, nic: first.nic })
    }
    // A gateway that came meanwhile can be lost, too.
    const bare = { ...first, connectivity: { ...dead, gateway: undefined, neighbour: undefined } }
    const connected = { ...second, connectivity: first.connectivity }
    expect(stillUnconfirmed(bare, connected, 1)).toEqual({ ...first, connectivity: first.connectivity })
  })
})
