import { useEffect } from 'react'

/** A burst of changes is one reload. */
const QUIET_MS = 200

/**
 * Calls back after a file was written, replaced, made or removed, not while the page is hidden. Some versions of Cockpit also
 * tell at once what is there, others do not, so the first call cannot be left out.
 */
export function useFileWatch(path: string, onChange: () => void): void {
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined
    const watch = cockpit.file(path).watch(
      () => {
        if (document.hidden) return
        timer ??= setTimeout(() => {
          timer = undefined
          onChange()
        }, QUIET_MS)
      },
      { read: false },
    )
    return () => {
      clearTimeout(timer)
      watch.remove()
    }
  }, [path, onChange])
}
