/** Prometheus text exposition, version 0.0.4, which OpenMetrics scrapers and the textfile collector read, too. Pure. */

export interface Sample {
  readonly labels?: Readonly<Record<string, string>>
  readonly value: number
}

export interface Family {
  /** Without the vqtune_ prefix; counters end in _total. */
  readonly name: string
  readonly type: 'gauge' | 'counter'
  /** One sentence without a full stop. */
  readonly help: string
  readonly samples: readonly Sample[]
}

/** Families without samples are left out. A newline at the end. */
export function renderMetrics(families: readonly Family[]): string {
  return families
    .filter(({ samples }) => samples.length > 0)
    .flatMap(({ name, type, help, samples }) => [
      `# HELP vqtune_${name} ${help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}.`,
      `# TYPE vqtune_${name} ${type}`,
      ...samples.map(({ labels = {}, value }) => `vqtune_${name}${labelText(labels)} ${value}`),
    ])
    .map((line) => `${line}\n`)
    .join('')
}

function labelText(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([key, value]) => `${key}="${escaped(value)}"`)
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}

function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}
