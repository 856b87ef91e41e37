/** What a conclusion needs to know of a NIC besides its counters: rings and offloads. Read once, before the measurement. */
import { parseRings } from '../kernel/rings'
import type { ObservedNic, Rings } from '../model'
import type { System } from '../system/system'
import { type Offloads, parseOffloads } from './parse-nic'

export interface NicFacts {
  /** undefined where the driver does not tell. */
  readonly rings: Rings | undefined
  readonly offloads: Offloads
}

const NOTHING: NicFacts = { rings: undefined, offloads: { off: [], fixed: [] } }

/** By interface name. Two questions to ethtool for each NIC; what is not answered is not known, and nothing follows from it. */
export async function readNicFacts(
  system: System,
  nics: readonly ObservedNic[],
): Promise<ReadonlyMap<string, NicFacts>> {
  if (system.findTool('ethtool') === undefined) return new Map(nics.map(({ name }) => [name, NOTHING]))
  return new Map(
    await Promise.all(
      nics.map(async ({ name }): Promise<[string, NicFacts]> => {
        const [rings, offloads] = await Promise.all([
          answer(system, 'ethtool', ['-g', name]),
          answer(system, 'ethtool', ['-k', name]),
        ])
        return [name, { rings: parseRings(rings), offloads: parseOffloads(offloads) }]
      }),
    ),
  )
}

/** What a program prints; empty when it fails, or cannot be started. */
export async function answer(system: System, tool: string, args: readonly string[]): Promise<string> {
  try {
    const { code, stdout } = await system.run(tool, args)
    return code === 0 ? stdout : ''
  } catch {
    return ''
  }
}
