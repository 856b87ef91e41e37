/** A guard on a generated guest: passes, traffic and readings are made by hand. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { expect } from 'vitest'
import { DEFAULT_SETTINGS, type Settings } from '../../src/config/settings'
import { channelChanges, settingChanges } from '../../src/daemon/outcome'
import { Guard } from '../../src/guard/guard'
import type { NicSettings } from '../../src/model'
import { readLedger } from '../../src/planner/ledger'
import { applyOperation } from '../../src/planner/operations'
import { converge } from '../../src/planner/reconcile'
import { regressionHoldsOf } from '../../src/planner/regression-hold'
import { openSystem, type System } from '../../src/system/system'
import { type GeneratedTree, generateTree } from './generated-tree'

/** So long that the timer does not fire in a test: it is ticked by hand. */
const WINDOW_SECONDS = 3_600
const SLICE_MS = 360_000

const trees: GeneratedTree[] = []
const guards: Guard[] = []
/** To be called after each test. */
export async function tearDown(): Promise<void> {
  for (const guard of guards.splice(0)) await guard.close()
  for (const tree of trees.splice(0)) tree.remove()
}

export function guarded(nic: Partial<NicSettings>, guard: Partial<Settings['guard']> = {}): Settings {
  return {
    ...DEFAULT_SETTINGS,
    rules: [{ match: {}, settings: nic, source: 'test' }],
    guard: { ...DEFAULT_SETTINGS.guard, enabled: true, windowSeconds: WINDOW_SECONDS, ...guard },
  }
}

/**
 * A guest with 4 vCPUs, the passes of a daemon by these settings, and traffic.
 * @param lossOf share of the traffic that is lost in this state of the guest
 */
export async function guardedGuest(
  nic: { readonly maximum: number; readonly current: number },
  settings: Settings,
  lossOf: (now: { readonly channels: number; readonly rps: string }) => number,
) {
  const tree = generateTree(4, [{ name: 'eth0', ...nic, counts: [nic.maximum] }])
  trees.push(tree)
  const { root } = tree
  mkdirSync(`${root}/proc/net`, { recursive: true })
  const system = openSystem(root)
  const state = {
    settings,
    nowMs: 0,
    bytes: 0,
    replans: 0,
    reads: 0,
    demand: 1e6,
    errno: '',
  }
  const told: string[] = []
  const reading: System = Object.create(system, {
    readText: {
      value: (path: string) => {
        if (path === system.paths.procNetDev) state.reads++
        if (state.errno !== '') throw Object.assign(new Error(state.errno), { code: state.errno })
        return system.readText(path)
      },
    },
  })
  const newGuard = (): Guard => {
    const guard = new Guard(
      reading,
      state.settings,
      {
        verdict: ({ nic, verdict, from, to, why }) =>
          void told.push(`${nic} ${verdict} ${from} ${to}: ${why}`),
        settingsVerdict: ({ nic, verdict, changed, why }) =>
          void told.push(`${nic} ${verdict} ${changed.map(({ tunable }) => tunable).join()}: ${why}`),
        problem: (_, text) => {
          if (text !== undefined) told.push(`trouble: ${text}`)
        },
      },
      () => void state.replans++,
      () => state.nowMs,
    )
    guards.push(guard)
    return guard
  }
  let guard = newGuard()
  const channels = () => Number(readFileSync(`${root}/sys/class/net/eth0/current`, 'utf8'))
  const rps = () => readFileSync(`${root}/sys/class/net/eth0/queues/rx-0/rps_cpus`, 'utf8').trim()
  const counts: number[] = [nic.current]
  const masks: string[] = [rps()]
  const pass = async (): Promise<void> => {
    const result = await converge(system, applyOperation(system, state.settings, { respectHolds: true }))
    const { guest, ledger } = result
    const regressionHolds = regressionHoldsOf(guest, ledger, state.settings)
    guard.afterPass({
      ...{ guest, changes: channelChanges(result), settingChanges: settingChanges(result) },
      regressionHolds,
    })
    if (channels() !== counts.at(-1)) counts.push(channels())
    if (rps() !== masks.at(-1)) masks.push(rps())
  }
  const tick = async (times = 1): Promise<void> => {
    for (let i = 0; i < times; i++) {
      state.nowMs += SLICE_MS
      state.bytes += Math.round(state.demand * 360 * (1 - lossOf({ channels: channels(), rps: rps() })))
      const packets = Math.floor(state.bytes / 1_000)
      writeFileSync(`${root}/proc/net/dev`, `eth0: ${state.bytes} ${packets} 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n`)
      await guard.tick()
      while (state.replans > 0) {
        state.replans = 0
        await pass()
      }
    }
  }
  const until = async (isSo: () => boolean): Promise<void> => {
    for (let ticks = 0; !isSo() && ticks < 40; ticks++) await tick()
    expect(isSo()).toBe(true)
  }
  const becomes = (count: number): Promise<void> => until(() => channels() === count)
  const configure = async (settings: Settings): Promise<void> => {
    state.settings = settings
    guard.configure(settings)
    await pass()
  }
  const entry = () => readLedger(system, '8a9b7c6d-0000-4000-8000-000000000000').entries[0]
  const regressionHold = () => entry()?.regressionHold
  const settingHolds = () => entry()?.settingHolds
  await pass()
  return {
    ...{ system, state, told, counts, pass, tick, becomes, until, configure, channels, regressionHold },
    ...{ root, rps, masks, settingHolds },
    apply: () => converge(system, applyOperation(system, state.settings, { respectHolds: false })),
    /** kill -9, and a new daemon. */
    replaceGuard: async () => {
      guard = newGuard()
      await pass()
    },
    guard: () => guard,
  }
}
