import { useSyncExternalStore } from 'react'

/** The path after the page's own, such as ['nic', 'eth0', 'explain']. */
export function useLocation(): readonly string[] {
  const text = useSyncExternalStore(
    (onChange) => {
      cockpit.addEventListener('locationchanged', onChange)
      return () => cockpit.removeEventListener('locationchanged', onChange)
    },
    () => JSON.stringify(cockpit.location.path),
  )
  return JSON.parse(text) as readonly string[]
}

/** A link to a path of this page. */
export function linkTo(...path: readonly string[]): string {
  return `#/${path.map(encodeURIComponent).join('/')}`
}
