/** A guest's interfaces with what runs and what is configured side by side. Pure. */
import type { LinkFacts, Links } from '../../kernel/ip-link'
import { type Domain, type DomainInterface, isVirtio, kindOf } from '../libvirt/domain'
import type { ObservedDomain } from './observe'

export interface NicView {
  readonly domain: ObservedDomain
  readonly mac: string
  /** What names this one alone to `--nic`: the MAC, or where virtio interfaces share it the target or alias. */
  readonly handle: string
  readonly live: DomainInterface | undefined
  readonly inactive: DomainInterface | undefined
  /** What the next start uses; of a transient guest what runs. */
  readonly configured: DomainInterface
  /** The tap or macvtap of the running guest. */
  readonly link: LinkFacts | undefined
  readonly vcpus: Domain['vcpus']
  /** A device of the host, passed through; its queues are its own. Also where a network hands it out at the start. */
  readonly passthrough: boolean
}

export interface NicPair {
  readonly live: DomainInterface | undefined
  readonly inactive: DomainInterface | undefined
}

/** In the order of the configuration, then those that only run. */
export function viewNics(
  domain: ObservedDomain,
  links: Links | undefined,
  pools: ReadonlySet<string> = new Set(),
): readonly NicView[] {
  const pairs = pairInterfaces(domain.inactive, domain.live)
  return pairs.flatMap(({ live, inactive }) => {
    const configured = inactive ?? live
    if (configured === undefined) return []
    return [
      {
        domain,
        mac: configured.mac,
        handle: handleOf(configured, live, pairs),
        live,
        inactive,
        configured,
        link: live?.target === undefined ? undefined : links?.get(live.target),
        vcpus: vcpusOf(domain),
        passthrough: kindOf(live ?? configured) === 'passthrough' || isFromPool(configured, pools),
      },
    ]
  })
}

/** A network that hands out virtual functions: the guest gets a device of the host, whatever model is written there. */
export function isFromPool(nic: DomainInterface, pools: ReadonlySet<string>): boolean {
  return nic.type === 'network' && nic.source !== undefined && pools.has(nic.source)
}

/**
 * Which running interface is which configured one: by MAC and kind, since the two halves of a teaming pair share the MAC; then
 * what a network turned into a passed-through device; then what is left with the MAC, a change of model that waits.
 */
export function pairInterfaces(inactive: Domain | undefined, live: Domain | undefined): readonly NicPair[] {
  const free = new Set(live?.interfaces ?? [])
  const found = new Map<DomainInterface, DomainInterface>()
  const configured = inactive?.interfaces ?? []
  const rules: readonly ((nic: DomainInterface, running: DomainInterface) => boolean)[] = [
    (nic, running) => kindOf(nic) === kindOf(running) && sameName(nic, running),
    (nic, running) => kindOf(nic) === kindOf(running),
    (nic, running) => nic.type === 'network' && running.type === 'hostdev' && nic.teaming === running.teaming,
    (nic, running) => nic.teaming === undefined && running.teaming === undefined,
  ]
  for (const fits of rules) {
    for (const nic of configured) {
      if (found.has(nic)) continue
      const running = [...free].find((candidate) => candidate.mac === nic.mac && fits(nic, candidate))
      if (running === undefined) continue
      found.set(nic, running)
      free.delete(running)
    }
  }
  return [
    ...configured.map((nic) => ({ inactive: nic, live: found.get(nic) })),
    ...[...free].map((running) => ({ inactive: undefined, live: running })),
  ]
}

/** An alias or target that the configuration fixes. */
function sameName(nic: DomainInterface, running: DomainInterface): boolean {
  return (
    (nic.alias !== undefined && nic.alias === running.alias) ||
    (nic.target !== undefined && nic.target === running.target)
  )
}

function handleOf(
  nic: DomainInterface,
  live: DomainInterface | undefined,
  pairs: readonly NicPair[],
): string {
  const rivals = pairs.filter((pair) => {
    const other = pair.inactive ?? pair.live
    return other !== undefined && other.mac === nic.mac && isVirtio(other) === isVirtio(nic)
  })
  if (rivals.length <= 1) return nic.mac
  return nic.alias ?? nic.target ?? live?.target ?? live?.alias ?? nic.mac
}

/** vCPUs of the running guest, or of the next start. */
export function vcpusOf(domain: ObservedDomain): Domain['vcpus'] {
  return (domain.live ?? domain.inactive)?.vcpus ?? { current: 1, maximum: 1 }
}
