/** The registry: what vqtune tunes, in the order of writing. */
import { channels } from './channels'
import { erased } from './erased'
import { irqAffinity } from './irq-affinity'
import { rfs } from './rfs'
import { rings } from './rings'
import { rps } from './rps'
import { rssTable } from './rss-table'
import { threadedNapi } from './threaded-napi'
import type { Switch } from './tunable'
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

/** Keys of [defaults] and [[nic]] that tunables declare. */
export const SWITCHES: readonly Switch[] = TUNABLES.flatMap((tunable) => [
  ...(tunable.switch === undefined ? [] : [tunable.switch]),
  ...(tunable.furtherSwitches ?? []),
])

export const TUNABLE_NAMES: readonly string[] = TUNABLES.map(({ name }) => name)
