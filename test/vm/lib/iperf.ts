import type { Guest } from './guest'

/**
 * A server in the guest that is free for a new client. One whose client was killed notices it only when it reads, and
 * two cannot have the port: the old one must be gone first.
 */
export async function restartIperf(guest: Guest): Promise<void> {
  await guest.shell('while pkill -KILL -x iperf3; do sleep 0.1; done; iperf3 -s -D')
}
