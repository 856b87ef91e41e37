/** docs/benchmarks.md from the results that are kept. Pure. */
import type { Machine, Section, Table } from './part'

export interface Chapter {
  readonly name: string
  readonly machine: Machine
  readonly section: Section
}

const INTRODUCTION = `# Benchmarks

Written by \`npm run bench\`, one part by \`npm run bench -- NAME\`; the numbers are in [benchmarks/](benchmarks/). Every
figure was measured by the part that shows it, at the time and with the commit said there; parts may be of different
times. Absolute times belong to that machine, where guests are emulated (no KVM) and other work ran meanwhile, as the
load average says. **Ratios compare what ran interleaved within one run** and are what to look at.
`

export function renderDocument(chapters: readonly Chapter[]): string {
  return `${INTRODUCTION}\n${chapters.map(renderChapter).join('\n\n')}\n`
}

function renderChapter({ name, machine, section }: Chapter): string {
  return [
    `## ${section.title}`,
    ...section.text,
    ...section.tables.map(renderTable),
    ...section.charts.map(({ file, alt }) => `![${alt}](benchmarks/${file}.svg)`),
    `<sub>\`npm run bench -- ${name}\`, ${describeMachine(machine)}</sub>`,
  ].join('\n\n')
}

function describeMachine({ at, commit, node, cpu, cores, memoryGib, kernel, load, note }: Machine): string {
  const when = `${at.slice(0, 10)} ${at.slice(11, 16)} UTC`
  const where = `${cores} cores of ${cpu}, ${memoryGib} GiB, Linux ${kernel}`
  const what = `${when}, commit ${commit}, Node ${node}; ${where}; load average ${load.join(' before, ')} after`
  return note === undefined ? what : `${what}; ${note}`
}

/** Text in the first column, numbers to the right in all others. */
export function renderTable({ columns, rows }: Table): string {
  const cells = [columns, ...rows].map((row) => row.map((cell) => cell.replaceAll('|', '\\|')))
  const widths = columns.map((_, i) => Math.max(3, ...cells.map((row) => (row[i] ?? '').length)))
  const line = (row: readonly string[]): string =>
    `| ${widths.map((width, i) => (i === 0 ? (row[i] ?? '').padEnd(width) : (row[i] ?? '').padStart(width))).join(' | ')} |`
  const rule = `| ${widths.map((width, i) => (i === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)).join(' | ')} |`
  return [line(cells[0] ?? []), rule, ...cells.slice(1).map(line)].join('\n')
}
