/** What a trial compares: combinations of settings for one NIC. Pure. */
import type { SwitchValue } from '../model'
import { plural } from '../text/plural'

/** One combination. */
export interface Arm {
  /** 1.. */
  readonly channels: number
  /** The keys of vqtune.toml that are varied, with this arm's values; empty if only channels are. */
  readonly switches: Readonly<Record<string, SwitchValue>>
}

export function armKey({ channels, switches }: Arm): string {
  return JSON.stringify([channels, Object.entries(switches)])
}

export function isSameArm(a: Arm, b: Arm): boolean {
  return armKey(a) === armKey(b)
}

/** Each arm once, by channels, then by their other values. */
export function distinctArms(arms: readonly Arm[]): readonly Arm[] {
  const byKey = new Map(arms.map((arm) => [armKey(arm), arm]))
  return [...byKey.values()].sort((a, b) => a.channels - b.channels || (armKey(a) < armKey(b) ? -1 : 1))
}

/** `4 channels`, or `4 channels with rps off, threaded-napi on`. */
export function describeArm({ channels, switches }: Arm): string {
  const others = Object.entries(switches).map(([key, value]) => `${key} ${value}`)
  return `${plural(channels, 'channel')}${others.length === 0 ? '' : ` with ${others.join(', ')}`}`
}
