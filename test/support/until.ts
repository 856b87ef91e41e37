import { setTimeout as sleep } from 'node:timers/promises'

/** Until something in another process or the kernel has happened. Without a limit of its own: that of the test will do. */
export async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await sleep(10)
}
