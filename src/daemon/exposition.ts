/** Where the metrics can be read: the textfile and the endpoint. Trouble with either is told and stops nothing else. */
import type { MetricsSettings } from '../config/settings'
import { fileProblem, messageOf } from '../errors'
import type { System } from '../system/system'
import { type Endpoint, openEndpoint } from './endpoint'
import { lastCheck } from './metrics'
import { type Family, type MetricsFormat, renderMetrics } from './prometheus'

export class Exposition {
  private families: readonly Family[] = []
  private endpoint: Endpoint | undefined
  /** What the textfile holds, and which look it tells of, by its text or by its time. */
  private written: { readonly path: string; readonly text: string; readonly checkedAt: number } | undefined
  private checkedAt = 0

  constructor(
    private readonly system: System,
    /** Told when it begins; undefined when it is over. */
    private readonly problem: (topic: 'textfile' | 'endpoint', text: string | undefined) => void,
  ) {}

  /** Opens the endpoint, or closes it and opens another one. */
  async open({ listen }: MetricsSettings): Promise<void> {
    await this.close()
    try {
      if (listen !== undefined) this.endpoint = await openEndpoint(listen, this.scrape)
      this.problem('endpoint', undefined)
    } catch (error) {
      // The NICs are worth more than their metrics.
      this.problem('endpoint', messageOf(error))
    }
  }

  async close(): Promise<void> {
    await this.endpoint?.close()
    this.endpoint = undefined
  }

  /**
   * The textfile is written when its text is another one. Else only its time is set, and only after a look at the guest:
   * it shows that the daemon lives and looks.
   * @param checkedAt of the last look that succeeded, milliseconds since the epoch
   */
  publish(families: readonly Family[], checkedAt: number, { textfile }: MetricsSettings): void {
    this.families = families
    this.checkedAt = checkedAt
    if (textfile === undefined) return
    const path = `${this.system.paths.root}${textfile}`
    const text = renderMetrics(families)
    const changed = path !== this.written?.path || text !== this.written.text
    if (!changed && this.written?.checkedAt === checkedAt) return
    try {
      if (changed || !this.system.touchFile(path)) this.system.replaceFile(path, text)
      this.written = { path, text, checkedAt }
      this.problem('textfile', undefined)
    } catch (error) {
      this.problem('textfile', `${path}: cannot write the metrics (${fileProblem(error)})`)
    }
  }

  private readonly scrape = (format: MetricsFormat): string =>
    renderMetrics(this.checkedAt === 0 ? [] : [...this.families, lastCheck(this.checkedAt)], format)
}
