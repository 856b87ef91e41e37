/** What there is to say about irqbalance, for status and explain. Reads only. */
import type { System } from '../system/system'
import { plural } from '../text/plural'
import { findInstance } from './instance'
import { confirmedOf, missingProblem, readStanding } from './record'
import { irqsOf, type NicInterrupts } from './wanted'

export interface IrqbalanceState {
  readonly pid: number
  /** Interrupts that it was asked to leave alone, and does. */
  readonly nics: readonly NicInterrupts[]
  /** Why it was not asked, or not for all: one clause. */
  readonly problem: string | undefined
}

/**
 * @param wanted what it should leave alone
 * @returns undefined if no irqbalance is running
 */
export function readIrqbalanceState(
  system: System,
  wanted: readonly NicInterrupts[],
): IrqbalanceState | undefined {
  const instance = findInstance(system)
  if (instance === undefined) return undefined
  const { pid } = instance
  const request = readStanding(system)
  if (request !== undefined && request.pid === pid) {
    return { pid, nics: confirmedOf(request), problem: missingProblem(request) }
  }
  const why =
    wanted.length === 0
      ? undefined
      : 'why' in instance
        ? instance.why
        : 'vqtune apply, or the daemon, asks it'
  return { pid, nics: [], problem: why }
}

/** One line; see IrqbalanceState. `irqbalance: asked to leave 8 interrupts alone` */
export function describeIrqbalance({ pid, nics, problem }: IrqbalanceState): string {
  const count = irqsOf(nics).length
  const what =
    count > 0
      ? describeAsked(count)
      : `irqbalance: running (PID ${pid}), not asked to leave any interrupt alone`
  return problem === undefined ? what : `${what}: ${problem}`
}

export function describeAsked(count: number): string {
  return `irqbalance: asked to leave ${plural(count, 'interrupt')} alone`
}

export function describeReleased(count: number): string {
  return `irqbalance: ${plural(count, 'interrupt')} given back`
}

/** For --json. */
export function irqbalanceJson(state: IrqbalanceState | undefined): object | null {
  if (state === undefined) return null
  return { pid: state.pid, interrupts: irqsOf(state.nics), problem: state.problem ?? null }
}
