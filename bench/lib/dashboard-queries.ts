/** What Grafana asks Prometheus for the shipped dashboard, as paths of the HTTP API. */
import { dashboardPanels, dashboardVariables } from '../../test/support/dashboard'
import { parameters } from './local-prometheus'

/** As the dashboard opens: a day, in about as many points as a panel is wide. */
const SHOWN_S = 86_400
const STEP_S = 120
/** Four scrapes of a minute, as Grafana reckons it. */
const RATE_INTERVAL = '4m'
const JOBS = '.*'

export interface DashboardQuery {
  readonly what: string
  readonly path: string
}

/** @param now seconds since the epoch */
export function dashboardQueries(instance: string, now: number): readonly DashboardQuery[] {
  const filled = (text: string): string =>
    text
      .replaceAll('$job', JOBS)
      .replaceAll('$instance', instance)
      .replaceAll('$__rate_interval', RATE_INTERVAL)
  const from = { start: String(now - SHOWN_S), end: String(now) }
  const variables = dashboardVariables().map(({ name, query }) => {
    const [, selector, label] = /^label_values\((.*), (\w+)\)$/.exec(query) ?? []
    if (selector === undefined) throw new Error(`${query}: not label_values()`)
    const path = `label/${label}/values?${parameters({ ...from, 'match[]': filled(selector) })}`
    return { what: `variable ${name}`, path }
  })
  const panels = dashboardPanels().flatMap(({ title, targets }) =>
    targets.map(({ expr, instant = false }) => {
      const query = filled(expr)
      const path = instant
        ? `query?${parameters({ query, time: String(now) })}`
        : `query_range?${parameters({ query, ...from, step: String(STEP_S) })}`
      return { what: `${title}: ${expr}`, path }
    }),
  )
  return [...variables, ...panels]
}
