/** What a comparison is about: channels, or the values of other tunables; how a reading shows which of the two states it is of. Pure. */
import type { TunableName } from '../model'
import type { Reading } from './readings'

export interface Subject {
  /** The state before vqtune's change, and the one after it, as stateOf tells them. */
  readonly before: string
  readonly after: string
  stateOf(reading: Reading): string
  /** `channels` */
  readonly noun: string
  /** `with 4 instead of 1 channels` */
  readonly versus: string
  /** Somebody else changed it; one clause. */
  changedTo(state: string): string
  /** It did not get the state; one clause. */
  missed(state: string): string
}

export function channelSubject(before: number, after: number): Subject {
  return {
    before: String(before),
    after: String(after),
    stateOf: ({ channels }) => String(channels),
    noun: 'channels',
    versus: `with ${after} instead of ${before} channels`,
    changedTo: (state) => `the channels were changed to ${state} meanwhile`,
    missed: (state) => `it did not get ${state} channels`,
  }
}

/** @param before,after as Reading.settings */
export function settingsSubject(tunables: readonly TunableName[], before: string, after: string): Subject {
  const noun = tunables.join(' and ')
  return {
    before,
    after,
    stateOf: ({ settings }) => settings,
    noun,
    versus: `with the new values of ${noun} instead of those before`,
    changedTo: () => 'settings of the NIC were changed meanwhile',
    missed: () => `it did not get the values of ${noun}`,
  }
}
