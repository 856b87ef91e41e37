/**
 * Asks the running irqbalance to leave the interrupts of tuned queues alone: its list is read, merged, written, and read
 * again. What others have banned stays; what vqtune no longer needs is given back, when its NIC is gone or no longer tuned. No file of irqbalance is changed, and
 * what goes wrong is told and never stops the work.
 */
import { VqtuneError } from '../errors'
import { readBootId } from '../kernel/boot-id'
import { readVirtioInterrupts, type VirtioInterrupts } from '../kernel/interrupts'
import { askSocket } from '../system/local-socket'
import type { System } from '../system/system'
import { findInstance, type Instance } from './instance'
import { banMessage, parseSetup, SETUP } from './protocol'
import {
  confirmedOf,
  isOf,
  missingProblem,
  type Request,
  readRequest,
  removeRequest,
  writeRequest,
} from './record'
import { irqsOf, isSameNic, type NicInterrupts, withEarlier } from './wanted'

/**
 * irqbalance answers between two looks at all interrupts, which take it milliseconds. But when its list or the vCPUs have
 * changed, some versions sleep for one interval, 10 s by default, in the middle of a look (sleep_approx in scan()).
 */
const ANSWER_MS = 15_000
/** Another vqtune holds the lock for as long as it takes to ask, or for a change of channels. */
const LOCK_WAIT_MS = 5_000

export interface Asked {
  /** The irqbalance; undefined: none is running. */
  readonly pid: number | undefined
  /** What it leaves alone for vqtune now, by NIC. */
  readonly nics: readonly NicInterrupts[]
  /** Interrupts that it was asked for only now. */
  readonly added: readonly number[]
  /** Interrupts that it got back. */
  readonly released: readonly number[]
  /** Why not all is as it was wanted: one line. */
  readonly problem: string | undefined
}

export interface AskOptions {
  /** Milliseconds to wait for each answer; default 15000. */
  readonly answerMs?: number
  readonly signal?: AbortSignal | undefined
}

/** None is running, and so nothing is asked for. */
export const NOT_ASKED: Asked = { pid: undefined, nics: [], added: [], released: [], problem: undefined }

/**
 * @param wanted all that irqbalance should leave alone for vqtune; empty: it gets everything back
 * Does not throw expected errors.
 */
export async function askIrqbalance(
  system: System,
  wanted: readonly NicInterrupts[],
  options: AskOptions = {},
): Promise<Asked> {
  const found = findInstance(system)
  const before = readRequest(system)
  if (found === undefined) {
    if (before !== undefined) forget(system)
    return NOT_ASKED
  }
  const { pid } = found
  if (!('socket' in found)) {
    const problem = wanted.length === 0 ? undefined : `irqbalance cannot be asked: ${found.why}`
    return { ...NOT_ASKED, pid, problem }
  }
  // Never asked, and nothing to ask for: it is not contacted.
  if (wanted.length === 0 && (before === undefined || !isOf(before, pid, found.startTicks)))
    return { ...NOT_ASKED, pid }
  try {
    return await new Conversation(system, found, options).agreeOn(wanted)
  } catch (error) {
    if (!(error instanceof VqtuneError)) throw error
    // It ended between the look into its directory and the question.
    if (error.kind === 'vanished') return NOT_ASKED
    return { ...NOT_ASKED, pid, problem: `irqbalance cannot be asked: ${error.message}` }
  }
}

/** Gives back the interrupts of NICs that are no longer tuned, whatever is configured. @param nics undefined: all */
export function releaseInterrupts(
  system: System,
  nics: readonly Pick<NicInterrupts, 'virtio' | 'ifindex'>[] | undefined,
  options: AskOptions = {},
): Promise<Asked> {
  const asked = readRequest(system)?.nics ?? []
  const kept = nics === undefined ? [] : asked.filter((one) => !nics.some((nic) => isSameNic(one, nic)))
  return askIrqbalance(system, kept, options)
}

class Conversation {
  private readonly answerMs: number

  constructor(
    private readonly system: System,
    private readonly instance: Instance,
    private readonly options: AskOptions,
  ) {
    this.answerMs = options.answerMs ?? ANSWER_MS
  }

  /** @param needed by the queues that are in use */
  async agreeOn(needed: readonly NicInterrupts[]): Promise<Asked> {
    const banned = await this.readBanned()
    const before = this.recorded()
    if (before !== undefined && isInForce(before, this.withUnused(needed, before), banned))
      return resultOf(before, [], [])
    const { takeLock } = await import('../system/lock')
    const lock = await takeLock(this.system, 'irqbalance', LOCK_WAIT_MS, this.options.signal)
    try {
      return await this.change(needed)
    } finally {
      lock.release()
    }
  }

  /** Under the lock: another vqtune may have asked meanwhile. */
  private async change(needed: readonly NicInterrupts[]): Promise<Asked> {
    const banned = await this.readBanned()
    const before = this.recorded()
    const wanted = this.withUnused(needed, before)
    const irqs = irqsOf(wanted)
    const known = new Set(irqsOf(before?.nics ?? []))
    const others = new Set(before?.others ?? [])
    const kept = new Set(irqs)
    const released = [...known].filter((irq) => !others.has(irq) && !kept.has(irq) && banned.has(irq))
    const added = irqs.filter((irq) => !banned.has(irq))
    const request: Request = {
      version: 1,
      bootId: readBootId(this.system),
      pid: this.instance.pid,
      startTicks: this.instance.startTicks,
      at: new Date().toISOString(),
      nics: wanted,
      others: irqs.filter((irq) => (known.has(irq) ? others.has(irq) : banned.has(irq))),
      missing: [],
    }
    // Before it is done: what is done and not recorded would never be given back.
    this.record(request)
    if (added.length === 0 && released.length === 0) return resultOf(request, [], [])
    const gone = new Set(released)
    const list = [...banned].filter((irq) => !gone.has(irq))
    await this.say(banMessage([...new Set([...list, ...irqs])]))
    const now = await this.readBanned()
    const verified = { ...request, missing: irqs.filter((irq) => !now.has(irq)) }
    if (verified.missing.length > 0) this.record(verified)
    return resultOf(
      verified,
      added.filter((irq) => now.has(irq)),
      released.filter((irq) => !now.has(irq)),
    )
  }

  private withUnused(
    needed: readonly NicInterrupts[],
    before: Request | undefined,
  ): readonly NicInterrupts[] {
    // Read only if a queue that it was asked for is no longer in use.
    let interrupts: VirtioInterrupts | undefined
    const isOf = (irq: number, virtio: string): boolean => {
      interrupts ??= readVirtioInterrupts(this.system)
      return [...interrupts].some(([name, number]) => number === irq && name.startsWith(`${virtio}-`))
    }
    return withEarlier(needed, before?.nics ?? [], isOf)
  }

  private recorded(): Request | undefined {
    const request = readRequest(this.system)
    const { pid, startTicks } = this.instance
    return request !== undefined && isOf(request, pid, startTicks) ? request : undefined
  }

  /** Without anything that is asked for, nothing is to be remembered. */
  private record(request: Request): void {
    if (request.nics.length > 0) writeRequest(this.system, request)
    else removeRequest(this.system)
  }

  private async readBanned(): Promise<ReadonlySet<number>> {
    const answer = await this.say(SETUP)
    const banned = parseSetup(answer)
    if (banned !== undefined) return banned
    const what = answer === '' ? 'no answer' : `an answer that is not understood (${answer.slice(0, 40)})`
    throw new VqtuneError('tool-failed', `${this.instance.socket}: ${what}`)
  }

  private say(message: string): Promise<string> {
    return askSocket(this.system, this.instance.socket, message, this.answerMs)
  }
}

/** Nothing to do: what it took then it still has, and what it did not take it would not take now. */
function isInForce(before: Request, wanted: readonly NicInterrupts[], banned: ReadonlySet<number>): boolean {
  const missing = new Set(before.missing)
  return (
    JSON.stringify(before.nics) === JSON.stringify(wanted) &&
    irqsOf(wanted).every((irq) => banned.has(irq) || missing.has(irq))
  )
}

function resultOf(request: Request, added: readonly number[], released: readonly number[]): Asked {
  return { pid: request.pid, nics: confirmedOf(request), added, released, problem: missingProblem(request) }
}

/** It is of an irqbalance that is gone, and so means nothing. */
function forget(system: System): void {
  try {
    removeRequest(system)
  } catch (error) {
    if (!(error instanceof VqtuneError)) throw error
  }
}
