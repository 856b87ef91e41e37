/** How often the threads of a process went to sleep, by the kernel's count. */
import type { Guest } from '../../test/vm/lib/guest'

/** By thread, as `id name`. */
export type Sleeps = ReadonlyMap<string, number>

/** Read by the shell alone: nothing of it is run in the process. */
export async function sleepsOf(guest: Guest, pid: number): Promise<Sleeps> {
  const text = await guest.shell(
    `for task in /proc/${pid}/task/*; do
      while IFS= read -r line; do
        case $line in
          Name:*) name=$line ;;
          voluntary_ctxt_switches:*) echo "\${line#*:} \${task##*/} \${name#*:}" ;;
        esac
      done <$task/status
    done`,
  )
  return new Map(
    text
      .trim()
      .split('\n')
      .map((line) => {
        const [count = '', thread = '', ...name] = line.trim().split(/\s+/)
        return [`${thread} ${name.join(' ')}`, Number(count)]
      }),
  )
}

/** @returns thread and count, the most first; threads that did not wake are left out */
export function wakeUps(before: Sleeps, after: Sleeps): (readonly [thread: string, count: number])[] {
  return [...after]
    .map(([thread, count]) => [thread, count - (before.get(thread) ?? 0)] as const)
    .filter(([, count]) => count > 0)
    .sort(([, a], [, b]) => b - a)
}
