/**
 * How long small requests take beside the traffic: one ping each 10 ms through the NIC, since more throughput that others wait
 * for is no gain. The program, because an ICMP socket needs root and Node.js has none.
 */
import { readConnectivity } from '../confirm/connectivity'
import { VqtuneError } from '../errors'
import { quantile } from '../quantile'
import type { System } from '../system/system'

/** Of ping(8). */
const INTERVAL_SECONDS = '0.01'
/** An answer that never comes counts as long as TCP's first retransmission of a request takes (RFC 6298). */
const LOST_MS = 1_000
/** Longer than any measurement; for a ping whose trial was killed. */
const LIMIT_SECONDS = 660
/** Headers of Ethernet, IPv4 and ICMP, and ping's 56 bytes: as the NIC counts it, both ways. */
const BYTES = 98
const MORE_BYTES_IPV6 = 20

export interface Requests {
  /** 99 of 100 took at most this long, milliseconds; undefined: too few to say. */
  readonly p99Ms: number | undefined
  /** What the NIC counted of them, both directions. */
  readonly packets: number
  readonly bytes: number
}

/** Fewer have no 99th percentile that differs from the slowest one. */
const FEWEST = 20

/** Output of `ping -n`. Pure. */
export function parsePing(text: string): Requests {
  const times = [...text.matchAll(/ time[=<]([0-9.]+) ms/g)].map(([, time]) => Number(time))
  const sent = Number(/^(\d+) packets transmitted/m.exec(text)?.[1] ?? times.length)
  // The last one may be on its way when ping ends.
  const lost = Math.max(0, sent - times.length - 1)
  const all = [...times, ...Array.from({ length: lost }, () => LOST_MS)]
  const packets = sent + times.length
  const bytes = packets * (BYTES + (/^PING .*?\([0-9a-f.]*:/.test(text) ? MORE_BYTES_IPV6 : 0))
  return { p99Ms: all.length < FEWEST ? undefined : quantile(all, 0.99), packets, bytes }
}

/** Whom to ask, or why nobody is. */
export type Probe =
  | { readonly target: string; readonly why?: undefined }
  | { readonly target: undefined; readonly why: string }

/**
 * @param asked an address or a name; undefined: the default gateway of the NIC, if it answers
 * @throws VqtuneError kind tool-failed if the one that is asked for does not answer
 */
export async function findProbe(system: System, nic: string, asked: string | undefined): Promise<Probe> {
  const target = asked ?? (await readConnectivity(system, nic)).gateway
  if (target === undefined) return { target, why: `${nic} has no default gateway to ping` }
  const why = await silence(system, nic, target)
  if (why === undefined) return { target }
  if (asked === undefined) return { target: undefined, why }
  throw new VqtuneError('tool-failed', `trial: --probe ${asked}: ${why}`)
}

/** Three tries of a second each. @returns undefined if it answers */
async function silence(system: System, nic: string, target: string): Promise<string | undefined> {
  if (system.findTool('ping') === undefined) return 'ping (iputils) is not installed'
  const argv = ['-n', '-c', '3', '-i', '0.2', '-w', '3', '-I', nic, '--', target]
  const { stdout, stderr } = await system
    .run('ping', argv)
    .catch((error: VqtuneError) => ({ stdout: '', stderr: error.message }))
  if (/ time[=<]/.test(stdout)) return undefined
  const complaints = stderr.split('\n').filter((line) => line !== '' && !line.includes('Warning:'))
  return complaints.at(-1)?.slice(0, 200) ?? `${target} does not answer ping`
}

/** Pings while something is measured. */
export class Pings {
  private constructor(private readonly stop: () => Promise<string>) {}

  static async start(system: System, nic: string, target: string): Promise<Pings> {
    // Loaded here: only a trial needs it.
    const { execa } = await import('execa')
    const argv = ['-n', '-i', INTERVAL_SECONDS, '-w', String(LIMIT_SECONDS), '-I', nic, '--', target]
    const ended = system.trace?.run(['ping', ...argv])
    const child = execa(system.findTool('ping') ?? 'ping', argv, {
      stdin: 'ignore',
      reject: false,
      env: { LC_ALL: 'C' },
      extendEnv: false,
      forceKillAfterDelay: 2_000,
    })
    return new Pings(async () => {
      child.kill('SIGINT')
      const { stdout, exitCode, shortMessage } = await child
      ended?.(exitCode ?? shortMessage ?? 'ended')
      return stdout ?? ''
    })
  }

  async end(): Promise<Requests> {
    return parsePing(await this.stop())
  }
}
