/** Who in this guest writes our settings by itself, as advice/writers finds them in files and procfs. */

import type { ObservedNic } from '../model'
import type { System } from '../system/system'
import { findWriters } from '../writers/index'
import type { Writer as KnownWriter } from '../writers/writer'
import type { CandidateWriter } from './attribute'

/** Only those that are active and mean these NICs: what may be is no evidence. */
export function readCandidateWriters(
  system: System,
  nics: readonly ObservedNic[],
): readonly CandidateWriter[] {
  return nics.flatMap((nic) =>
    findWriters(system, nic)
      .filter((writer) => writer.matches === 'yes')
      .map((writer) => candidateOf(writer, nic.name)),
  )
}

function candidateOf({ writer, where, what, tunable }: KnownWriter, nic: string): CandidateWriter {
  return {
    name: writer,
    writes: [tunable],
    nic,
    // irqbalance chooses as it goes; the others have the one value that their file says.
    ...(writer === 'irqbalance' ? {} : { says: what }),
    evidence: `${writer} (${where}) ${what}`,
  }
}
