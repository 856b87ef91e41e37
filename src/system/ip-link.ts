/** `ip -j -d link show`: what sysfs does not tell, for all interfaces in one call. */
import { VqtuneError } from '../errors'
import type { Host } from './host'

export interface LinkFacts {
  readonly altnames: readonly string[]
  /** An XDP program is attached in any mode. */
  readonly xdp: boolean
}

/**
 * Parses iproute2's JSON. Old iproute2 has no altnames and prints xdp as an object with "mode"; entries of hidden
 * interfaces may be empty objects.
 * @throws VqtuneError kind tool-failed when it is not that JSON.
 */
export function parseLinks(text: string): ReadonlyMap<string, LinkFacts> {
  let entries: unknown
  try {
    entries = JSON.parse(text)
  } catch (cause) {
    throw new VqtuneError('tool-failed', 'ip -j link show printed no JSON', { cause })
  }
  if (!Array.isArray(entries)) throw new VqtuneError('tool-failed', 'ip -j link show printed no list')
  const links = new Map<string, LinkFacts>()
  for (const entry of entries) {
    if (typeof entry !== 'object' || entry === null || typeof entry.ifname !== 'string') continue
    links.set(entry.ifname, {
      altnames: Array.isArray(entry.altnames)
        ? entry.altnames.filter((name: unknown) => typeof name === 'string')
        : [],
      xdp: hasXdp(entry.xdp) || typeof entry.prog === 'object',
    })
  }
  return links
}

function hasXdp(xdp: unknown): boolean {
  return typeof xdp === 'object' && xdp !== null && (!('mode' in xdp) || xdp.mode !== 0)
}

/** All interfaces of this network namespace by name; empty when iproute2 is missing or too old for JSON. */
export async function readLinks(host: Host): Promise<ReadonlyMap<string, LinkFacts>> {
  if (host.findTool('ip') === undefined) return new Map()
  const result = await host.run('ip', ['-j', '-d', 'link', 'show'])
  return result.code === 0 ? parseLinks(result.stdout) : new Map()
}
