/** What happens to a guest, with vqtune's own code at work in it; and what must be true after each event. */
import { expect } from 'vitest'
import { run as apply } from '../../../src/commands/apply'
import type { CommandContext } from '../../../src/commands/command'
import { DEFAULT_SETTINGS, nicSettings, type Settings } from '../../../src/config/settings'
import { ReconcileLoop } from '../../../src/daemon/reconcile-loop'
import { type ConflictState, policyOf } from '../../../src/drift/conflict'
import type { ObservedNic } from '../../../src/model'
import type { LedgerEntry } from '../../../src/planner/ledger'
import { parseLedger } from '../../../src/planner/ledger-format'
import { rollbackOperation } from '../../../src/planner/operations'
import { converge } from '../../../src/planner/reconcile'
import { type Nic, SimulatedGuest, type Write } from './simulated-guest'
import {
  finished,
  inProcess,
  kill,
  type Process,
  resetTime,
  settle,
  startProcess,
  time,
  wakeNext,
} from './virtual-time'

const LEDGER = '/run/vqtune/ledger.json'
/** Longer than any command: a lock that is waited for, a watch, and what is asked of the gateway. */
const COMMAND_MS = 120_000
/** Commit-confirm, with what comes before and after it. */
const WINDOW_MS = 60_000

interface Daemon {
  readonly process: Process
  readonly loop: ReconcileLoop
  readonly abort: AbortController
  dueAt: number | undefined
  isWoken: boolean
}

/** A change of channels by vqtune that cut the NIC off. */
interface CutOff {
  readonly nic: Nic
  readonly to: number
}

export class World {
  readonly guest = new SimulatedGuest()
  settings: Settings = DEFAULT_SETTINGS
  private daemon: Daemon | undefined
  private cutOffs: CutOff[] = []
  /** What the kernel gave NICs that vqtune has seen before anybody else changed them, by interface index. */
  private readonly given = new Map<number, number>()
  private readonly spoiled = new Set<number>()
  private writes = 0

  constructor() {
    resetTime()
    this.guest.onWrite = (write) => this.judge(write)
    this.guest.plug(4)
    this.guest.plug(2)
  }

  nic(choice: number): Nic | undefined {
    const { nics } = this.guest
    return nics[choice % Math.max(1, nics.length)]
  }

  async apply(options: CommandContext['options'], nic?: Nic, killedAfter?: number): Promise<void> {
    await this.command(
      options.unattended === true ? 'unattended' : 'apply',
      killedAfter,
      (system) =>
        apply({
          ...{
            system,
            options,
            positionals: nic?.isVisible === true ? [nic.name] : [],
            configFile: undefined,
          },
          ...{ out: () => {}, warn: () => {}, color: false, signal: new AbortController().signal },
        } as CommandContext),
      (one) => nic === undefined || one === nic || !nic.isVisible,
    )
  }

  async rollback(nic: Nic | undefined, killedAfter?: number): Promise<void> {
    const before = this.entries()
    const isAlive = await this.command('rollback', killedAfter, (system) =>
      converge(system, rollbackOperation(system, nic?.name)),
    )
    if (!isAlive) return
    for (const { ifindex, original } of before) {
      const there = this.guest.nics.find((one) => one.ifindex === ifindex && one.isVisible)
      if (there === undefined || original === undefined || (nic !== undefined && nic !== there)) continue
      expect(there.channels, `${there.name} is rolled back`).toBe(Number(original.channels?.combined))
    }
  }

  /** @returns whether it lived to its end */
  private async command(
    purpose: string,
    killedAfter: number | undefined,
    work: (system: ReturnType<SimulatedGuest['systemFor']>) => Promise<unknown>,
    chosen: (nic: Nic) => boolean = () => false,
  ): Promise<boolean> {
    const process = startProcess(purpose)
    const startedAt = time.now
    if (killedAfter !== undefined) process.writesLeft = killedAfter
    try {
      await finished(
        inProcess(process, () => work(this.guest.systemFor(process))),
        COMMAND_MS,
        process,
      )
    } catch (error) {
      // Of what is killed nobody hears; all else is one line, and a bound is a bound.
      if (process.alive && (error as { kind?: string }).kind === undefined) throw error
    }
    const lived = process.alive
    kill(process)
    await this.event()
    if (lived && purpose === 'apply' && this.daemon !== undefined) {
      for (const { ifindex, sinceMs = 0 } of this.suspensions()) {
        const nic = this.guest.nics.find((one) => one.ifindex === ifindex && one.isVisible)
        if (nic !== undefined && chosen(nic))
          expect(sinceMs, `${nic.name}: apply has ended its suspension`).toBeGreaterThanOrEqual(startedAt)
      }
    }
    return lived
  }

  async startDaemon(): Promise<void> {
    if (this.daemon !== undefined) return
    const process = startProcess('daemon')
    const abort = new AbortController()
    const nothing = (): void => {}
    const daemon: Daemon = {
      ...{ process, abort, dueAt: undefined, isWoken: false },
      loop: inProcess(
        process,
        () =>
          new ReconcileLoop(
            this.guest.systemFor(process),
            {
              drift: nothing,
              write: nothing,
              conflict: nothing,
              reverted: nothing,
              irqbalance: nothing,
              problem: nothing,
            },
            abort.signal,
            { wall: () => time.now, uptime: () => time.now },
            () => {
              daemon.isWoken = true
            },
          ),
      ),
    }
    this.daemon = daemon
    await this.event()
  }

  async stopDaemon(isKilled: boolean): Promise<void> {
    const { daemon } = this
    this.daemon = undefined
    if (daemon === undefined) return
    if (isKilled) kill(daemon.process)
    daemon.abort.abort()
    await settle()
    kill(daemon.process)
  }

  /** Something happened that the daemon hears of. */
  async event(): Promise<void> {
    if (this.daemon !== undefined) this.daemon.isWoken = true
    await this.passes()
  }

  private async passes(): Promise<void> {
    for (let i = 0; this.daemon?.isWoken === true; i++) {
      expect(i, 'passes that ask for each other').toBeLessThan(10)
      await this.pass()
    }
  }

  private async pass(): Promise<void> {
    const { daemon } = this
    if (daemon === undefined) return
    daemon.isWoken = false
    const result = await finished(
      inProcess(daemon.process, () => daemon.loop.run(this.settings)),
      COMMAND_MS,
      daemon.process,
    )
    for (const { ifindex, policy } of this.suspensions()) {
      const nic = this.guest.nics.find((one) => one.ifindex === ifindex && one.isVisible)
      if (nic !== undefined)
        expect(policy, `${nic.name} is suspended by the present policy`).toBe(this.policyFor(nic))
    }
    daemon.dueAt = result?.againMs === undefined ? undefined : time.now + result.againMs
    this.remember()
  }

  async letPass(ms: number): Promise<void> {
    const end = time.now + ms
    let passes = 0
    for (;;) {
      await settle()
      const due = this.daemon?.dueAt
      if (this.daemon?.isWoken === true || (due !== undefined && due <= time.now)) {
        passes++
        expect(passes, `passes within ${ms} ms`).toBeLessThan(20 + ms / 1000)
        await this.pass()
        continue
      }
      if (wakeNext(Math.min(end, due ?? end))) continue
      time.now = Math.max(time.now, Math.min(end, due ?? end))
      if (time.now >= end) return
    }
  }

  foreignChannels(nic: Nic, count: number): void {
    this.spoiled.add(nic.ifindex)
    this.cutOffs = this.cutOffs.filter((one) => one.nic !== nic)
    this.guest.setChannels(nic, Math.min(count, nic.maximum))
  }

  spoil(nic: Nic): void {
    this.spoiled.add(nic.ifindex)
  }

  /** The gateway answers with so many channels from now on. */
  setLimit(nic: Nic, limit: number): void {
    nic.limit = limit
    this.cutOffs = this.cutOffs.filter((one) => one.nic !== nic)
  }

  /** Out of view, or given a new number: what is not seen is not judged. */
  forget(nic: Nic): void {
    this.cutOffs = this.cutOffs.filter((one) => one.nic !== nic)
  }

  entries(): readonly LedgerEntry[] {
    const text = this.guest.files.get(LEDGER)
    return text === undefined ? [] : parseLedger(text, LEDGER).entries
  }

  /** What the daemon has suspended, by interface index, under the present policy. */
  private suspensions(): readonly ConflictState[] {
    const text = this.guest.files.get('/run/vqtune/daemon.json')
    const { conflicts } = JSON.parse(text ?? '{"conflicts":[]}') as { conflicts: readonly ConflictState[] }
    return conflicts.filter(
      ({ suspended, backoffUntil }) => suspended !== undefined || (backoffUntil ?? 0) > time.now,
    )
  }

  private policyFor(nic: Nic): string {
    const rule = { ...nic, mac: '', altnames: [], isIdentified: true } as unknown as ObservedNic
    return policyOf(nicSettings(this.settings, rule).onConflict, this.settings.daemon)
  }

  entryOf(nic: Nic): LedgerEntry | undefined {
    return this.entries().find(({ ifindex, virtio }) => ifindex === nic.ifindex && virtio === nic.virtio)
  }

  /** The daemon has seen these NICs: from now on it knows what boot gave them. */
  private remember(): void {
    for (const { ifindex, isVisible, channels } of this.guest.nics) {
      if (isVisible && !this.given.has(ifindex) && !this.spoiled.has(ifindex))
        this.given.set(ifindex, channels)
      if (isVisible) this.spoiled.add(ifindex)
    }
  }

  /** Each write, at the moment when it is made. */
  private judge({ process, nic, what, from, to }: Write): void {
    this.writes++
    if (nic === undefined) return
    const entry = this.entryOf(nic)
    const told = `${process.purpose} writes ${what} of ${nic.name}`
    expect(entry?.original ?? entry?.held, `${told}: what it was is recorded`).toBeDefined()
    const isRevert = entry?.unconfirmed?.lost !== undefined
    if (process.purpose !== 'rollback' && !isRevert) {
      const rule = { ...nic, mac: '', altnames: [], isIdentified: true } as unknown as ObservedNic
      expect(nicSettings(this.settings, rule).enabled, `${told}: it is enabled`).toBe(true)
      if (process.purpose !== 'apply') expect(entry?.held ?? false, `${told}: it is not held`).toBe(false)
      if (process.purpose === 'unattended') {
        const suspended = this.suspensions().some(
          ({ ifindex, policy, sinceMs = 0 }) =>
            ifindex === nic.ifindex && policy === this.policyFor(nic) && sinceMs > (entry?.resumedMs ?? 0),
        )
        expect(suspended, `${told}: it is not suspended`).toBe(false)
      }
    }
    if (from === undefined || to === undefined) return
    if (!this.spoiled.has(nic.ifindex)) this.given.set(nic.ifindex, from)
    this.spoiled.add(nic.ifindex)
    if (process.purpose !== 'rollback' && !isRevert && from <= nic.limit && to > nic.limit) {
      expect(entry?.unconfirmed, `${told}: it is unconfirmed`).toBeDefined()
      this.cutOffs.push({ nic, to })
    } else this.forget(nic)
  }

  /** What must be true at any time. */
  check(): void {
    for (const nic of this.guest.nics) {
      const entry = this.entryOf(nic)
      const given = this.given.get(nic.ifindex)
      const recorded = entry?.original ?? entry?.firstSeen
      if (given !== undefined && recorded !== undefined && entry?.firstSeen !== undefined) {
        expect(Number(recorded.channels?.combined), `${nic.name}: what boot gave is recorded`).toBe(given)
      }
    }
  }

  /** Whatever happened: a daemon comes, some time goes by, and all is as it should be. */
  async end(): Promise<void> {
    for (const nic of this.guest.nics) nic.isVisible = true
    await this.startDaemon()
    await this.event()
    await this.letPass(2 * WINDOW_MS)
    for (const nic of this.guest.nics) {
      expect(this.entryOf(nic)?.unconfirmed, `${nic.name}: confirmed or reverted`).toBeUndefined()
    }
    for (const { nic, to } of this.cutOffs) {
      if (this.guest.nics.includes(nic)) expect(nic.channels, `${nic.name} is not cut off`).not.toBe(to)
    }
    // Conflicts end by time; each of these passes may find something, but not for ever.
    await this.event()
    this.writes = 0
    await this.event()
    await this.event()
    expect(this.writes, 'writes of passes that find nothing').toBe(0)
    this.check()
    await this.stopDaemon(false)
  }
}
