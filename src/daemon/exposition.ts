/** Publishes the metrics: the textfile and the endpoint. A problem with either is reported and stops nothing else. */
import { dirname } from 'node:path'
import type { MetricsSettings } from '../config/settings'
import { errnoOf, fileProblem, messageOf } from '../errors'
import type { System } from '../system/system'
import { type Endpoint, openEndpoint } from './endpoint'
import { lastCheck } from './metrics'
import { type Family, type MetricsFormat, renderMetrics } from './prometheus'

export class Exposition {
  private families: readonly Family[] = []
  private endpoint: Endpoint | undefined
  /** What was last written to the textfile, and the time of its check. */
  private written: { readonly path: string; readonly text: string; readonly checkedAt: number } | undefined
  private checkedAt = 0

  constructor(
    private readonly system: System,
    /** Called when a problem begins; undefined when it is over. */
    private readonly problem: (topic: 'textfile' | 'endpoint', text: string | undefined) => void,
  ) {}

  /** Opens the endpoint, or closes it and opens another one. */
  async open({ listen }: MetricsSettings): Promise<void> {
    await this.close()
    try {
      if (listen !== undefined) this.endpoint = await openEndpoint(listen, this.scrape)
      this.problem('endpoint', undefined)
    } catch (error) {
      // Tuning goes on without metrics.
      this.problem('endpoint', messageOf(error))
    }
  }

  async close(): Promise<void> {
    await this.endpoint?.close()
    this.endpoint = undefined
  }

  /**
   * Writes the textfile if its text has changed, or somebody truncated or replaced it. Otherwise only its mtime is set, and
   * only after a check of the guest, so that the mtime is a heartbeat.
   * @param checkedAt time of the last successful check, milliseconds since the epoch
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
      const isKept = !changed && this.holds(path, text) && this.system.touchFile(path)
      if (!isKept) this.system.replaceFile(path, text)
      this.written = { path, text, checkedAt }
      this.problem('textfile', undefined)
    } catch (error) {
      this.problem(
        'textfile',
        `${path}: cannot write the metrics (${fileProblem(error)})${this.hint(path, error)}`,
      )
    }
  }

  private holds(path: string, text: string): boolean {
    const facts = this.system.linkStat(path)
    return facts?.kind === 'file' && facts.size === Buffer.byteLength(text)
  }

  /** The daemon has none of root's powers over other users' files; see its unit. */
  private hint(path: string, error: unknown): string {
    if (errnoOf(error) !== 'EACCES') return ''
    try {
      const owner = this.system.stat(dirname(path))?.uid ?? 0
      return owner === 0
        ? ''
        : `: its directory belongs to user ${owner}; it must be root's, or have mode 1777`
    } catch {
      return ''
    }
  }

  private readonly scrape = (format: MetricsFormat): string =>
    renderMetrics(this.checkedAt === 0 ? [] : [...this.families, lastCheck(this.checkedAt)], format)
}
