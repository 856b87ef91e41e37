import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

interface Target {
  /** As written, with Grafana's variables. */
  readonly expr: string
  /** Asked for now only, not for the time that is shown. */
  readonly instant?: boolean
}

interface Panel {
  readonly title: string
  readonly type: string
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
  readonly exprs: readonly string[]
  readonly targets: readonly Target[]
}

const dashboard = () => {
  const file = fileURLToPath(new URL('../../packaging/fleet/grafana/vqtune.json', import.meta.url))
  return JSON.parse(readFileSync(file, 'utf8')) as {
    panels: readonly (Omit<Panel, 'exprs' | 'targets'> & { targets?: readonly Target[] })[]
    templating: { list: readonly { name: string; type: string; query: string }[] }
  }
}

/** The panels of the Grafana dashboard; rows, which are headings, among them without expressions. */
export function dashboardPanels(): readonly Panel[] {
  return dashboard().panels.map(({ title, type, gridPos, targets = [] }) => ({
    title,
    type,
    gridPos,
    targets,
    exprs: targets.map(({ expr }) => expr),
  }))
}

/** The variables whose values the dashboard asks Prometheus for: `label_values(SELECTOR, LABEL)`. */
export function dashboardVariables(): readonly { readonly name: string; readonly query: string }[] {
  return dashboard().templating.list.filter(({ type }) => type === 'query')
}
