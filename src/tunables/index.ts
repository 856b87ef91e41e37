/** The registry: what vqtune tunes, in the order of writing. */
import type { TunableName } from '../model'
import { channels } from './channels'
import { type AnyTunable, erased } from './erased'
import { irqAffinity } from './irq-affinity'
import { rfs } from './rfs'
import { rings } from './rings'
import { rps } from './rps'
import { rssTable } from './rss-table'
import { threadedNapi } from './threaded-napi'
import { KEEP, type Switch, switchesOf } from './tunable'
import { xps } from './xps'

export const TUNABLES = [
  erased(channels),
  erased(rings),
  erased(rssTable),
  erased(irqAffinity),
  erased(xps),
  erased(rps),
  erased(rfs),
  erased(threadedNapi),
] as const

/** Those that are off until somebody asks for them: a trial can vary them, and the guard watch them. */
export const OPTIONAL_TUNABLES: readonly AnyTunable[] = TUNABLES.filter(
  ({ switch: one }) => one?.default === KEEP,
)

/** Names for [guard] watch. */
export const GUARDED_NAMES: readonly TunableName[] = [
  channels.name,
  ...OPTIONAL_TUNABLES.map(({ name }) => name),
]

/** Keys of [defaults] and [[nic]] that tunables declare. */
export const SWITCHES: readonly Switch[] = TUNABLES.flatMap((tunable) => switchesOf(tunable))

export const TUNABLE_NAMES: readonly string[] = TUNABLES.map(({ name }) => name)
