/** What a terminal showed, as an SVG picture: text, and the colours of SGR sequences. Pure. */

export interface Shown {
  readonly command?: string
  readonly output?: string
  readonly comment?: string
}

const COLUMN = 7.83
const ROW = 18
const MARGIN = 14
const COLOURS: Readonly<Record<string, string>> = { '31': 'red', '32': 'green', '33': 'yellow', '2': 'dim' }

export function terminalSvg(shown: readonly Shown[]): string {
  const lines = shown.flatMap(({ command, output, comment }) => [
    ...(comment === undefined ? [] : [`<tspan class="dim"># ${escaped(comment)}</tspan>`]),
    ...(command === undefined
      ? []
      : [`<tspan class="dim">#</tspan> <tspan class="typed">${escaped(command)}</tspan>`]),
    ...(output === undefined ? [] : output.trimEnd().split('\n').map(coloured)),
  ])
  const longest = Math.max(...lines.map((line) => line.replace(/<[^>]*>/g, '').replace(/&\w+;/g, 'x').length))
  const width = Math.ceil(longest * COLUMN + 2 * MARGIN)
  const height = lines.length * ROW + 2 * MARGIN
  const rows = lines.map((line, i) => `<text x="${MARGIN}" y="${MARGIN + 13 + i * ROW}">${line}</text>`)
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="vqtune in a terminal">
<style>text{font:13px ui-monospace,SFMono-Regular,Menlo,"DejaVu Sans Mono",monospace;fill:#d6deeb;white-space:pre}.typed{fill:#fff;font-weight:bold}.dim{fill:#8796b0}.green{fill:#7fd88f}.yellow{fill:#f0c674}.red{fill:#ff8080}</style>
<rect width="100%" height="100%" rx="8" fill="#101826"/>
${rows.join('\n')}
</svg>
`
}

/** Colours begin and end within a line, as output/paint.ts prints them. */
function coloured(line: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the sequences that a terminal obeys.
  const parts = line.split(/\u001b\[(\d+)m/)
  return parts
    .map((part, i) => {
      if (i % 2 === 1 || part === '') return ''
      const colour = COLOURS[parts[i - 1] ?? '']
      return colour === undefined ? escaped(part) : `<tspan class="${colour}">${escaped(part)}</tspan>`
    })
    .join('')
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
