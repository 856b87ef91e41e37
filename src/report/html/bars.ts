/** Horizontal bars as inline SVG that is as wide as there is room; labels and notes are HTML, so they keep their size. Pure. */
import { escapeHtml } from './escape'

export interface Bar {
  readonly label: string
  /** Not negative. Parts are drawn one after the other. */
  readonly parts: readonly { readonly value: number; readonly kind: string }[]
  readonly note: string
}

/** @param full the value that fills the width; the largest sum when left out */
export function barChart(title: string, bars: readonly Bar[], full?: number): string {
  const sums = bars.map(({ parts }) => parts.reduce((sum, part) => sum + part.value, 0))
  const whole = full ?? Math.max(1e-9, ...sums)
  const rows = bars.map(({ label, parts, note }) => {
    let x = 0
    const drawn = parts.map(({ value, kind }) => {
      const width = Math.min((100 * value) / whole, 100 - x)
      const rect = `<rect class="${escapeHtml(kind)}" x="${x.toFixed(2)}%" width="${Math.max(0, width).toFixed(2)}%" height="16"/>`
      x += width
      return rect
    })
    const name = escapeHtml(`${label}: ${note}`)
    return `<div class="row"><span>${escapeHtml(label)}</span><svg role="img" aria-label="${name}"><rect class="track" width="100%" height="16"/>${drawn.join('')}</svg><span class="note">${escapeHtml(note)}</span></div>`
  })
  return `<div class="chart" role="group" aria-label="${escapeHtml(title)}">${rows.join('')}</div>`
}

export function legend(entries: readonly (readonly [kind: string, text: string])[]): string {
  const shown = entries.map(
    ([kind, text]) =>
      `<span><svg aria-hidden="true"><rect class="${kind}" width="11" height="11" rx="2"/></svg>${escapeHtml(text)}</span>`,
  )
  return `<p class="legend">${shown.join('')}</p>`
}
