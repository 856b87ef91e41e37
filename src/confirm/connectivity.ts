/** Whether a NIC still has connectivity: its carrier, and the neighbour entry of its default gateway. */
import { setTimeout as sleep } from 'node:timers/promises'
import { readGateway } from '../kernel/routes'
import type { System } from '../system/system'

export interface Connectivity {
  /** undefined: the interface is down, so there is nothing to lose. */
  readonly carrier: boolean | undefined
  /** The default gateway on this NIC; undefined: none, or iproute2 is missing. */
  readonly gateway: string | undefined
  /** The kernel's state of the neighbour entry, such as REACHABLE, STALE or FAILED; undefined: no entry. */
  readonly neighbour: string | undefined
}

/** With a gateway to probe. */
export type WithGateway = Connectivity & { readonly gateway: string }

/** The gateway in `ip route show default dev NIC`: `default via 10.0.0.1 proto dhcp`. The first has the lowest metric. */
export function parseGateway(text: string): string | undefined {
  return /^default via (?:inet6 )?([0-9a-fA-F.:]+)/m.exec(text)?.[1]
}

export interface Neighbour {
  /** The kernel's state, such as REACHABLE. */
  readonly state: string | undefined
  /** Hardware address, when it is known. */
  readonly address: string | undefined
  /** What the kernel or a daemon marked it with; a request must not take that away. */
  readonly flags: readonly string[]
}

/** `ip neigh show to ADDRESS dev NIC`: `10.77.0.1 lladdr 52:54:... router REACHABLE`, then perhaps `proto zebra`. */
export function parseNeighbour(text: string): Neighbour {
  const [line] = text.split('\n', 1) as [string]
  return {
    state: / ([A-Z]+)(?: |$)/.exec(line)?.[1],
    address: / lladdr ([0-9a-f:]+)(?: |$)/.exec(line)?.[1],
    flags: ['router', 'extern_learn'].filter((flag) => line.split(' ').includes(flag)),
  }
}

/** An entry of all that there are. */
interface ListedNeighbour extends Neighbour {
  /** Seconds since it last answered, by its own words or by traffic that was acknowledged; undefined if not told. */
  readonly confirmed: number | undefined
}

/**
 * `ip -s neigh show`: `10.77.0.1 dev ens3 lladdr 52:54:... ref 1 used 4/0/2 probes 1 REACHABLE`; the second of `used` is the
 * time since the confirmation.
 * @returns by `ens3 10.77.0.1`
 */
export function parseNeighbours(text: string): ReadonlyMap<string, ListedNeighbour> {
  return new Map(
    text.split('\n').flatMap((line): [string, ListedNeighbour][] => {
      const [, address, nic] = /^(\S+) dev (\S+)/.exec(line) ?? []
      const confirmed = / used \d+\/(\d+)\/\d+/.exec(line)?.[1]
      return nic === undefined
        ? []
        : [
            [
              `${nic} ${address}`,
              { ...parseNeighbour(line), confirmed: confirmed === undefined ? undefined : Number(confirmed) },
            ],
          ]
    }),
  )
}

/** Runs one short program if there is a gateway, else none. Does not throw if iproute2 fails or is missing. */
export async function readConnectivity(system: System, nic: string): Promise<Connectivity> {
  const gateway = await gatewayOf(system, nic)
  return {
    carrier: readCarrier(system, nic),
    gateway,
    neighbour: gateway === undefined ? undefined : (await readNeighbour(system, nic, gateway)).state,
  }
}

/** Without iproute2 a gateway cannot be watched: then there is none. */
async function gatewayOf(system: System, nic: string): Promise<string | undefined> {
  if (system.findTool('ip') === undefined) return undefined
  const told = readGateway(system, nic)
  if (told.known) return told.gateway
  return (
    parseGateway(await ask(system, ['-4', 'route', 'show', 'default', 'dev', nic])) ??
    parseGateway(await ask(system, ['-6', 'route', 'show', 'default', 'dev', nic]))
  )
}

/** The kernel gives up after three requests, a second each. */
const GIVES_UP_MS = 4_000
const POLL_MS = 50

/** A gateway that answered this many seconds ago, or fewer, need not be probed. */
const FRESH_SECONDS = 5

/**
 * What can be lost from now on, by NIC: like readConnectivity, with one program for all NICs, and gateways are probed unless
 * they answered just now. A STALE entry, or one that has been REACHABLE for up to a minute, may be that of a gateway which
 * died earlier: it is FAILED here.
 */
export async function probeConnectivity(
  system: System,
  nics: readonly string[],
): Promise<ReadonlyMap<string, Connectivity>> {
  const gateways = new Map<string, string>()
  for (const nic of nics) {
    const gateway = await gatewayOf(system, nic)
    if (gateway !== undefined) gateways.set(nic, gateway)
  }
  const neighbours = parseNeighbours(gateways.size === 0 ? '' : await ask(system, ['-s', 'neigh', 'show']))
  const found = nics.map(async (nic): Promise<[string, Connectivity]> => {
    const gateway = gateways.get(nic)
    const entry = neighbours.get(`${nic} ${gateway}`)
    const read: Connectivity = { carrier: readCarrier(system, nic), gateway, neighbour: entry?.state }
    const isFresh = entry?.state === 'REACHABLE' && (entry.confirmed ?? Number.NaN) <= FRESH_SECONDS
    if (isFresh || !hasGateway(read)) return [nic, read]
    const lives =
      ((await probeGateway(system, nic, read)) && (await answers(system, nic, read, GIVES_UP_MS))) ||
      (await answersAfresh(system, nic, read))
    return [nic, { ...read, neighbour: lives ? 'REACHABLE' : 'FAILED' }]
  })
  return new Map(await Promise.all(found))
}

/**
 * Waits for the answer to a probe.
 * @param limitMs milliseconds; it ends sooner when the kernel gives up
 */
export async function answers(
  system: System,
  nic: string,
  { gateway }: WithGateway,
  limitMs: number,
): Promise<boolean> {
  const end = performance.now() + limitMs
  for (;;) {
    const { state } = await readNeighbour(system, nic, gateway)
    if (state === 'REACHABLE') return true
    if (state === 'FAILED' || performance.now() >= end) return false
    await sleep(POLL_MS)
  }
}

/**
 * Asks a gateway that does not answer at its old hardware address without one, as traffic would: another machine may have
 * taken over its IP address. False also if this iproute2 cannot ask (`use`, NTF_USE).
 */
async function answersAfresh(system: System, nic: string, connectivity: WithGateway): Promise<boolean> {
  const { gateway } = connectivity
  try {
    const { state, flags } = await readNeighbour(system, nic, gateway)
    if (state !== 'FAILED') return false
    const ask = ['neigh', 'replace', gateway, 'dev', nic, 'use', ...flags]
    const { code } = await system.run('ip', [family(gateway), ...ask])
    return code === 0 && (await answers(system, nic, connectivity, GIVES_UP_MS))
  } catch {
    return false
  }
}

export async function readNeighbour(system: System, nic: string, gateway: string): Promise<Neighbour> {
  return parseNeighbour(await ask(system, [family(gateway), 'neigh', 'show', 'to', gateway, 'dev', nic]))
}

/** What `ip` prints; empty if it fails. */
async function ask(system: System, args: readonly string[]): Promise<string> {
  return system.run('ip', args).then(
    ({ stdout }) => stdout,
    () => '',
  )
}

function family(address: string): '-4' | '-6' {
  return address.includes(':') ? '-6' : '-4'
}

/** undefined: the interface is down, or not there. No child process. */
export function readCarrier(system: System, nic: string): boolean | undefined {
  const text = system.readText(`${system.paths.sysClassNet}/${nic}/carrier`)
  return text === undefined ? undefined : text.trim() === '1'
}

/** The NIC's present name in this network namespace; undefined: it is not there. No child process. */
export function nameByIndex(
  system: System,
  { name, ifindex }: { readonly name: string; readonly ifindex: number },
): string | undefined {
  const directory = system.paths.sysClassNet
  const isIt = (candidate: string): boolean =>
    system.readText(`${directory}/${candidate}/ifindex`)?.trim() === String(ifindex)
  return isIt(name) ? name : system.list(directory).find(isIt)
}

/** Whether there is a gateway that is not known to be dead, and so can be lost. */
export function hasGateway(connectivity: Connectivity): connectivity is WithGateway {
  const { gateway, neighbour } = connectivity
  if (gateway === undefined || neighbour === undefined) return false
  return !['FAILED', 'INCOMPLETE', 'PERMANENT', 'NOARP'].includes(neighbour)
}

/**
 * Makes the kernel probe the gateway now: an entry without traffic stays STALE for ever and would hide a dead path. Three
 * unanswered requests, one per second, make it FAILED. An entry without an address is left to traffic.
 * A failure is not reported: the watch then sees less, but goes on.
 * @param cpu the CPU to send from, and so the transmit queue, with taskset(1); undefined: any
 * @returns whether the kernel accepted it
 */
export async function probeGateway(
  system: System,
  nic: string,
  connectivity: Connectivity,
  cpu?: number,
): Promise<boolean> {
  if (!hasGateway(connectivity)) return false
  const { gateway } = connectivity
  try {
    const { state, address, flags } = await readNeighbour(system, nic, gateway)
    // Probing an entry that was made PERMANENT meanwhile would destroy it.
    if (address === undefined || !hasGateway({ ...connectivity, neighbour: state })) return false
    const probe = ['neigh', 'change', gateway, 'lladdr', address, 'nud', 'probe', 'dev', nic, ...flags]
    const command = [family(gateway), ...probe]
    const { code } =
      cpu === undefined
        ? await system.run('ip', command)
        : await system.run('taskset', ['-c', String(cpu), 'ip', ...command])
    return code === 0
  } catch {
    // iproute2 was removed or hangs: nothing to do about it here.
    return false
  }
}

/** The connectivity that was lost, in one clause; undefined: none. Pure. */
export function lostConnectivity(before: Connectivity, now: Connectivity): string | undefined {
  // undefined: the interface was set down or went away, which a change of channels does not do.
  if (before.carrier === true && now.carrier === false) return 'the carrier was lost'
  // A different gateway means a different network, not a loss.
  if (hasGateway(before) && now.gateway === before.gateway && now.neighbour === 'FAILED') {
    return `the default gateway ${now.gateway} no longer answers`
  }
  return undefined
}

/**
 * As lostConnectivity, but a gateway is lost only if it does not answer at another hardware address either. Traffic has the
 * kernel ask a dead one again and again, and its entry is INCOMPLETE meanwhile, FAILED only for moments: this waits for the end.
 */
export async function verifiedLoss(
  system: System,
  nic: string,
  before: Connectivity,
  now: Connectivity,
): Promise<string | undefined> {
  const isAsked = now.neighbour === 'INCOMPLETE' && hasGateway(before)
  const isSilent = isAsked && !(await answers(system, nic, before, GIVES_UP_MS))
  const lost = lostConnectivity(before, isSilent ? { ...now, neighbour: 'FAILED' } : now)
  if (lost === undefined || now.carrier === false || !hasGateway(before)) return lost
  return (await answersAfresh(system, nic, before)) ? undefined : lost
}
