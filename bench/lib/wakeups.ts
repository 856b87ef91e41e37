/**
 * How often the threads of a process were woken, by the kernel's sched_wakeup. Not the counters in /proc/PID/task, which go
 * with a thread that ends: some runtimes start threads for a piece of work and end them seconds later.
 */
import type { Guest } from '../../test/vm/lib/guest'
import { forksBelow, parseForks } from './forks'

const TRACING = '/sys/kernel/tracing'
const EVENTS = ['sched_wakeup', 'sched_process_fork'].map(
  (event) => `${TRACING}/events/sched/${event}/enable`,
)

export interface WakeUp {
  readonly thread: number
  readonly name: string
}

/** Of threads that were there, and of what they started, in the order of the trace. Pure. */
export function parseWakeUps(tasks: readonly number[], trace: string): WakeUp[] {
  const family = new Set([...tasks, ...forksBelow(tasks, parseForks(trace)).map(({ child }) => child)])
  return [...trace.matchAll(/sched_wakeup: comm=(.*?) pid=(\d+) prio=/gm)]
    .map(([, name = '', pid]) => ({ thread: Number(pid), name }))
    .filter(({ thread }) => family.has(thread))
}

/** @returns the wake-ups of each process, and of its children, while `wait` took its time; it may not touch the guest */
export async function wakeUpsWhile(
  guest: Guest,
  pids: readonly number[],
  wait: () => Promise<unknown>,
): Promise<WakeUp[][]> {
  await guest.shell(`mountpoint -q ${TRACING} || mount -t tracefs nodev ${TRACING}`)
  const tasks: number[][] = []
  for (const pid of pids) {
    tasks.push((await guest.run(['ls', `/proc/${pid}/task`])).trim().split('\n').map(Number))
  }
  const all = (value: 0 | 1): string => EVENTS.map((event) => `echo ${value} >${event}`).join('; ')
  // The kernel keeps those of these threads, and of what they start; the guest's other work would fill the buffer.
  await guest.shell(
    `echo ${tasks.flat().join(' ')} >${TRACING}/set_event_pid; echo 1 >${TRACING}/options/event-fork
    echo 8192 >${TRACING}/buffer_size_kb; echo >${TRACING}/trace; ${all(1)}`,
  )
  await wait()
  await guest.shell(all(0))
  const trace = await guest.readFile(`${TRACING}/trace`)
  await guest.shell(`echo 0 >${TRACING}/options/event-fork; echo >${TRACING}/set_event_pid`)
  return tasks.map((own) => parseWakeUps(own, trace))
}

/** `name count`, the most first. */
export function byName(list: readonly WakeUp[]): (readonly [name: string, count: number])[] {
  const counts = new Map<string, number>()
  for (const { name } of list) counts.set(name, (counts.get(name) ?? 0) + 1)
  return [...counts].sort(([, a], [, b]) => b - a)
}
