import type { Guest } from './guest'

const LIMIT = { timeoutMs: 200_000 }

/** Starts NetworkManager and adds a connection, not active yet, that sets the channels of a NIC and nothing else. */
export async function addConnection(guest: Guest, id: string, nic: string, channels: number): Promise<void> {
  await guest.run(['systemctl', 'start', 'NetworkManager'], LIMIT)
  await guest.run(
    [
      ...['nmcli', 'connection', 'add', 'type', 'ethernet', 'con-name', id, 'ifname', nic],
      ...['autoconnect', 'no', 'ipv4.method', 'disabled', 'ipv6.method', 'disabled'],
      ...['ethtool.channels-combined', String(channels)],
    ],
    LIMIT,
  )
}
