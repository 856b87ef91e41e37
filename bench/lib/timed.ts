/** Runs commands in turns and keeps what each took, so that what else the machine does falls on all alike. */
import { spawnSync } from 'node:child_process'

export interface Case {
  readonly name: string
  readonly argv: readonly string[]
  /** Brings things back to where the case starts; not timed. */
  readonly before?: () => void
}

export interface Times {
  /** Wall clock, milliseconds, one for each round. */
  readonly wallMs: readonly number[]
  /** User and system time of the command and its children, milliseconds. Says more than the clock on a busy machine. */
  readonly cpuMs: readonly number[]
}

// NODE_EXTRA_CA_CERTS and the like would be charged to every Node, but not to bash.
const ENV = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' }
const TIME = 'exec 3>&2; TIMEFORMAT="%3R %3U %3S"; { time "$@" >/dev/null 2>&3; } 2>&1'

/** @throws when the command fails */
export function timed(argv: readonly string[]): { wallMs: number; cpuMs: number } {
  const { status, stdout, stderr } = spawnSync('bash', ['-c', TIME, 'bash', ...argv], {
    env: ENV,
    encoding: 'utf8',
    // bash takes a socket for a remote shell's and reads ~/.bashrc then.
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  if (status !== 0) throw new Error(`${argv.join(' ')}: exit ${status}: ${stderr}`)
  const [real = 0, user = 0, system = 0] = stdout.trim().split(' ').map(Number)
  return { wallMs: real * 1000, cpuMs: (user + system) * 1000 }
}

/** Every case once in each round; a round before the first warms the caches. */
export function interleaved(cases: readonly Case[], rounds: number): Record<string, Times> {
  const times = cases.map(({ name }) => ({ name, wallMs: [] as number[], cpuMs: [] as number[] }))
  for (let round = -1; round < rounds; round++) {
    for (const [i, { argv, before }] of cases.entries()) {
      before?.()
      const { wallMs, cpuMs } = timed(argv)
      if (round < 0) continue
      times[i]?.wallMs.push(wallMs)
      times[i]?.cpuMs.push(cpuMs)
    }
    process.stderr.write(`\rround ${round + 1} of ${rounds} `)
  }
  process.stderr.write('\n')
  return Object.fromEntries(times.map(({ name, wallMs, cpuMs }) => [name, { wallMs, cpuMs }]))
}
