import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { HostNetwork } from './host-network'
import { PATIENCE_MS, scaled, waitUntil } from './wait'

export interface Series {
  readonly metric: Readonly<Record<string, string>>
  readonly value: number
}

/** Seconds. So often a guest can be asked; within a minute of the rules' rates it must be twice. */
const SCRAPE_SECONDS = Math.min(20, Math.ceil(scaled(4)))

const URL_INSIDE = 'http://127.0.0.1:9090'
const RULES = fileURLToPath(new URL('../../../packaging/fleet/prometheus/vqtune.rules.yml', import.meta.url))

/** One process inside the namespace for any number of questions: prints the answers as a JSON array. */
const ASK = `
const answers = []
for (const url of JSON.parse(process.argv[1])) answers.push(await (await fetch(url)).json())
console.log(JSON.stringify(answers))
`

/** A Prometheus with vqtune's rules, whose waiting times are seconds, in a network namespace. Dies with this process. */
export class Prometheus {
  private constructor(
    private readonly network: HostNetwork,
    private readonly directory: string,
  ) {}

  /** @param jobs what to scrape: job name to address */
  static async start(network: HostNetwork, jobs: Readonly<Record<string, string>>): Promise<Prometheus> {
    const directory = mkdtempSync(join(tmpdir(), 'vqtune-prometheus-'))
    const rules = readFileSync(RULES, 'utf8')
    writeFileSync(
      join(directory, 'rules.yml'),
      rules.replace(/^( +for:) .*$/gm, '$1 2s').replace(/^( +interval:) .*$/gm, '$1 2s'),
    )
    const scrapes = Object.entries(jobs).map(
      ([job, target]) =>
        `  - job_name: ${job}\n    static_configs: [{ targets: ['${target}'], labels: { instance: guest } }]\n`,
    )
    writeFileSync(
      join(directory, 'prometheus.yml'),
      `global: { scrape_interval: ${SCRAPE_SECONDS}s, scrape_timeout: ${SCRAPE_SECONDS}s, evaluation_interval: 2s }
rule_files: [rules.yml]
scrape_configs:
${scrapes.join('')}`,
    )
    const [file, args] = network.wrap([
      'prometheus',
      `--config.file=${directory}/prometheus.yml`,
      `--storage.tsdb.path=${directory}/data`,
      `--web.listen-address=${URL_INSIDE.replace('http://', '')}`,
      '--log.level=warn',
    ])
    const child = spawn(file, args, { stdio: ['ignore', 'ignore', 'pipe'] })
    let complaints = ''
    child.stderr.on('data', (data: Buffer) => {
      complaints += data
    })
    const prometheus = new Prometheus(network, directory)
    await waitUntil('Prometheus', PATIENCE_MS, async () => {
      if (child.exitCode !== null) throw new Error(`Prometheus ended: ${complaints}`)
      return prometheus.ask(['vector(1)']).then(
        () => true,
        () => false,
      )
    })
    return prometheus
  }

  /** The answers to expressions, in order. Rejects when one is wrong. */
  async ask(exprs: readonly string[]): Promise<readonly (readonly Series[])[]> {
    const urls = exprs.map((expr) => `${URL_INSIDE}/api/v1/query?query=${encodeURIComponent(expr)}`)
    const node = [process.execPath, '--input-type=module', '-e', ASK, '--', JSON.stringify(urls)]
    const { code, stdout, stderr } = await this.network.exec(node)
    if (code !== 0) throw new Error(stderr)
    const answers = JSON.parse(stdout) as {
      status: string
      error?: string
      data: { result: readonly { metric: Record<string, string>; value: readonly [number, string] }[] }
    }[]
    return answers.map(({ status, error, data }, index) => {
      if (status !== 'success') throw new Error(`${exprs[index]}: ${error}`)
      return data.result.map(({ metric, value }) => ({ metric, value: Number(value[1]) }))
    })
  }

  /** The one value of an expression, or undefined. */
  async value(expr: string): Promise<number | undefined> {
    const [[only, ...others] = []] = await this.ask([expr])
    if (others.length > 0) throw new Error(`${expr}: ${others.length + 1} series`)
    return only?.value
  }

  dispose(): void {
    rmSync(this.directory, { recursive: true, force: true })
  }
}
