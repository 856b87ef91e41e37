/** A guest's interfaces with what runs and what is configured side by side, matched by MAC. Pure. */

import type { LinkFacts, Links } from '../../kernel/ip-link'
import type { Domain, DomainInterface } from '../libvirt/domain'
import type { ObservedDomain } from './observe'

export interface NicView {
  readonly domain: ObservedDomain
  readonly mac: string
  readonly live: DomainInterface | undefined
  readonly inactive: DomainInterface | undefined
  /** What the next start uses; of a transient guest what runs. */
  readonly configured: DomainInterface
  /** The tap or macvtap of the running guest. */
  readonly link: LinkFacts | undefined
  readonly vcpus: Domain['vcpus']
}

/** In the order of the configuration, then those that only run. */
export function viewNics(domain: ObservedDomain, links: Links): readonly NicView[] {
  const inactive = byMac(domain.inactive)
  const live = byMac(domain.live)
  return [...new Set([...inactive.keys(), ...live.keys()])].flatMap((mac) => {
    const configured = inactive.get(mac) ?? live.get(mac)
    if (configured === undefined) return []
    const running = live.get(mac)
    return [
      {
        domain,
        mac,
        live: running,
        inactive: inactive.get(mac),
        configured,
        link: running?.target === undefined ? undefined : links.get(running.target),
        vcpus: vcpusOf(domain),
      },
    ]
  })
}

/** vCPUs of the running guest, or of the next start. */
export function vcpusOf(domain: ObservedDomain): Domain['vcpus'] {
  return (domain.live ?? domain.inactive)?.vcpus ?? { current: 1, maximum: 1 }
}

function byMac(domain: Domain | undefined): ReadonlyMap<string, DomainInterface> {
  return new Map((domain?.interfaces ?? []).map((nic) => [nic.mac, nic]))
}
