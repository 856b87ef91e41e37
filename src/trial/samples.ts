/** Turns measurements into the samples that are compared. Pure. */
import type { Arm } from './arm'
import type { Measured } from './measure'
import type { Sample } from './verdict'

export interface Run {
  readonly round: number
  readonly arm: Arm
  readonly measured: Measured
}

/** A command that moves less than this in a typical run is rated by its run time. */
const MIN_COMMAND_BYTES = 65_536

export const METRICS = ['bytes', 'runs'] as const
export type Metric = (typeof METRICS)[number]

/** Live traffic is always rated by bytes. */
export function metricOf(runs: readonly Run[], isCommand: boolean): Metric {
  if (!isCommand) return 'bytes'
  const moving = runs.filter(({ measured }) => measured.bytes >= MIN_COMMAND_BYTES)
  return 2 * moving.length > runs.length ? 'bytes' : 'runs'
}

export function samplesOf(runs: readonly Run[], metric: Metric): readonly Sample[] {
  return runs.map(({ round, arm, measured }) => {
    const amount = metric === 'bytes' ? measured.bytes : 1
    return {
      round,
      arm,
      rate: measured.seconds > 0 ? amount / measured.seconds : 0,
      cost: amount > 0 ? measured.cpuSeconds / amount : 0,
      packets: measured.seconds > 0 ? measured.packets / measured.seconds : 0,
      p99Ms: measured.p99Ms,
    }
  })
}
