/** Software in this guest that writes our settings by itself, as src/writers finds it in files and procfs. */

import type { ObservedNic } from '../model'
import type { System } from '../system/system'
import { boundedSearch } from '../writers/bounded-system'
import { searchWriters, WRITERS } from '../writers/index'
import type { Writer as KnownWriter } from '../writers/writer'
import type { CandidateWriter } from './attribute'

/**
 * Those that are active and affect these NICs. An irqbalance that was told to leave the interrupts alone is running, and so
 * remains possible; of the others, a possibility is not evidence.
 */
export function readCandidateWriters(
  system: System,
  nics: readonly ObservedNic[],
): readonly CandidateWriter[] {
  const bounded = boundedSearch(system)
  return nics.flatMap((nic) =>
    searchWriters(system, nic, bounded)
      .writers.filter(
        ({ writer, matches }) => matches === 'yes' || (matches === 'maybe' && writer === 'irqbalance'),
      )
      .map((writer) => candidateOf(writer, nic.name)),
  )
}

const BY_ITSELF = new Set(WRITERS.filter((one) => one.actsByItself === true).map(({ name }) => name))

function candidateOf({ writer, where, what, tunable, matches }: KnownWriter, nic: string): CandidateWriter {
  return {
    name: writer,
    writes: [tunable],
    nic,
    // irqbalance chooses at run time; the others write the one value in their file.
    ...(writer === 'irqbalance' ? {} : { says: what }),
    ...(matches === 'maybe' ? { isOnlyPossible: true } : {}),
    ...(BY_ITSELF.has(writer) ? {} : { onlyAt: where }),
    evidence: `${writer} (${where}) ${what}`,
  }
}
