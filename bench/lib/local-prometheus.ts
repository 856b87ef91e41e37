/** Debian's Prometheus on this machine, with vqtune's rules as shipped, and what it tells of itself. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const ADDRESS = '127.0.0.1:19090'
const URL = `http://${ADDRESS}`
/** More than any question takes; less than a hang. */
const ANSWER_MS = 300_000
const READY_MS = 300_000
const ENV = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' }

/** A path to scrape, and the label `instance` of what is found there. */
interface Target {
  readonly path: string
  readonly instance: string
}

interface Options {
  readonly job: string
  readonly scrapeSeconds: number
  /** Where the targets are: `127.0.0.1:PORT`. */
  readonly address: string
  readonly targets: readonly Target[]
  /** OpenMetrics texts with samples of before now, each of them made into blocks of its database. */
  readonly history: () => Iterable<string>
}

export interface RuleCost {
  readonly name: string
  /** Of its last evaluation. */
  readonly seconds: number
}

export class LocalPrometheus {
  private complaints = ''

  private constructor(
    private readonly directory: string,
    private readonly child: ChildProcess,
  ) {
    child.stderr?.on('data', (data: Buffer) => {
      this.complaints += data
    })
  }

  static async start({ job, scrapeSeconds, address, targets, history }: Options): Promise<LocalPrometheus> {
    const directory = mkdtempSync(join(tmpdir(), 'vqtune-bench-prometheus-'))
    const put = (name: string, text: string): void => writeFileSync(join(directory, name), text)
    // Its own labels, so that the rules see what they would see of guests with addresses of their own.
    const groups = targets.map(({ path, instance }) => ({
      targets: [address],
      labels: { __metrics_path__: path, instance },
    }))
    put('targets.json', JSON.stringify(groups))
    put('vqtune.rules.yml', readFileSync('packaging/fleet/prometheus/vqtune.rules.yml', 'utf8'))
    put(
      'prometheus.yml',
      `global: { scrape_interval: ${scrapeSeconds}s, scrape_timeout: ${scrapeSeconds}s, evaluation_interval: 60s }
rule_files: [vqtune.rules.yml]
scrape_configs: [{ job_name: ${job}, file_sd_configs: [{ files: [targets.json] }] }]
`,
    )
    const data = join(directory, 'data')
    mkdirSync(data)
    for (const text of history()) {
      put('history', text)
      execFileSync(
        'promtool',
        ['tsdb', 'create-blocks-from', 'openmetrics', '-q', join(directory, 'history'), data],
        {
          env: ENV,
          timeout: READY_MS,
          stdio: ['ignore', 'ignore', 'inherit'],
        },
      )
    }
    rmSync(join(directory, 'history'), { force: true })
    const child = spawn(
      'prometheus',
      [
        `--config.file=${directory}/prometheus.yml`,
        `--storage.tsdb.path=${data}`,
        `--web.listen-address=${ADDRESS}`,
        '--query.timeout=5m',
        '--log.level=warn',
      ],
      { stdio: ['ignore', 'ignore', 'pipe'], env: ENV },
    )
    const prometheus = new LocalPrometheus(directory, child)
    await prometheus.untilReady()
    return prometheus
  }

  private async untilReady(): Promise<void> {
    for (const end = Date.now() + READY_MS; ; ) {
      if (this.child.exitCode !== null) throw new Error(`Prometheus ended: ${this.complaints}`)
      const isReady = await fetch(`${URL}/-/ready`).then(
        ({ ok }) => ok,
        () => false,
      )
      if (isReady) return
      if (Date.now() > end) throw new Error(`Prometheus does not start: ${this.complaints}`)
      await sleep(200)
    }
  }

  /** A garbage collection, then its own metrics, by name with labels. */
  async ownMetrics(): Promise<ReadonlyMap<string, number>> {
    await this.text('/debug/pprof/heap?gc=1')
    const lines = (await this.text('/metrics')).split('\n').filter((line) => /^[^#]/.test(line))
    return new Map(
      lines.map((line) => {
        const end = line.lastIndexOf(' ')
        return [line.slice(0, end), Number(line.slice(end + 1))] as const
      }),
    )
  }

  /** The value of an expression that has one, or none: 0. */
  async value(expr: string): Promise<number> {
    const [only] = await this.vector(expr)
    return only?.value ?? 0
  }

  async vector(expr: string): Promise<{ labels: Readonly<Record<string, string>>; value: number }[]> {
    const { result } = (await this.api(`query?${parameters({ query: expr })}`)) as {
      result: { metric: Record<string, string>; value: [number, string] }[]
    }
    return result.map(({ metric, value }) => ({ labels: metric, value: Number(value[1]) }))
  }

  /** @returns milliseconds until the answer is complete */
  async timed(path: string): Promise<number> {
    const started = performance.now()
    await this.text(`/api/v1/${path}`)
    return performance.now() - started
  }

  /** Of the last evaluation of each group of rules. */
  async groupSeconds(): Promise<readonly RuleCost[]> {
    const { groups } = (await this.api('rules')) as { groups: { name: string; evaluationTime: number }[] }
    return groups.map(({ name, evaluationTime }) => ({ name, seconds: evaluationTime }))
  }

  async rules(): Promise<readonly RuleCost[]> {
    const { groups } = (await this.api('rules')) as {
      groups: { rules: { name: string; evaluationTime: number }[] }[]
    }
    return groups.flatMap(({ rules }) =>
      rules.map(({ name, evaluationTime }) => ({ name, seconds: evaluationTime })),
    )
  }

  private async api(path: string): Promise<unknown> {
    const { data } = JSON.parse(await this.text(`/api/v1/${path}`)) as { data: unknown }
    return data
  }

  private async text(path: string): Promise<string> {
    const answer = await fetch(`${URL}${path}`, { signal: AbortSignal.timeout(ANSWER_MS) })
    const text = await answer.text()
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${text}`)
    return text
  }

  async stop(): Promise<void> {
    if (this.child.exitCode === null) {
      const ended = once(this.child, 'exit')
      this.child.kill('SIGKILL')
      await ended
    }
    rmSync(this.directory, { recursive: true, force: true })
  }
}

export function parameters(values: Readonly<Record<string, string>>): string {
  return new URLSearchParams(values).toString()
}
