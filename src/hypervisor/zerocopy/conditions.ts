/** What prevents zero copy although the parameter is on. */

import { VqtuneError } from '../../errors'
import type { Links } from '../../kernel/ip-link'
import type { System } from '../../system/system'
import { shellQuote } from '../../text/escape'
import { guestTaps, hostLinks, sharedBridges, uplinksOf } from '../network/links'

export const CONDITION_CODES = [
  'uplink-scatter-gather-off',
  'no-uplink',
  'guest-to-guest',
  'small-packets',
  'fallback-unseen',
] as const

export interface Condition {
  readonly code: (typeof CONDITION_CODES)[number]
  /** True when it defeats zero copy for all traffic through that device. */
  readonly defeats: boolean
  readonly text: string
}

export interface Uplink {
  readonly name: string
  /** undefined if ethtool does not report it. */
  readonly scatterGather: boolean | undefined
}

export interface ZerocopySurroundings {
  readonly uplinks: readonly Uplink[]
  readonly conditions: readonly Condition[]
}

/** @param named the uplink to check; undefined: those behind the guests' bridges and macvtaps. */
export async function readSurroundings(
  system: System,
  named: string | undefined,
): Promise<ZerocopySurroundings> {
  const links: Links = (await hostLinks(system)) ?? new Map()
  if (named !== undefined && !links.has(named)) {
    const known = [...links.values()].filter((link) => !link.loopback).map((link) => link.name)
    throw new VqtuneError(
      'usage',
      `--uplink ${named}: no such network device; there are: ${known.join(', ') || 'none'}`,
    )
  }
  const taps = guestTaps(links)
  const names = named === undefined ? uplinksOf(links, taps) : [named]
  const uplinks: Uplink[] = []
  for (const name of names) uplinks.push({ name, scatterGather: await readScatterGather(system, name) })
  return { uplinks, conditions: conditionsOf(uplinks, sharedBridges(links, taps)) }
}

export function conditionsOf(
  uplinks: readonly Uplink[],
  shared: ReadonlyMap<string, readonly string[]>,
): readonly Condition[] {
  return [
    ...uplinks
      .filter((uplink) => uplink.scatterGather === false)
      .map(
        ({ name }): Condition => ({
          code: 'uplink-scatter-gather-off',
          defeats: true,
          text: `${name}: scatter-gather is off: everything sent through it is copied (ethtool -K ${shellQuote(name)} sg on)`,
        }),
      ),
    ...(uplinks.length > 0
      ? []
      : [
          {
            code: 'no-uplink',
            defeats: false,
            text: 'no uplink found; specify it with --uplink',
          } as const,
        ]),
    ...[...shared].map(
      ([bridge, taps]): Condition => ({
        code: 'guest-to-guest',
        defeats: false,
        text: `${bridge}: ${taps.length} guest NICs: packets between them, and to this host, are copied`,
      }),
    ),
    {
      code: 'small-packets',
      defeats: false,
      text: 'packets under 256 bytes are always copied, and all packets while a packet sniffer is running',
    },
    {
      code: 'fallback-unseen',
      defeats: false,
      text: 'on means that vhost attempts it: how many packets are still copied on the way is not visible here; vqtune host zerocopy probe measures it under load',
    },
  ]
}

async function readScatterGather(system: System, nic: string): Promise<boolean | undefined> {
  const result = await system.run('ethtool', ['-k', nic])
  return result.code === 0 ? parseScatterGather(result.stdout) : undefined
}

export function parseScatterGather(text: string): boolean | undefined {
  const value = /^scatter-gather: (on|off)/m.exec(text)?.[1]
  return value === undefined ? undefined : value === 'on'
}
