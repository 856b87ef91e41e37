/** Cockpit keeps its style in the browser's storage and tells pages of a change; PatternFly wants a class. */

const DARK_CLASS = 'pf-v6-theme-dark'
const STORED = 'shell:style'

export function followCockpitStyle(): void {
  const systemIsDark = matchMedia('(prefers-color-scheme: dark)')
  const follow = (style: string | null): void => {
    const isDark = style === 'dark' || (style !== 'light' && systemIsDark.matches)
    document.documentElement.classList.toggle(DARK_CLASS, isDark)
  }
  const followStored = (): void => follow(localStorage.getItem(STORED))
  systemIsDark.addEventListener('change', followStored)
  addEventListener('storage', ({ key }) => {
    if (key === STORED) followStored()
  })
  addEventListener('cockpit-style', (event) => {
    follow((event as CustomEvent<{ style?: string }>).detail?.style ?? null)
  })
  followStored()
}
