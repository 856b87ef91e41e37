/** `ip -j -d link show`: what sysfs does not tell, for all interfaces in one call. */
import { VqtuneError } from '../errors'
import type { System } from '../system/system'
import { escapeControl } from '../text/escape'

export interface LinkFacts {
  readonly altnames: readonly string[]
  /** An XDP program is attached in any mode. */
  readonly xdp: boolean
}

/**
 * The entries of iproute2's JSON; those of hidden interfaces may be empty objects.
 * @throws VqtuneError kind tool-failed when it is not that JSON
 */
export function parseLinkEntries(text: string): readonly Readonly<Record<string, unknown>>[] {
  let entries: unknown
  try {
    // iproute2 leaves control characters in names as they are, except \b, \f, \n, \r and \t. In JSON they must not be.
    entries = JSON.parse(escapeControl(text))
  } catch (cause) {
    throw new VqtuneError(
      'tool-failed',
      'ip -j link show printed no JSON: iproute2 4.13 or newer is needed',
      {
        cause,
      },
    )
  }
  if (!Array.isArray(entries)) throw new VqtuneError('tool-failed', 'ip -j link show printed no list')
  return entries.filter((entry) => typeof entry === 'object' && entry !== null)
}

/** Old iproute2 has no altnames and prints xdp as an object with "mode". @throws as parseLinkEntries */
export function parseLinks(text: string): ReadonlyMap<string, LinkFacts> {
  const links = new Map<string, LinkFacts>()
  for (const { ifname, altnames, xdp, prog } of parseLinkEntries(text)) {
    if (typeof ifname !== 'string') continue
    links.set(ifname, {
      altnames: Array.isArray(altnames) ? altnames.filter((name: unknown) => typeof name === 'string') : [],
      xdp: hasXdp(xdp) || (typeof prog === 'object' && prog !== null),
    })
  }
  return links
}

function hasXdp(xdp: unknown): boolean {
  return typeof xdp === 'object' && xdp !== null && (!('mode' in xdp) || xdp.mode !== 0)
}

/** All interfaces of this network namespace by name; empty when iproute2 is missing or too old for JSON. */
export async function readLinks(system: System): Promise<ReadonlyMap<string, LinkFacts>> {
  if (system.findTool('ip') === undefined) return new Map()
  const result = await system.run('ip', ['-j', '-d', 'link', 'show'])
  return result.code === 0 ? parseLinks(result.stdout) : new Map()
}
