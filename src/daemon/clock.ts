/** Two clocks: wall time, which can be set, and time since boot for durations, which cannot. */
import { uptimeMs } from '../system/uptime'

export interface Clock {
  /** Milliseconds since the epoch. */
  wall(): number
  /** Milliseconds since boot, the same in every process of this boot. */
  uptime(): number
}

export const systemClock: Clock = {
  wall: Date.now,
  uptime: uptimeMs,
}

/** The time of day, ISO 8601, of a moment on the other clock; to the second. */
export function timeOfDay(clock: Clock, uptimeMs: number): string {
  const at = clock.wall() + uptimeMs - clock.uptime()
  return new Date(Math.round(at / 1000) * 1000).toISOString().replace('.000Z', 'Z')
}
