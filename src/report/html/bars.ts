/** A horizontal bar chart as inline SVG. Pure. */
import { escapeHtml } from './escape'

export interface Bar {
  readonly label: string
  /** Not negative. Parts are drawn one after the other. */
  readonly parts: readonly { readonly value: number; readonly kind: string }[]
  readonly note: string
}

const ROW = 26
const LABEL_WIDTH = 110
const BAR_WIDTH = 460
const WIDTH = 860

/** @param full the value that fills the width; the largest sum when left out */
export function barChart(title: string, bars: readonly Bar[], full?: number): string {
  const sums = bars.map(({ parts }) => parts.reduce((sum, part) => sum + part.value, 0))
  const scale = BAR_WIDTH / (full ?? Math.max(1e-9, ...sums))
  const rows = bars.map((bar, i) => {
    let x = LABEL_WIDTH
    const y = i * ROW
    const parts = bar.parts.map(({ value, kind }) => {
      const width = Math.min(value * scale, LABEL_WIDTH + BAR_WIDTH - x)
      const drawn = `<rect class="${escapeHtml(kind)}" x="${x.toFixed(1)}" y="${y + 4}" width="${Math.max(0, width).toFixed(1)}" height="${ROW - 8}"/>`
      x += width
      return drawn
    })
    const label = `<text x="${LABEL_WIDTH - 8}" y="${y + 17}" text-anchor="end">${escapeHtml(bar.label)}</text>`
    const note = `<text class="note" x="${LABEL_WIDTH + BAR_WIDTH + 8}" y="${y + 17}">${escapeHtml(bar.note)}</text>`
    return `${label}<rect class="track" x="${LABEL_WIDTH}" y="${y + 4}" width="${BAR_WIDTH}" height="${ROW - 8}"/>${parts.join('')}${note}`
  })
  const height = Math.max(1, bars.length) * ROW
  return `<svg role="img" aria-label="${escapeHtml(title)}" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}">${rows.join('')}</svg>`
}
