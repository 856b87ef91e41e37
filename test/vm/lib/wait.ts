import { setTimeout as sleep } from 'node:timers/promises'

/** Until `done` holds. Polls: the guest's own timing is that of an emulator, so tests never sleep a fixed time. */
export async function waitUntil(
  what: string,
  timeoutMs: number,
  done: () => Promise<boolean>,
): Promise<void> {
  const deadlineMs = Date.now() + timeoutMs
  for (;;) {
    if (await done()) return
    if (Date.now() > deadlineMs) throw new Error(`${what}: not within ${timeoutMs} ms`)
    await sleep(100)
  }
}
