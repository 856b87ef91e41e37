/** Who in this guest writes our settings by itself, as advice/writers finds them in files and procfs. */

import { findWriters } from '../advice/writers'
import type { Writer as KnownWriter } from '../advice/writers/writer'
import type { ObservedNic } from '../model'
import type { Host } from '../system/host'
import type { Suspect } from './attribute'

/** Only those that are active and mean these NICs: what may be is no evidence. */
export function readSuspects(host: Host, nics: readonly ObservedNic[]): readonly Suspect[] {
  return nics.flatMap((nic) =>
    findWriters(host, nic)
      .filter((writer) => writer.matches === 'yes')
      .map((writer) => suspectOf(writer, nic.name)),
  )
}

function suspectOf({ writer, where, what, tunable }: KnownWriter, nic: string): Suspect {
  return {
    name: writer,
    writes: [tunable],
    nic,
    // irqbalance chooses as it goes; the others have the one value that their file says.
    ...(writer === 'irqbalance' ? {} : { says: what }),
    evidence: `${writer} (${where}) ${what}`,
  }
}
