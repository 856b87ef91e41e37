/**
 * The loop: observe -> desired state -> plan -> apply, until the plan is empty; the next observation is the verification.
 * Bounded in rounds, single-flight across processes, stops between two writes when aborted. All of vqtune's
 * writes to NICs, for whatever purpose, are operations of this loop.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { EXIT, messageOf, VqtuneError } from '../errors'
import type { ObservedGuest, ObservedNic, Obstacle, Skip, Step } from '../model'
import type { Lock } from '../system/lock'
import type { System } from '../system/system'
import { executeStep, isChannelStep } from '../tunables/engine'
import { StepRefused } from '../tunables/refused'
import { nicByIndex } from './find-nic'
import { type Ledger, readLedger, writeLedger } from './ledger'

export const STEP_RESULTS = ['done', 'refused', 'failed'] as const

/** The outcome of one step. */
export interface StepOutcome {
  readonly step: Step
  readonly result: (typeof STEP_RESULTS)[number]
  /** Why not, for refused and failed. */
  readonly why: string | undefined
  /** ISO 8601 time of the write. */
  readonly at: string
}

export interface Convergence {
  /** The last observation of the guest. */
  readonly guest: ObservedGuest
  readonly outcomes: readonly StepOutcome[]
  /** Skips of the last plan and steps that the kernel refused. */
  readonly skips: readonly Skip[]
  /** Steps that are still pending; empty when converged. */
  readonly missing: readonly Step[]
  /** The first error, or why the loop gave up; undefined when converged. */
  readonly failure: VqtuneError | undefined
  readonly ledger: Ledger
  /** Messages about vqtune's own state, one line each. */
  readonly notes: readonly string[]
}

/** What the loop must achieve. */
export interface Operation {
  /** Shown to other processes that wait for the lock. */
  readonly purpose: string
  /** True if anything but the planned values is a failure, including a refusal. */
  readonly isExact?: boolean
  /** Observes the guest; maxima found earlier in the loop are passed in, so that ethtool runs once per NIC. */
  observe(knownMaxima: ReadonlyMap<number, number>): Promise<ObservedGuest>
  /** Steps that are missing, from the observed state. Pure. */
  plan(
    guest: ObservedGuest,
    ledger: Ledger,
  ): { readonly steps: readonly Step[]; readonly skips: readonly Skip[] }
  /** Whether the ledger must change even if no step is missing. Pure. */
  pending(ledger: Ledger, guest: ObservedGuest): boolean
  /** The ledger as it must be before these NICs are written: the same one if nothing is missing. Pure. */
  prepare(ledger: Ledger, guest: ObservedGuest, nics: readonly ObservedNic[], at: string): Ledger
  /**
   * The ledger at the end. Pure.
   * @param unfinished NICs, by interface index, that did not converge
   */
  finish(ledger: Ledger, guest: ObservedGuest, unfinished: ReadonlySet<number>, at: string): Ledger
}

/** What the ledger says about a change of channels from before it, in the same write as the originals. Pure. */
export interface ChannelRecord {
  prepare(ledger: Ledger): Ledger
  finish(ledger: Ledger, guest: ObservedGuest): Ledger
}

export interface ConvergeOptions {
  readonly signal?: AbortSignal
  /** How long to wait for another vqtune, milliseconds; default as takeLock; 'held': the caller has the lock. */
  readonly lockWaitMs?: number | 'held'
  /** Has been taken already, and is not released here; undefined: it is taken if something must be written. */
  readonly lock?: Lock | undefined
  /** Called under the lock with each observation, before planning: it shows what others did since the previous one. */
  readonly onLook?: (guest: ObservedGuest) => void
  /**
   * Called under the lock before channels are written, with the NICs before the change. Must not throw.
   * @returns what must be in the ledger about it
   */
  readonly beforeChannels?: (nics: readonly ObservedNic[]) => Promise<ChannelRecord>
  /** Called after each write, so that a long apply shows progress and a killed one has shown what it did. */
  readonly onOutcome?: (outcome: StepOutcome) => void
}

/** Channels, then affinity; the rest is for events in between. */
const MAX_ROUNDS = 8
/** Attempts for the same step, with the delay before each in milliseconds. */
const RETRY_DELAYS_MS = [0, 100, 500] as const

/**
 * Carries out an operation. Does not throw for errors of single NICs: they are in the result.
 * @throws VqtuneError if nothing was changed at all: permission, busy, state, or the first observation failed
 */
export async function converge(
  system: System,
  operation: Operation,
  options: ConvergeOptions = {},
): Promise<Convergence> {
  const { lockWaitMs } = options
  if (lockWaitMs === 'held') return new Loop(system, operation, options, new Map()).run()
  const first = await operation.observe(new Map())
  const ledger = readLedger(system, first.bootId)
  const { steps, skips } = operation.plan(first, ledger)
  if (steps.length === 0 && !operation.pending(ledger, first)) {
    const failure = refusalOf(operation, skips) ?? notJudged(skips)
    return { guest: first, outcomes: [], skips, missing: [], failure, ledger, notes: notesOn(ledger) }
  }
  if (!system.mayWrite) throw needsRoot(operation.purpose, steps)
  const loop = new Loop(system, operation, options, maximaOf(first))
  if (options.lock !== undefined) return loop.run()
  const { takeLock } = await import('../system/lock')
  const lock = await takeLock(system, operation.purpose, lockWaitMs, options.signal)
  try {
    return await loop.run()
  } finally {
    lock.release()
  }
}

function needsRoot(purpose: string, steps: readonly Step[]): VqtuneError {
  const nics = [...new Set(steps.map((step) => step.nic))].join(', ')
  const what = steps.length === 0 ? 'write its ledger' : `write ${steps.length} settings of ${nics}`
  return new VqtuneError('permission', `${purpose} must ${what}: run it as root`)
}

/** Why an exact operation failed although nothing is left to try. */
function refusalOf({ isExact }: Operation, skips: readonly Skip[]): VqtuneError | undefined {
  const [first] = isExact === true ? skips : []
  return first === undefined
    ? undefined
    : new VqtuneError('not-converged', `${first.nic}: ${first.tunable ?? 'NIC'} not restored: ${first.why}`)
}

/** One run under the lock. Holds all state of the run; nothing outlives it. */
class Loop {
  private readonly outcomes: StepOutcome[] = []
  private readonly tries = new Map<string, number>()
  /** Channels that the kernel refused, by interface index: planned around from then on. */
  private readonly obstacles = new Map<number, Obstacle>()
  /** Other steps that the kernel refused, by key. */
  private readonly refused = new Map<string, Skip>()
  /** NICs given up in this run, by interface index. */
  private readonly failed = new Set<number>()
  /** Channels that could not be set, by interface index: the rest is planned for those that the NIC has. */
  private readonly stuck = new Map<number, Step>()
  private failure: VqtuneError | undefined
  private channelRecord: ChannelRecord | undefined

  constructor(
    private readonly system: System,
    private readonly operation: Operation,
    private readonly options: ConvergeOptions,
    private readonly maxima: Map<number, number>,
  ) {}

  async run(): Promise<Convergence> {
    let guest = await this.look()
    let ledger = readLedger(this.system, guest.bootId)
    const notes = notesOn(ledger)
    for (let round = 0; ; round++) {
      const plan = this.operation.plan(guest, ledger)
      const planned = plan.steps.filter((step) => !this.refused.has(idOf(step)))
      const steps = planned.filter((step) => !this.failed.has(step.ifindex))
      if (steps.length === 0 || round === MAX_ROUNDS || this.isAborted) {
        const skips = [...plan.skips, ...this.refused.values()]
        const missing = [...this.stuck.values(), ...planned]
        this.failure ??= this.unfinished(steps, round) ?? refusalOf(this.operation, skips)
        ledger = this.close(ledger, guest, missing, skips)
        this.failure ??= notJudged(plan.skips)
        return { guest, outcomes: this.outcomes, skips, missing, failure: this.failure, ledger, notes }
      }
      await this.pauseBefore(steps)
      const due = steps.filter((step) => !this.failed.has(step.ifindex))
      const channels = new Set(due.filter(isChannelStep).map(({ ifindex }) => ifindex))
      if (channels.size > 0) {
        const nics = guest.nics.filter(({ ifindex }) => channels.has(ifindex))
        this.channelRecord = (await this.options.beforeChannels?.(nics)) ?? this.channelRecord
      }
      // Probing the gateway takes seconds, and an interruption then means that nothing is to be changed.
      const prepared = due.length > 0 && !this.isAborted ? this.prepare(ledger, guest, due) : undefined
      if (prepared !== undefined) {
        ledger = prepared
        await this.apply(due, guest)
      }
      guest = await this.look()
    }
  }

  private get isAborted(): boolean {
    return this.options.signal?.aborted === true
  }

  private async look(): Promise<ObservedGuest> {
    const guest = await this.operation.observe(this.maxima)
    this.options.onLook?.(guest)
    for (const [ifindex, maximum] of maximaOf(guest)) this.maxima.set(ifindex, maximum)
    return {
      ...guest,
      nics: guest.nics.map((nic) => ({ ...nic, obstacle: nic.obstacle ?? this.obstacles.get(nic.ifindex) })),
    }
  }

  /** Counts attempts; if a step did not persist after the last one, its NIC fails. */
  private async pauseBefore(steps: readonly Step[]): Promise<void> {
    let pauseMs = 0
    for (const step of steps) {
      const id = idOf(step)
      const tried = this.tries.get(id) ?? 0
      this.tries.set(id, tried + 1)
      const pause = RETRY_DELAYS_MS[tried]
      if (pause === undefined) {
        const why = `did not persist after ${tried} writes: another program is changing it`
        this.fail(step.ifindex, new VqtuneError('not-converged', `${describeSetting(step)} ${why}`))
      } else {
        pauseMs = Math.max(pauseMs, pause)
      }
    }
    if (pauseMs > 0) await sleep(pauseMs, undefined, { ref: true })
  }

  /**
   * @returns undefined if it could not be recorded after other NICs were written: these are then given up
   * @throws VqtuneError if nothing was written yet
   */
  private prepare(ledger: Ledger, guest: ObservedGuest, steps: readonly Step[]): Ledger | undefined {
    const touched = new Set(steps.map(({ ifindex }) => ifindex))
    const about = guest.nics.filter(({ ifindex }) => touched.has(ifindex))
    const prepared = this.operation.prepare(ledger, guest, about, now())
    const next = this.channelRecord?.prepare(prepared) ?? prepared
    if (next === ledger) return ledger
    const failure = this.written(next)
    if (failure === undefined) return whole(next)
    if (!this.hasWritten) {
      throw new VqtuneError(failure.kind, `${failure.message}; nothing was changed`, { cause: failure })
    }
    for (const ifindex of touched) this.fail(ifindex, failure)
    return undefined
  }

  private get hasWritten(): boolean {
    return this.outcomes.some(({ result }) => result === 'done')
  }

  /** @returns why the ledger could not be written, undefined if it was */
  private written(ledger: Ledger): VqtuneError | undefined {
    try {
      writeLedger(this.system, ledger)
      return undefined
    } catch (error) {
      if (error instanceof VqtuneError) return error
      throw error
    }
  }

  /** Channels of all NICs in parallel: one ethtool each. The rest are single writes to kernel files. */
  private async apply(steps: readonly Step[], guest: ObservedGuest): Promise<void> {
    await Promise.all(steps.filter(isChannelStep).map((step) => this.doStep(step, guest)))
    for (const step of steps) {
      if (this.isAborted) return
      if (!isChannelStep(step)) await this.doStep(step, guest)
    }
  }

  private async doStep(step: Step, guest: ObservedGuest): Promise<void> {
    try {
      await executeStep(this.system, step)
      this.note({ step, result: 'done', why: undefined, at: now() })
    } catch (error) {
      if (error instanceof StepRefused) {
        this.note({ step, result: 'refused', why: error.message, at: now() })
        this.remember(step, error, guest)
        return
      }
      const failure =
        error instanceof VqtuneError
          ? error
          : new VqtuneError('tool-failed', messageOf(error), { cause: error })
      this.note({ step, result: 'failed', why: failure.message, at: now() })
      // A NIC that went away is not an error: the next observation does not list it. If it does, the step is retried.
      if (failure.kind === 'vanished') return
      if (!isChannelStep(step) || failure.kind === 'permission') this.fail(step.ifindex, failure)
      else this.goOnWithout(step, failure)
    }
  }

  /** ethtool fails or hangs: the interrupts of the channels that there are can be laid out all the same. */
  private goOnWithout(step: Step, failure: VqtuneError): void {
    const { nic, ifindex } = step
    const { message } = failure
    const why = message.startsWith(`${nic}: `) ? message.slice(nic.length + 2) : message
    this.obstacles.set(ifindex, { code: 'refused', why: `not set: ${why}` })
    this.stuck.set(ifindex, step)
    this.failure ??= failure
  }

  private remember(step: Step, { code, message }: StepRefused, guest: ObservedGuest): void {
    if (!isChannelStep(step)) {
      this.refused.set(idOf(step), { nic: step.nic, tunable: step.tunable, code, why: message })
    } else if (nicByIndex(guest, step.ifindex) !== undefined) {
      this.obstacles.set(step.ifindex, { code, why: message })
    }
  }

  private note(outcome: StepOutcome): void {
    this.outcomes.push(outcome)
    this.options.onOutcome?.(outcome)
  }

  private fail(ifindex: number, failure: VqtuneError): void {
    this.failed.add(ifindex)
    this.failure ??= failure
  }

  private unfinished(steps: readonly Step[], round: number): VqtuneError | undefined {
    const [first] = steps
    if (first === undefined) return undefined
    const left = `${steps.length} changes not applied, first: ${describeSetting(first)}`
    return round === MAX_ROUNDS
      ? new VqtuneError('not-converged', `gave up after ${MAX_ROUNDS} rounds: ${left}`)
      : new VqtuneError('not-converged', `interrupted with ${left}`)
  }

  private close(
    ledger: Ledger,
    guest: ObservedGuest,
    missing: readonly Step[],
    skips: readonly Skip[],
  ): Ledger {
    const unfinished = new Set([...this.failed, ...missing.map(({ ifindex }) => ifindex)])
    if (this.operation.isExact === true) {
      const refused = new Set(skips.map(({ nic }) => nic))
      for (const { name, ifindex } of guest.nics) if (refused.has(name)) unfinished.add(ifindex)
    }
    const finished = this.operation.finish(ledger, guest, unfinished, now())
    const next = this.channelRecord?.finish(finished, guest) ?? finished
    if (next === ledger) return ledger
    const failure = this.written(next)
    if (failure === undefined) return whole(next)
    // What was written to the NICs stays: the originals are recorded, and a rollback needs nothing else.
    this.failure ??= new VqtuneError(failure.kind, `${failure.message}; ${this.stands(missing)}`, {
      cause: failure,
    })
    return ledger
  }

  private stands(missing: readonly Step[]): string {
    if (missing.length > 0) return 'the settings are incomplete'
    return this.hasWritten ? 'the settings are in place' : 'nothing was changed'
  }
}

function notesOn({ setAside }: Ledger): readonly string[] {
  return setAside === undefined ? [] : [setAside]
}

/** As on disk now: a copy of what could not be used is next to it. */
function whole({ setAside: _, ...ledger }: Ledger): Ledger {
  return ledger
}

/** Channels that could not be planned for are a fault; all the rest was done. */
export function notJudged(skips: readonly Skip[]): VqtuneError | undefined {
  const skip = skips.find(({ code }) => code === 'unknown-maximum' || code === 'undecided-rule')
  return skip && new VqtuneError('tool-failed', `${skip.nic}: ${skip.why}`)
}

function maximaOf(guest: ObservedGuest): Map<number, number> {
  return new Map(
    guest.nics.flatMap(({ ifindex, channels: { maximum } }) =>
      maximum === undefined ? [] : [[ifindex, maximum] as const],
    ),
  )
}

/** The setting that a step writes and the value it wants. */
function idOf({ ifindex, tunable, key, new: value }: Step): string {
  return `${ifindex} ${tunable} ${key} ${value}`
}

/** `ens3: queue 0 rx IRQ 26` */
function describeSetting({ nic, label }: Step): string {
  return `${nic}: ${label}`
}

function now(): string {
  return new Date().toISOString()
}

/** Exit code of a command that converged or not. */
export function exitCodeOf(result: Convergence): number {
  return result.failure === undefined ? EXIT.converged : result.failure.exitCode
}
