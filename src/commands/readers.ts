/** The commands that only look at a guest: `capture` runs them, and keeps what they read. */
import type { CommandModule } from './command'

/** By the words that select it. `report` is not here: it reads twice, and capture does that itself. */
export const READERS: Readonly<Record<string, () => Promise<CommandModule>>> = {
  status: () => import('./status'),
  plan: () => import('./plan'),
  explain: () => import('./explain'),
  drift: () => import('./drift'),
  'config check': () => import('./config-check'),
}
