/** Forks as the kernel's tracefs tells them. Pure. */

export interface Fork {
  readonly parent: number
  readonly child: number
  /** Name of the forking task. */
  readonly comm: string
}

/** Lines of the event sched:sched_process_fork in /sys/kernel/tracing/trace. New threads are told like processes. */
export function parseForks(trace: string): Fork[] {
  return [
    ...trace.matchAll(/sched_process_fork: comm=(.*?) pid=(\d+) child_comm=.* child_pid=(\d+)\s*$/gm),
  ].map(([, comm = '', parent, child]) => ({ comm, parent: Number(parent), child: Number(child) }))
}

/** Those by tasks that are known, and by what those started. */
export function forksBelow(tasks: readonly number[], forks: readonly Fork[]): Fork[] {
  const family = new Set(tasks)
  return forks.filter(({ parent, child }) => {
    if (!family.has(parent)) return false
    family.add(child)
    return true
  })
}
