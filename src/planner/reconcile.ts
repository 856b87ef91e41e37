/**
 * The loop: observe -> desire -> plan -> apply, until the plan is empty; the next observation is the verification.
 * Bounded in rounds, single-flight across processes, stops between two writes when aborted.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { EXIT, messageOf, VqtuneError } from '../errors'
import type { ObservedGuest, ObservedNic, Obstacle, Skip, Step } from '../model'
import type { System } from '../system/system'
import { execute, isChannelStep, tunableOf } from '../tunables/index'
import { StepRefused } from '../tunables/refused'
import { entryOf, type Ledger, readLedger, withApplied, withOriginals, writeLedger } from './ledger'

/** What became of one step. */
export interface StepOutcome {
  readonly step: Step
  readonly result: 'done' | 'refused' | 'failed'
  /** Why not, for refused and failed. */
  readonly why: string | undefined
  /** ISO 8601 time of the write. */
  readonly at: string
}

export interface Convergence {
  /** The last look at the guest. */
  readonly guest: ObservedGuest
  readonly outcomes: readonly StepOutcome[]
  /** Skips of the last plan and steps that the kernel refused. */
  readonly skips: readonly Skip[]
  /** Steps that are still missing; empty when converged. */
  readonly missing: readonly Step[]
  /** The first fault, or why the loop gave up; undefined when converged. */
  readonly failure: VqtuneError | undefined
  readonly ledger: Ledger
}

/** What the loop is to reach: `reconcile` and `rollback` differ in nothing else. */
export interface Operation {
  /** Shown to other processes that wait for the lock. */
  readonly purpose: string
  /** Looks at the guest; maxima found earlier in the loop are handed in so that ethtool is asked once per NIC. */
  observe(knownMaxima: ReadonlyMap<number, number>): Promise<ObservedGuest>
  /** Steps that are missing, by what the guest shows. Pure. */
  plan(
    guest: ObservedGuest,
    ledger: Ledger,
  ): { readonly steps: readonly Step[]; readonly skips: readonly Skip[] }
  /** Whether the ledger must change although no step is missing. Pure. */
  pending(ledger: Ledger, guest: ObservedGuest): boolean
  /** What the ledger is to say when all is done. Pure. */
  finish(ledger: Ledger, guest: ObservedGuest, at: string): Ledger
}

export interface ConvergeOptions {
  readonly signal?: AbortSignal
  /** How long to wait for another vqtune, milliseconds. */
  readonly lockWaitMs?: number
  /** Called under the lock with each look, before it is planned for: it shows what others did since the one before. */
  readonly onLook?: (guest: ObservedGuest) => void
  /** Called under the lock before channels are written, with their NICs as they are. Must not throw. */
  readonly beforeChannels?: (nics: readonly ObservedNic[]) => Promise<void>
  /** Called after each write, so that a long apply shows progress and a killed one has said what it did. */
  readonly onOutcome?: (outcome: StepOutcome) => void
}

const DEFAULT_LOCK_WAIT_MS = 10_000
/** Channels, then affinity; the rest is for events that come in between. */
const MAX_ROUNDS = 8
/** How often one and the same step is tried, with the pause before each try in milliseconds. */
const RETRY_DELAYS_MS = [0, 100, 500] as const

/**
 * Brings the guest to the goal. Does not throw for what goes wrong with single NICs: that is in the result.
 * @throws VqtuneError when nothing was changed at all: permission, busy, state, or the first observation failed
 */
export async function converge(
  system: System,
  goal: Operation,
  options: ConvergeOptions = {},
): Promise<Convergence> {
  const first = await goal.observe(new Map())
  const ledger = readLedger(system, first.bootId)
  const { steps, skips } = goal.plan(first, ledger)
  if (steps.length === 0 && !goal.pending(ledger, first)) {
    return { guest: first, outcomes: [], skips, missing: [], failure: notJudged(skips), ledger }
  }
  if (!system.mayWrite) throw needsRoot(goal.purpose, steps)
  const { takeLock } = await import('../system/lock')
  const lock = await takeLock(
    system,
    goal.purpose,
    options.lockWaitMs ?? DEFAULT_LOCK_WAIT_MS,
    options.signal,
  )
  try {
    return await new Loop(system, goal, options, maximaOf(first)).run()
  } finally {
    lock.release()
  }
}

function needsRoot(purpose: string, steps: readonly Step[]): VqtuneError {
  const nics = [...new Set(steps.map((step) => step.nic))].join(', ')
  const what = steps.length === 0 ? 'write its ledger' : `write ${steps.length} settings of ${nics}`
  return new VqtuneError('permission', `${purpose} must ${what}: run it as root`)
}

/** One run under the lock. Everything that changes during the run is here; nothing outlives it. */
class Loop {
  private readonly outcomes: StepOutcome[] = []
  private readonly tries = new Map<string, number>()
  /** Channels that the kernel refused, by interface index: planned around from then on. */
  private readonly obstacles = new Map<number, Obstacle>()
  /** Other steps that the kernel refused, by key. */
  private readonly refused = new Map<string, Skip>()
  /** NICs that are given up in this run, by name. */
  private readonly failed = new Set<string>()
  private failure: VqtuneError | undefined

  constructor(
    private readonly system: System,
    private readonly goal: Operation,
    private readonly options: ConvergeOptions,
    private readonly maxima: Map<number, number>,
  ) {}

  async run(): Promise<Convergence> {
    let guest = await this.look()
    let ledger = readLedger(this.system, guest.bootId)
    for (let round = 0; ; round++) {
      const plan = this.goal.plan(guest, ledger)
      const missing = plan.steps.filter((step) => !this.refused.has(keyOf(step)))
      const steps = missing.filter((step) => !this.failed.has(step.nic))
      if (steps.length === 0 || round === MAX_ROUNDS || this.isStopped()) {
        this.failure ??= this.unfinished(steps, round)
        const skips = [...plan.skips, ...this.refused.values()]
        ledger = this.close(ledger, guest, missing)
        this.failure ??= notJudged(plan.skips)
        return { guest, outcomes: this.outcomes, skips, missing, failure: this.failure, ledger }
      }
      await this.pauseBefore(steps)
      const due = steps.filter((step) => !this.failed.has(step.nic))
      const recorded = due.length > 0 ? this.recordOriginals(ledger, guest, due) : undefined
      if (recorded !== undefined) {
        ledger = recorded
        const named = new Set(due.filter(isChannelStep).map((step) => step.nic))
        if (named.size > 0)
          await this.options.beforeChannels?.(guest.nics.filter(({ name }) => named.has(name)))
        // That takes seconds where a gateway has to be asked.
        if (!this.isStopped()) await this.apply(due, guest)
      }
      guest = await this.look()
    }
  }

  private isStopped(): boolean {
    return this.options.signal?.aborted === true
  }

  private async look(): Promise<ObservedGuest> {
    const guest = await this.goal.observe(this.maxima)
    this.options.onLook?.(guest)
    for (const [ifindex, maximum] of maximaOf(guest)) this.maxima.set(ifindex, maximum)
    return {
      ...guest,
      nics: guest.nics.map((nic) => ({ ...nic, obstacle: nic.obstacle ?? this.obstacles.get(nic.ifindex) })),
    }
  }

  /** Counts tries; a step that did not take after the last one makes its NIC fail. */
  private async pauseBefore(steps: readonly Step[]): Promise<void> {
    let pauseMs = 0
    for (const step of steps) {
      const key = keyOf(step)
      const tried = this.tries.get(key) ?? 0
      this.tries.set(key, tried + 1)
      const pause = RETRY_DELAYS_MS[tried]
      if (pause === undefined) {
        this.fail(
          step.nic,
          new VqtuneError(
            'not-converged',
            `${describeTarget(step)} did not stay after ${tried} writes: something else sets it`,
          ),
        )
      } else {
        pauseMs = Math.max(pauseMs, pause)
      }
    }
    if (pauseMs > 0) await sleep(pauseMs, undefined, { ref: true })
  }

  /**
   * @returns undefined when they could not be recorded after other NICs were written: these are given up then
   * @throws VqtuneError when nothing was written yet
   */
  private recordOriginals(ledger: Ledger, guest: ObservedGuest, steps: readonly Step[]): Ledger | undefined {
    const touched = new Set(steps.map((step) => step.nic))
    const about = guest.nics.filter((nic) => touched.has(nic.name))
    if (about.every((nic) => entryOf(ledger, nic)?.original !== undefined)) return ledger
    const next = withOriginals(ledger, guest, about, now())
    const failure = this.written(next)
    if (failure === undefined) return next
    if (!this.outcomes.some(({ result }) => result === 'done')) {
      throw new VqtuneError(failure.kind, `${failure.message}; nothing was changed`, { cause: failure })
    }
    for (const nic of touched) this.fail(nic, failure)
    return undefined
  }

  /** @returns why the ledger could not be written, undefined when it was */
  private written(ledger: Ledger): VqtuneError | undefined {
    try {
      writeLedger(this.system, ledger)
      return undefined
    } catch (error) {
      if (error instanceof VqtuneError) return error
      throw error
    }
  }

  /** Channels of all NICs side by side: each is one ethtool. The rest are single writes to kernel files. */
  private async apply(steps: readonly Step[], guest: ObservedGuest): Promise<void> {
    await Promise.all(steps.filter(isChannelStep).map((step) => this.doStep(step, guest)))
    for (const step of steps) {
      if (this.isStopped()) return
      if (!isChannelStep(step)) await this.doStep(step, guest)
    }
  }

  private async doStep(step: Step, guest: ObservedGuest): Promise<void> {
    try {
      await execute(this.system, step)
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
      // A NIC that went away is no fault: the next look does not list it. If it does, the step is tried again.
      if (failure.kind !== 'vanished') this.fail(step.nic, failure)
    }
  }

  private remember(step: Step, refusal: StepRefused, guest: ObservedGuest): void {
    if (isChannelStep(step)) {
      const nic = guest.nics.find((candidate) => candidate.name === step.nic)
      if (nic !== undefined) this.obstacles.set(nic.ifindex, { code: refusal.code, why: refusal.message })
      return
    }
    this.refused.set(keyOf(step), {
      nic: step.nic,
      tunable: tunableOf(step),
      code: refusal.code,
      why: refusal.message,
    })
  }

  private note(outcome: StepOutcome): void {
    this.outcomes.push(outcome)
    this.options.onOutcome?.(outcome)
  }

  private fail(nic: string, failure: VqtuneError): void {
    this.failed.add(nic)
    this.failure ??= failure
  }

  private unfinished(steps: readonly Step[], round: number): VqtuneError | undefined {
    if (steps.length === 0) return undefined
    const left = `${steps.length} writes left, the first: ${describeTarget(steps[0] as Step)}`
    return round === MAX_ROUNDS
      ? new VqtuneError('not-converged', `gave up after ${MAX_ROUNDS} rounds: ${left}`)
      : new VqtuneError('not-converged', `stopped by a signal: ${left}`)
  }

  private close(ledger: Ledger, guest: ObservedGuest, missing: readonly Step[]): Ledger {
    const next =
      missing.length === 0 && this.failure === undefined
        ? this.goal.finish(ledger, guest, now())
        : withApplied(ledger, guest.nics, now())
    if (next === ledger) return ledger
    const failure = this.written(next)
    if (failure === undefined) return next
    // What was written to the NICs stays: the originals are on record, and a rollback needs no more than these.
    this.failure ??= new VqtuneError(failure.kind, `${failure.message}; ${this.stands(missing)}`, {
      cause: failure,
    })
    return ledger
  }

  private stands(missing: readonly Step[]): string {
    if (missing.length > 0) return 'the settings are incomplete'
    return this.outcomes.some(({ result }) => result === 'done')
      ? 'the settings are in place'
      : 'nothing was changed'
  }
}

/** Channels that could not be planned for are a fault; all the rest was done. */
export function notJudged(skips: readonly Skip[]): VqtuneError | undefined {
  const skip = skips.find(({ code }) => code === 'unknown-maximum')
  return skip && new VqtuneError('tool-failed', `${skip.nic}: ${skip.why}`)
}

function maximaOf(guest: ObservedGuest): Map<number, number> {
  const known = guest.nics.filter(
    (nic): nic is ObservedNic & { channels: { maximum: number } } => nic.channels.maximum !== undefined,
  )
  return new Map(known.map((nic) => [nic.ifindex, nic.channels.maximum]))
}

/** The setting that a step writes and the value it wants. */
function keyOf(step: Step): string {
  switch (step.kind) {
    case 'set-channels':
      return `${step.nic} channels ${step.new}`
    case 'set-irq-affinity':
      return `${step.nic} irq ${step.irq} ${step.new.join()}`
    case 'set-xps':
      return `${step.nic} xps ${step.queue} ${step.new.join()}`
  }
}

function describeTarget(step: Step): string {
  switch (step.kind) {
    case 'set-channels':
      return `${step.nic}: ${step.new} channels`
    case 'set-irq-affinity':
      return `${step.nic}: affinity of IRQ ${step.irq}`
    case 'set-xps':
      return `${step.nic}: XPS of queue ${step.queue}`
  }
}

function now(): string {
  return new Date().toISOString()
}

/** Exit code of a command that converged or not. */
export function exitCodeOf(result: Convergence): number {
  return result.failure === undefined ? EXIT.converged : result.failure.exitCode
}
