import { execa } from 'execa'
import type { Guest } from './guest'
import { addresses } from './host-network'
import { PATIENCE_MS, waitUntil } from './wait'

/**
 * A server in the guest that is free for a new client. One whose client was killed notices it only when it reads, and
 * two cannot have the port: the old one must be gone first.
 */
export async function restartIperf(guest: Guest): Promise<void> {
  await guest.shell('while pkill -KILL -x iperf3; do sleep 0.1; done; iperf3 -s -D')
}

/** A client on the host, for as long as it takes. @param args of iperf3. @returns what ends it */
export function startClient(guest: Guest, args: readonly string[]): () => Promise<void> {
  const [file, argv] = guest.network.wrap(['iperf3', '-c', addresses(0).guest, ...args, '-t', '86400'])
  const client = execa(file, argv, { reject: false, stdout: 'ignore', stderr: 'ignore' })
  return async () => {
    client.kill('SIGKILL')
    await client
    await restartIperf(guest)
  }
}

/** As startClient, once traffic flows: for UDP, which does not connect. @param nic where it arrives */
export async function startFlow(
  guest: Guest,
  nic: string,
  args: readonly string[],
): Promise<() => Promise<void>> {
  const bytes = async () => Number(await guest.readFile(`/sys/class/net/${nic}/statistics/rx_bytes`))
  const start = await bytes()
  const end = startClient(guest, args)
  await waitUntil('traffic to flow', PATIENCE_MS, async () => (await bytes()) > start + 500_000)
  return end
}

/** Runs beside such a client, whose streams are all connected. @param args of iperf3 */
export async function besideClient<T>(
  guest: Guest,
  streams: number,
  args: readonly string[],
  work: () => Promise<T>,
): Promise<T> {
  const end = startClient(guest, ['-P', String(streams), ...args])
  try {
    await waitUntil('iperf3 to connect', PATIENCE_MS, async () => {
      return Number(await guest.shell('ss -Htn state established | wc -l')) > streams
    })
    return await work()
  } finally {
    await end()
  }
}
