/** Whether another writer wants what vqtune wants. Pure. */
import type { Writer } from './writer'

export interface Wanted {
  /** Channels. */
  readonly target: number
  /** Of the host; undefined if unknown. */
  readonly maximum: number | undefined
  readonly vcpus: number
}

/** undefined: it cannot be known, or is no matter of channels. */
export function agreesWith(writer: Writer, { target, maximum, vcpus }: Wanted): boolean | undefined {
  if (writer.tunable !== 'channels' || writer.value === undefined) return undefined
  if (writer.value === 'max') return maximum === undefined ? undefined : maximum === target
  if (writer.value === 'vcpus') return Math.min(vcpus, maximum ?? vcpus) === target
  return Number(writer.value) === target
}
