/** Keeps irqbalance asked, pass by pass, and tells what became of it. */
import { type Asked, askIrqbalance, NOT_ASKED } from '../irqbalance/ask'
import type { NicInterrupts } from '../irqbalance/wanted'
import type { System } from '../system/system'
import type { Clock } from './clock'

/** Repairs must not wait for one that sleeps: it is asked again after the pause. */
const ANSWER_MS = 5_000
/** One that does not answer costs a pass the time limit of an answer: not each pass. */
const PAUSE_MS = 15_000
/** It runs for a while before it opens its socket: until then, that is no problem to report. */
const START_MS = 30_000

export class IrqbalanceRequests {
  /** As of the last answer. */
  latest = NOT_ASKED
  /** After a failure; milliseconds since boot. */
  private quietUntil = 0
  /** The one that does not answer, and since when. */
  private silent: { readonly pid: number | undefined; readonly since: number } | undefined

  constructor(
    private readonly system: System,
    private readonly clock: Clock,
    private readonly signal: AbortSignal,
    private readonly onChange: (asked: Asked) => void,
  ) {}

  /**
   * @param wanted all that irqbalance should leave alone
   * @param isUrgent an interrupt was moved: one that did not answer is asked again at once
   */
  async ask(wanted: readonly NicInterrupts[], isUrgent = false): Promise<Asked> {
    if (this.signal.aborted || (!isUrgent && this.clock.uptime() < this.quietUntil)) return this.latest
    const answer = await askIrqbalance(this.system, wanted, { answerMs: ANSWER_MS, signal: this.signal })
    const told = this.isStarting(answer) ? { ...answer, problem: undefined } : answer
    // One that sleeps keeps what it has confirmed.
    const asked = this.isSilent && this.latest.pid === told.pid ? { ...told, nics: this.latest.nics } : told
    this.latest = asked
    this.onChange(asked)
    return asked
  }

  /** When it should be asked again, in milliseconds; undefined: in the next pass, whenever that is. */
  get nextMs(): number | undefined {
    return this.isSilent ? Math.max(0, this.quietUntil - this.clock.uptime()) : undefined
  }

  private get isSilent(): boolean {
    return this.silent !== undefined
  }

  private isStarting({ pid, nics, problem }: Asked): boolean {
    const now = this.clock.uptime()
    const failed = problem !== undefined && nics.length === 0
    this.quietUntil = failed ? now + PAUSE_MS : 0
    if (!failed) this.silent = undefined
    else if (this.silent?.pid !== pid) this.silent = { pid, since: now }
    return this.silent !== undefined && now - this.silent.since < START_MS
  }

  /** Something happened to its socket: another irqbalance may have started. */
  retry(): void {
    this.quietUntil = 0
  }
}
