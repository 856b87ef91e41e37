import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { execa } from 'execa'
import type { ExecResult } from './guest-agent'
import { scaled } from './wait'

const prefix = 'vqtune-test-'
let created = 0

/** Host and guest address of NIC number `index`; each NIC is its own /24. */
export function addresses(index: number): { host: string; guest: string } {
  return { host: `10.77.${index}.1`, guest: `10.77.${index}.2` }
}

/** Namespaces named for a test process that no longer lives. Their taps go with them. */
async function removeStale(): Promise<void> {
  const { stdout } = await execa('ip', ['netns', 'list'])
  for (const line of stdout.split('\n')) {
    const name = line.split(' ')[0] ?? ''
    if (!name.startsWith(prefix)) continue
    const pid = name.slice(prefix.length).split('-')[0]
    if (!existsSync(`/proc/${pid}`)) await execa('ip', ['netns', 'delete', name], { reject: false })
  }
}

/** The host's end: a network namespace with one tap per NIC. The machine's own network is not touched. */
export class HostNetwork {
  private constructor(readonly namespace: string) {}

  static async create(): Promise<HostNetwork> {
    await removeStale()
    const network = new HostNetwork(`${prefix}${process.pid}-${created++}`)
    await execa('ip', ['netns', 'add', network.namespace])
    await network.ip(['link', 'set', 'lo', 'up'])
    return network
  }

  /** tap<index>, up, with the host's address. */
  async addTap(index: number, queues: number): Promise<string> {
    const name = `tap${index}`
    const flags = queues > 1 ? ['multi_queue', 'vnet_hdr'] : ['vnet_hdr']
    await this.ip(['tuntap', 'add', 'dev', name, 'mode', 'tap', ...flags])
    await this.ip(['address', 'add', `${addresses(index).host}/24`, 'dev', name])
    await this.ip(['link', 'set', name, 'up'])
    return name
  }

  private async ip(argv: readonly string[]): Promise<void> {
    await execa('ip', ['-n', this.namespace, ...argv])
  }

  /** What runs argv inside the namespace and takes it down with this process. */
  wrap(argv: readonly string[]): [string, string[]] {
    return ['ip', ['netns', 'exec', this.namespace, 'setpriv', '--pdeathsig', 'KILL', ...argv]]
  }

  /** Runs argv inside the namespace to its end; any exit code resolves. The limit is of the machine of reference. */
  async exec(argv: readonly string[], limitMs = 60_000): Promise<ExecResult> {
    const [file, args] = this.wrap(argv)
    const { exitCode, stdout, stderr } = await execa(file, args, {
      reject: false,
      stdin: 'ignore',
      timeout: scaled(limitMs),
    })
    return { code: exitCode ?? -1, stdout, stderr }
  }

  /** Synchronous, so that it also runs while the process exits. Ends what still runs inside (an iperf3 server, say). */
  remove(): void {
    const pids = spawnSync('ip', ['netns', 'pids', this.namespace], { encoding: 'utf8' }).stdout ?? ''
    for (const pid of pids.split('\n').filter(Boolean)) {
      try {
        process.kill(Number(pid), 'SIGKILL')
      } catch {
        // Already gone.
      }
    }
    spawnSync('ip', ['netns', 'delete', this.namespace])
  }
}
