import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

interface Panel {
  readonly title: string
  readonly type: string
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
  /** As written, with Grafana's variables. */
  readonly exprs: readonly string[]
}

/** The panels of the Grafana dashboard; rows, which are headings, among them without expressions. */
export function dashboardPanels(): readonly Panel[] {
  const file = fileURLToPath(new URL('../../packaging/fleet/grafana/vqtune.json', import.meta.url))
  const { panels } = JSON.parse(readFileSync(file, 'utf8')) as {
    panels: readonly (Omit<Panel, 'exprs'> & { targets?: readonly { expr: string }[] })[]
  }
  return panels.map(({ title, type, gridPos, targets = [] }) => ({
    title,
    type,
    gridPos,
    exprs: targets.map(({ expr }) => expr),
  }))
}
