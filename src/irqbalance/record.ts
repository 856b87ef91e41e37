/**
 * What irqbalance was asked for, below /run: so that it gets back only what vqtune asked for, and for `vqtune status`. The
 * request itself lives in irqbalance's process, and ends with it.
 */
import { fileError } from '../errors'
import { readBootId } from '../kernel/boot-id'
import { startTicksOf } from '../kernel/process-identity'
import { isObject } from '../planner/ledger-format'
import type { System } from '../system/system'
import { plural } from '../text/plural'
import { irqsOf, type NicInterrupts } from './wanted'

export interface Request {
  readonly version: 1
  readonly bootId: string
  /** irqbalance's, with its start time; see Instance. */
  readonly pid: number
  readonly startTicks: string
  /** ISO 8601. */
  readonly at: string
  /** What it was asked to leave alone, by NIC. */
  readonly nics: readonly NicInterrupts[]
  /** Interrupts of these that it left alone before vqtune asked: they are not vqtune's to give back. */
  readonly others: readonly number[]
  /** Interrupts of these that it did not take. */
  readonly missing: readonly number[]
}

export function requestPath(system: System): string {
  return `${system.paths.runDir}/irqbalance.json`
}

/** Of this boot; undefined if there is none, or if it is damaged: then nothing is known to be vqtune's, and nothing is given back. */
export function readRequest(system: System): Request | undefined {
  try {
    const value: unknown = JSON.parse(system.readText(requestPath(system)) ?? '')
    return isRequest(value) && value.bootId === readBootId(system) ? value : undefined
  } catch {
    return undefined
  }
}

/** The request, if the irqbalance that was asked still runs. */
export function readStanding(system: System): Request | undefined {
  const request = readRequest(system)
  return request !== undefined && isOf(request, request.pid, startTicksOf(system, request.pid))
    ? request
    : undefined
}

/** Whether this irqbalance was asked. A start time is unknown to those who may not see its process. */
export function isOf(request: Request, pid: number, startTicks: string | undefined): boolean {
  return (
    request.pid === pid &&
    (request.startTicks === startTicks || request.startTicks === '' || startTicks === '')
  )
}

/** What it leaves alone, by NIC. */
export function confirmedOf({ nics, missing }: Request): readonly NicInterrupts[] {
  const open = new Set(missing)
  return nics.map((nic) => ({ ...nic, irqs: nic.irqs.filter((irq) => !open.has(irq)) }))
}

/** Why not all are confirmed: one line; undefined if they are. */
export function missingProblem({ nics, missing }: Request): string | undefined {
  if (missing.length === 0) return undefined
  const all = irqsOf(nics).length
  return `irqbalance took ${all - missing.length} of ${plural(all, 'interrupt')}: its version reads no longer list; vqtune explain has other ways`
}

/** @throws VqtuneError kind state or permission */
export function writeRequest(system: System, request: Request): void {
  const path = requestPath(system)
  try {
    system.replaceFile(path, `${JSON.stringify(request)}\n`)
  } catch (cause) {
    throw fileError(cause, path, 'cannot record what irqbalance was asked for')
  }
}

/** @throws VqtuneError kind state or permission */
export function removeRequest(system: System): void {
  const path = requestPath(system)
  try {
    system.removeFile(path)
  } catch (cause) {
    throw fileError(cause, path, 'cannot remove')
  }
}

function isRequest(value: unknown): value is Request {
  if (!isObject(value)) return false
  const { version, pid, bootId, startTicks, at, nics, others, missing } = value
  return (
    version === 1 &&
    Number.isInteger(pid) &&
    [bootId, startTicks, at].every((text) => typeof text === 'string') &&
    isNumbers(others) &&
    isNumbers(missing) &&
    Array.isArray(nics) &&
    nics.every(isNicInterrupts)
  )
}

function isNicInterrupts(value: unknown): value is NicInterrupts {
  return (
    isObject(value) &&
    typeof value.virtio === 'string' &&
    typeof value.name === 'string' &&
    Number.isInteger(value.ifindex) &&
    isNumbers(value.irqs)
  )
}

function isNumbers(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((number) => Number.isInteger(number) && number >= 0)
}
