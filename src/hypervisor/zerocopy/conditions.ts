/** What makes zero copy useless although the parameter is on. */

import { VqtuneError } from '../../errors'
import type { System } from '../../system/system'
import { shellQuote } from '../../text/escape'
import { type Link, readLinks, sharedBridges, uplinksOf } from '../network/links'

export interface Condition {
  readonly code:
    | 'uplink-scatter-gather-off'
    | 'no-uplink'
    | 'guest-to-guest'
    | 'small-packets'
    | 'fallback-unseen'
  /** True when it defeats zero copy for all traffic through that device. */
  readonly defeats: boolean
  readonly text: string
}

export interface Uplink {
  readonly name: string
  /** undefined when ethtool does not tell. */
  readonly scatterGather: boolean | undefined
}

export interface ZerocopySurroundings {
  readonly uplinks: readonly Uplink[]
  readonly conditions: readonly Condition[]
}

/** @param named the uplink to judge; undefined: those that the guests' bridges and macvtaps lead to. */
export async function readSurroundings(
  system: System,
  named: string | undefined,
): Promise<ZerocopySurroundings> {
  const links = (await readLinks(system)) ?? []
  if (named !== undefined && !links.some((link) => link.name === named)) {
    const known = links.filter((link) => !link.loopback).map((link) => link.name)
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

/** Taps and macvtaps: devices that stand for guests. */
export function guestTaps(links: readonly Link[]): readonly string[] {
  return links.filter((link) => link.kind === 'tun' || link.kind === 'macvtap').map((link) => link.name)
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
            text: 'no uplink of a guest found; name it with --uplink',
          } as const,
        ]),
    ...[...shared].map(
      ([bridge, taps]): Condition => ({
        code: 'guest-to-guest',
        defeats: false,
        text: `${bridge}: ${taps.length} guests' NICs: what they send to each other, or to this host, is copied`,
      }),
    ),
    {
      code: 'small-packets',
      defeats: false,
      text: 'packets under 256 bytes are always copied, and all packets while a packet sniffer listens',
    },
    {
      code: 'fallback-unseen',
      defeats: false,
      text: 'on means that vhost tries: how many packets are copied on the way all the same, nothing here shows; vqtune host zerocopy probe measures it under load',
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
