/**
 * Charts as SVG text: bars with a range, and lines. Deterministic, readable on light and dark pages alike (an <img>
 * follows the reader's colour scheme through the media query). Pure.
 */

const STYLE = `<style>
text{font:13px system-ui,sans-serif;fill:#24292f}.title{font-weight:600;font-size:14px}.faint{fill:#57606a;font-size:12px}
.grid{stroke:#d0d7de;stroke-width:1}.a{fill:#0969da;stroke:#0969da}.b{fill:#bc4c00;stroke:#bc4c00}.c{fill:#8250df;stroke:#8250df}
.line{fill:none;stroke-width:2}.range{stroke:#24292f;stroke-width:1.5}
@media(prefers-color-scheme:dark){text{fill:#e6edf3}.faint{fill:#9198a1}.grid{stroke:#3d444d}
.a{fill:#4493f8;stroke:#4493f8}.b{fill:#f0883e;stroke:#f0883e}.c{fill:#ab7df8;stroke:#ab7df8}.range{stroke:#e6edf3}}
</style>`
const COLOURS = ['a', 'b', 'c'] as const
const WIDTH = 760

export interface Bar {
  readonly label: string
  readonly value: number
  /** Shown as a thin line across the end of the bar. */
  readonly range?: readonly [number, number]
  /** Behind the bar; the value with its unit. */
  readonly note: string
  /** Ours is drawn in the first colour, others in the second. */
  readonly ours: boolean
}

/** Horizontal bars from zero. */
export function barChart(title: string, bars: readonly Bar[]): string {
  const left = 16 + 7.5 * Math.max(...bars.map(({ label }) => label.length))
  const right = 24 + 7 * Math.max(...bars.map(({ note }) => note.length))
  const top = 40
  const step = 28
  const most = Math.max(...bars.map(({ value, range }) => Math.max(value, range?.[1] ?? 0)))
  const x = (value: number): number => left + (value / most) * (WIDTH - left - right)
  const body = bars.map(({ label, value, range, note, ours }, i) => {
    const y = top + i * step
    const [low, high] = range ?? [value, value]
    const across =
      range === undefined
        ? ''
        : `<path class="range" d="M${px(x(low))} ${y + 9}H${px(x(high))}M${px(x(low))} ${y + 5}v8M${px(x(high))} ${y + 5}v8"/>`
    return [
      `<text x="${left - 8}" y="${y + 14}" text-anchor="end">${escaped(label)}</text>`,
      `<rect class="${ours ? 'a' : 'b'}" x="${left}" y="${y}" width="${px(x(value) - left)}" height="18" rx="2" stroke="none"/>`,
      across,
      `<text x="${px(Math.max(x(value), x(high)) + 8)}" y="${y + 14}">${escaped(note)}</text>`,
    ].join('')
  })
  return svg(title, top + bars.length * step + 8, body)
}

export interface Series {
  readonly name: string
  readonly points: readonly (readonly [x: number, y: number])[]
}

export interface LineOptions {
  readonly xLabel: string
  readonly yLabel: string
  /** Equal distances for doubling instead of adding. */
  readonly logX?: boolean
}

/** Lines over a common axis; y from zero. */
export function lineChart(title: string, series: readonly Series[], options: LineOptions): string {
  const [left, right, top, bottom, height] = [56, 24, 64, 48, 340]
  const points = series.flatMap((one) => one.points)
  const scale = (value: number): number => (options.logX === true ? Math.log2(value) : value)
  const xs = points.map(([value]) => scale(value))
  const [x0, x1] = [Math.min(...xs), Math.max(...xs)]
  const yTicks = niceTicks(Math.max(...points.map(([, y]) => y)))
  const y1 = yTicks.at(-1) ?? 1
  const x = (value: number): number => left + ((scale(value) - x0) / (x1 - x0 || 1)) * (WIDTH - left - right)
  const y = (value: number): number => height - bottom - (value / y1) * (height - bottom - top)
  const xTicks =
    options.logX === true
      ? [...new Set(points.map(([value]) => value))].sort((a, b) => a - b)
      : niceTicks(x1).filter((tick) => tick >= x0 && tick <= x1)
  const body = [
    ...yTicks.map(
      (tick) =>
        `<path class="grid" d="M${left} ${px(y(tick))}H${WIDTH - right}"/><text class="faint" x="${left - 8}" y="${px(y(tick) + 4)}" text-anchor="end">${tick}</text>`,
    ),
    ...xTicks.map(
      (tick) =>
        `<text class="faint" x="${px(x(tick))}" y="${height - bottom + 18}" text-anchor="middle">${tick}</text>`,
    ),
    `<text class="faint" x="${(left + WIDTH - right) / 2}" y="${height - 10}" text-anchor="middle">${escaped(options.xLabel)}</text>`,
    `<text class="faint" x="16" y="${top - 14}">${escaped(options.yLabel)}</text>`,
    ...series.map(({ name, points: own }, i) => {
      const colour = COLOURS[i % COLOURS.length]
      const path = own.map(([px0, py0], k) => `${k === 0 ? 'M' : 'L'}${px(x(px0))} ${px(y(py0))}`).join('')
      const dots =
        own.length > 40
          ? ''
          : own
              .map(([px0, py0]) => `<circle class="${colour}" cx="${px(x(px0))}" cy="${px(y(py0))}" r="3"/>`)
              .join('')
      // As wide as the longest name may be; where it ends is up to the font.
      const legendX = WIDTH - right - 18 - Math.round(6.6 * Math.max(...series.map((one) => one.name.length)))
      const legendY = top - 14 - (series.length - 1 - i) * 18
      const legend =
        series.length === 1
          ? ''
          : `<text x="${legendX + 18}" y="${legendY}">${escaped(name)}</text><rect class="${colour}" stroke="none" x="${legendX}" y="${legendY - 9}" width="12" height="10"/>`
      return `<path class="line ${colour}" style="fill:none" d="${path}"/>${dots}${legend}`
    }),
  ]
  return svg(title, height, body)
}

/** 0 and up to six steps of 1, 2 or 5 times a power of ten, the last at or above the largest value. */
export function niceTicks(largest: number): number[] {
  const rough = largest / 5 || 1
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= rough) ?? rough
  const count = Math.ceil(largest / step - 1e-9)
  return Array.from({ length: count + 1 }, (_, i) => Number((i * step).toPrecision(12)))
}

function svg(title: string, height: number, body: readonly string[]): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img">`,
    `<title>${escaped(title)}</title>`,
    STYLE,
    `<text class="title" x="16" y="22">${escaped(title)}</text>`,
    ...body,
    '</svg>\n',
  ].join('\n')
}

const px = (value: number): string => String(Math.round(value * 10) / 10)

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
