/**
 * Metrics as text. Two formats: Prometheus' own (version 0.0.4), which the textfile collector reads, and OpenMetrics 1.0,
 * which Prometheus asks an endpoint for first. Pure.
 */

export interface Sample {
  readonly labels?: Readonly<Record<string, string>>
  readonly value: number
}

export interface Family {
  /** Without the vqtune_ prefix; counters end in _total, infos in _info. */
  readonly name: string
  readonly type: 'gauge' | 'counter' | 'info'
  /** One sentence without a full stop. */
  readonly help: string
  readonly samples: readonly Sample[]
}

export type MetricsFormat = 'text' | 'openmetrics'

export const CONTENT_TYPES: Readonly<Record<MetricsFormat, string>> = {
  text: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
}

/** Families without samples are left out. A newline at the end. */
export function renderMetrics(families: readonly Family[], format: MetricsFormat = 'text'): string {
  const lines = families
    .filter(({ samples }) => samples.length > 0)
    .flatMap(({ name, type, help, samples }) => {
      const metadata = metadataOf(name, type, format)
      return [
        `# HELP ${metadata.name} ${escapedHelp(help, format)}.`,
        `# TYPE ${metadata.name} ${metadata.type}`,
        ...samples.map(({ labels = {}, value }) => `vqtune_${name}${labelText(labels)} ${value}`),
      ]
    })
  if (format === 'openmetrics') lines.push('# EOF')
  return lines.map((line) => `${line}\n`).join('')
}

/** OpenMetrics names a family without the suffix that its type gives the samples; the older format knows no infos. */
function metadataOf(
  name: string,
  type: Family['type'],
  format: MetricsFormat,
): { name: string; type: string } {
  if (format === 'openmetrics') return { name: `vqtune_${name.replace(/_(total|info)$/, '')}`, type }
  return { name: `vqtune_${name}`, type: type === 'info' ? 'gauge' : type }
}

/**
 * The format for a scraper that sent this Accept header: OpenMetrics if it prefers it, or has no preference over plain
 * text; plain text for a client that asks for neither, such as curl.
 */
export function chooseFormat(accept: string | undefined): MetricsFormat {
  let text = 0
  let openmetrics = 0
  for (const range of (accept ?? '').split(',')) {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase())
    const version = parameterOf(parameters, 'version')
    const quality = Number(parameterOf(parameters, 'q') ?? 1)
    if (type === 'application/openmetrics-text') {
      if (version === undefined || version === '1.0.0') openmetrics = Math.max(openmetrics, quality)
    } else if (type === 'text/plain' || type === 'text/*' || type === '*/*') text = Math.max(text, quality)
  }
  return openmetrics > 0 && openmetrics >= text ? 'openmetrics' : 'text'
}

function parameterOf(parameters: readonly string[], name: string): string | undefined {
  const found = parameters.find((parameter) => parameter.startsWith(`${name}=`))
  return found?.slice(name.length + 1).replaceAll('"', '')
}

function labelText(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([key, value]) => `${key}="${escaped(value)}"`)
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}

function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}

/** Only OpenMetrics escapes quotes here, too. */
function escapedHelp(help: string, format: MetricsFormat): string {
  return format === 'openmetrics' ? escaped(help) : help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
}
