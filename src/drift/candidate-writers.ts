/** Software in this guest that writes our settings by itself, as src/writers finds it in files and procfs. */

import type { ObservedNic } from '../model'
import type { System } from '../system/system'
import { findWriters } from '../writers/index'
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
  return nics.flatMap((nic) =>
    findWriters(system, nic)
      .filter(({ writer, matches }) => matches === 'yes' || (matches === 'maybe' && writer === 'irqbalance'))
      .map((writer) => candidateOf(writer, nic.name)),
  )
}

function candidateOf({ writer, where, what, tunable, matches }: KnownWriter, nic: string): CandidateWriter {
  return {
    name: writer,
    writes: [tunable],
    nic,
    // irqbalance chooses at run time; the others write the one value in their file.
    ...(writer === 'irqbalance' ? {} : { says: what }),
    ...(matches === 'maybe' ? { isOnlyPossible: true } : {}),
    evidence: `${writer} (${where}) ${what}`,
  }
}
