/** The guest as it is now, kept fresh: one status and one history for all views. */
import { createContext, type ReactNode, useContext, useEffect, useMemo } from 'react'
import type { Answer, Status } from './answer'
import { type Loaded, useAnswer } from './use-answer'
import { useFileWatch } from './use-file-watch'

/** The daemon appends to the history when it finds drift, and replaces its view after each pass. */
export const HISTORY_FILE = '/var/lib/vqtune/drift.jsonl'
export const VIEW_FILE = '/run/vqtune/status.json'

interface Guest {
  readonly status: Loaded<Status>
  readonly drift: Loaded<Answer<'drift'>>
  readonly reload: () => void
}

const GuestContext = createContext<Guest | undefined>(undefined)

export function GuestProvider({ children }: { readonly children: ReactNode }) {
  const status = useAnswer('status', ['status', '--json'])
  const drift = useAnswer('drift', ['drift', '--json'])
  const { reload: reloadStatus } = status
  const { reload: reloadDrift } = drift
  const reload = useMemo(
    () => () => {
      reloadStatus()
      reloadDrift()
    },
    [reloadStatus, reloadDrift],
  )
  useFileWatch(HISTORY_FILE, reload)
  useFileWatch(VIEW_FILE, reloadStatus)
  // Without the daemon no file changes: who comes back to the page sees it as it is now.
  useEffect(() => {
    const onVisible = (): void => {
      if (!document.hidden) reload()
    }
    document.addEventListener('visibilitychange', onVisible)
    return () => document.removeEventListener('visibilitychange', onVisible)
  }, [reload])
  const guest = useMemo(() => ({ status, drift, reload }), [status, drift, reload])
  return <GuestContext.Provider value={guest}>{children}</GuestContext.Provider>
}

export function useGuest(): Guest {
  const guest = useContext(GuestContext)
  if (guest === undefined) throw new Error('useGuest() outside of GuestProvider')
  return guest
}
