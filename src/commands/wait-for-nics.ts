/**
 * Waits for NICs at boot. The oneshot runs when udev has been started but may not have finished; After= does not
 * pull in systemd-udev-settle, so pending devices are polled, without a child process.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { type PendingNic, pendingNics } from '../kernel/pending-nics'
import type { System } from '../system/system'

const POLL_MS = 50
/**
 * Waits until nothing is pending.
 * @param waitMs upper limit, milliseconds; 0: look once
 * @returns what is still pending; empty when all are there
 */
export async function waitForNics(
  system: System,
  waitMs: number,
  signal: AbortSignal,
): Promise<readonly PendingNic[]> {
  const end = performance.now() + waitMs
  for (;;) {
    const pending = pendingNics(system)
    if (pending.length === 0 || performance.now() >= end || signal.aborted) return pending
    await sleep(POLL_MS)
  }
}

/** True inside a container, whose NICs belong to the system that runs it. */
export function insideContainer(system: System): boolean {
  return system.paths.containerMarks.some((mark) => system.exists(mark))
}
