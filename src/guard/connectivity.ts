/** Whether a NIC still reaches the world: its carrier, and the neighbour entry of its default gateway. */
import type { Host } from '../system/host'

export interface Connectivity {
  /** undefined: the interface is down, so that nothing can be lost. */
  readonly carrier: boolean | undefined
  /** The default gateway on this NIC; undefined: none, or iproute2 is missing. */
  readonly gateway: string | undefined
  /** Kernel's word for the neighbour entry, such as REACHABLE, STALE or FAILED; undefined: no entry. */
  readonly neighbour: string | undefined
}

/** The gateway in `ip route show default dev NIC`: `default via 10.0.0.1 proto dhcp`. The first has the lowest metric. */
export function parseGateway(text: string): string | undefined {
  return /^default via (?:inet6 )?([0-9a-fA-F.:]+)/m.exec(text)?.[1]
}

/** The state in `ip neigh show to ADDRESS dev NIC`: the last word, `10.0.0.1 lladdr 52:54:... router REACHABLE`. */
export function parseNeighbour(text: string): string | undefined {
  return /\b([A-Z]+)\s*$/.exec(text.split('\n')[0] ?? '')?.[1]
}

/** Forks up to three short programs. Never throws for what iproute2 cannot tell. */
export async function readConnectivity(host: Host, nic: string): Promise<Connectivity> {
  const carrier = readCarrier(host, nic)
  if (host.findTool('ip') === undefined) return { carrier, gateway: undefined, neighbour: undefined }
  const ask = async (args: readonly string[]): Promise<string> =>
    host.run('ip', args).then(
      ({ stdout }) => stdout,
      () => '',
    )
  const gateway =
    parseGateway(await ask(['-4', 'route', 'show', 'default', 'dev', nic])) ??
    parseGateway(await ask(['-6', 'route', 'show', 'default', 'dev', nic]))
  if (gateway === undefined) return { carrier, gateway, neighbour: undefined }
  return {
    carrier,
    gateway,
    neighbour: parseNeighbour(await ask(['neigh', 'show', 'to', gateway, 'dev', nic])),
  }
}

function readCarrier(host: Host, nic: string): boolean | undefined {
  const text = host.readText(`${host.paths.sysClassNet}/${nic}/carrier`)
  return text === undefined ? undefined : text.trim() === '1'
}

/**
 * Makes the kernel ask the gateway now: an entry without traffic stays STALE for ever, and would hide a dead path. Three
 * unanswered requests of a second each make it FAILED. An entry without an address is left to traffic.
 * Failure to ask is not told: the watch then sees less, and must not disturb.
 */
export async function probeGateway(
  host: Host,
  nic: string,
  { gateway, neighbour }: Connectivity,
): Promise<void> {
  if (gateway === undefined || neighbour === 'PERMANENT' || neighbour === 'NOARP') return
  const family = gateway.includes(':') ? '-6' : '-4'
  try {
    const shown = await host.run('ip', [family, 'neigh', 'show', 'to', gateway, 'dev', nic])
    const address = /\blladdr ([0-9a-f:]+)/.exec(shown.stdout)?.[1]
    if (address === undefined) return
    await host.run('ip', [family, 'neigh', 'change', gateway, 'lladdr', address, 'nud', 'probe', 'dev', nic])
  } catch {
    // iproute2 went away or hangs: nothing to do about it here.
  }
}

const DEAD = new Set(['FAILED'])

/** What was there before and is lost now, in one clause; undefined when nothing is. Pure. */
export function lostConnectivity(before: Connectivity, now: Connectivity): string | undefined {
  if (before.carrier === true && now.carrier !== true) return 'the carrier was lost'
  if (before.neighbour === undefined || DEAD.has(before.neighbour)) return undefined
  if (now.neighbour !== undefined && DEAD.has(now.neighbour)) {
    return `the default gateway ${now.gateway} no longer answers`
  }
  return undefined
}
