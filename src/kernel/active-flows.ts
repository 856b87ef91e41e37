/** TCP connections of a NIC that are in use, not merely open. */
import type { System } from '../system/system'

export interface Flow {
  readonly local: string
  readonly peer: string
}

/**
 * Parses `ss -tinH`: a line with the addresses, then an indented one with `lastrcv:148 lastack:48`, in milliseconds; what is
 * 0 is left out. Of connections without the second line (the kernel cannot tell) none counts.
 * @param windowMs a connection counts if it received data or an acknowledgement within this time
 * @returns the addresses of each connection
 */
export function parseActiveFlows(text: string, windowMs: number): readonly Flow[] {
  const found: Flow[] = []
  let flow: Flow | undefined
  for (const line of text.split('\n')) {
    if (!/^[ \t]/.test(line)) {
      const match = /^ESTAB +\d+ +\d+ +(\S+):\d+ +(\S+):\d+/.exec(line)
      const [local = '', peer = ''] = match?.slice(1) ?? []
      flow = match === null ? undefined : { local: plainAddress(local), peer: plainAddress(peer) }
      continue
    }
    if (flow === undefined || !/ rto:/.test(line)) continue
    const ages = ['lastrcv', 'lastack'].map((name) =>
      Number(new RegExp(` ${name}:(\\d{1,15})`).exec(line)?.[1] ?? 0),
    )
    if (Math.min(...ages) <= windowMs) found.push(flow)
    flow = undefined
  }
  return found
}

/** `[::ffff:10.0.0.1]`, `[fe80::1]%eth0`, `10.0.0.1%eth0`. */
function plainAddress(text: string): string {
  return text.replace(/%[^\]]*$/, '').replace(/^\[(?:::ffff:(?=\d+\.))?([^\]%]*)(?:%[^\]]*)?\]$/, '$1')
}

/** The addresses in `ip -o addr show dev NIC`. */
export function parseAddresses(text: string): readonly string[] {
  return [...text.matchAll(/^\d+: \S+ +inet6? ([0-9a-fA-F.:]+)/gm)].map(([, address = '']) => address)
}

/**
 * Connections to an address of this NIC; of a port of a bridge or bond none, since the address is the upper device's. Runs
 * two programs. @returns 0 if one of them fails
 */
export async function countActiveFlows(system: System, nic: string, windowMs: number): Promise<number> {
  if (system.findTool('ss') === undefined || system.findTool('ip') === undefined) return 0
  try {
    const [addresses, sockets] = await Promise.all([
      system.run('ip', ['-o', 'addr', 'show', 'dev', nic]),
      system.run('ss', ['-tinH']),
    ])
    const own = new Set(parseAddresses(addresses.stdout))
    return parseActiveFlows(sockets.stdout, windowMs).filter(
      ({ local, peer }) => own.has(local) && !own.has(peer),
    ).length
  } catch {
    // Too many connections to print, or a program that hangs: nothing is claimed then.
    return 0
  }
}
