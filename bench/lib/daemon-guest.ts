/** A guest with a running daemon, and what can be read of a process in it. */
import { Guest } from '../../test/vm/lib/guest'
import type { Release } from '../../test/vm/lib/image'
import { waitUntil } from '../../test/vm/lib/wait'

export const UNIT = 'vqtuned-bench'
const PATIENCE_MS = 120_000

export interface Memory {
  /** MiB, of /proc/PID/smaps_rollup. USS: what ends with the process. Anonymous: USS without what a file backs. */
  readonly rss: number
  readonly pss: number
  readonly uss: number
  readonly anonymous: number
}

export function parseMemory(rollup: string): Memory {
  const mib = (...names: string[]): number =>
    names.reduce(
      (sum, name) => sum + Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(rollup)?.[1]),
      0,
    ) / 1024
  return {
    rss: mib('Rss'),
    pss: mib('Pss'),
    uss: mib('Private_Clean', 'Private_Dirty'),
    anonymous: mib('Anonymous'),
  }
}

/** A guest with vqtune from dist/, kernel 6.12, 4 vCPUs and so many NICs of 4 queues. */
export function bootBenchGuest(nics = 1, release: Release = 'bookworm'): Promise<Guest> {
  return Guest.boot({
    kernel: '6.12',
    release,
    cpus: 4,
    nics: Array.from({ length: nics }, () => ({ queues: 4 })),
    vqtune: 'dist/vqtune.cjs',
    bootTimeoutMs: 400_000,
  })
}

/** Starts a long-running program as a unit of its own. @returns its pid, when systemd calls it started */
export async function startUnit(
  guest: Guest,
  unit: string,
  argv: readonly string[],
  properties: readonly string[] = [],
): Promise<number> {
  await guest.run(
    ['systemd-run', `--unit=${unit}`, ...properties.map((property) => `--property=${property}`), ...argv],
    { timeoutMs: PATIENCE_MS + 30_000 },
  )
  return Number(await guest.run(['systemctl', 'show', '-P', 'MainPID', unit]))
}

/**
 * Starts the daemon as its unit does, but without the sandbox, and waits until its monitors run.
 * @param vqtune how it is called there
 * @param properties of the unit, besides
 */
export async function startDaemon(
  guest: Guest,
  config: string,
  vqtune: readonly string[] = ['/usr/local/bin/vqtune'],
  properties: readonly string[] = [],
): Promise<number> {
  await guest.writeFile('/etc/vqtune/vqtune.toml', config)
  const pid = await startUnit(
    guest,
    UNIT,
    [...vqtune, 'daemon'],
    [
      ...['Type=notify', 'NotifyAccess=all', 'SyslogIdentifier=vqtune', 'WatchdogSec=3600'],
      ...['TimeoutStartSec=120', ...properties],
    ],
  )
  await waitUntil('both monitors', PATIENCE_MS, async () => {
    const names = await commandsOf(guest, UNIT)
    return ['udevadm', 'ethtool'].every((name) => names.includes(name)) && !names.includes('systemd-notify')
  })
  return pid
}

export async function stopUnit(guest: Guest, unit: string): Promise<void> {
  await guest.exec(['systemctl', 'stop', unit], { timeoutMs: 60_000 })
}

/** Processes of a unit, as `pid name`. */
export async function processesOf(guest: Guest, unit: string): Promise<{ pid: number; name: string }[]> {
  const text = await guest.shell(
    `for pid in $(cat /sys/fs/cgroup/system.slice/${unit}.service/cgroup.procs); do echo $pid $(cat /proc/$pid/comm); done`,
  )
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [pid = '', ...name] = line.split(' ')
      return { pid: Number(pid), name: name.join(' ') }
    })
}

async function commandsOf(guest: Guest, unit: string): Promise<string[]> {
  return (await processesOf(guest, unit)).map(({ name }) => name)
}

export async function memoryOf(guest: Guest, pid: number): Promise<Memory> {
  return parseMemory(await guest.readFile(`/proc/${pid}/smaps_rollup`))
}
