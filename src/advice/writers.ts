/**
 * Who else may write channels, IRQ affinity or XPS of a NIC, from files and /proc only: no child process, nothing
 * changed. Used by explain, and by the daemon to name who reversed a setting.
 */
import type { Host } from '../system/host'
import { findIfcfg } from './writers/ifcfg'
import { findIrqbalance } from './writers/irqbalance'
import { findLinkFiles } from './writers/link'
import { findNetworkManager } from './writers/network-manager'
import { findTuned } from './writers/tuned'
import { findUdevRules } from './writers/udev-rules'
import type { Writer, WriterTarget } from './writers/writer'

const FINDERS: readonly ((host: Host, nic: WriterTarget) => readonly Writer[])[] = [
  findIrqbalance,
  findTuned,
  findNetworkManager,
  findIfcfg,
  findLinkFiles,
  findUdevRules,
]

/** Everyone who may write settings of this NIC; certain ones first. Never throws for files that cannot be read. */
export function findWriters(host: Host, nic: WriterTarget): readonly Writer[] {
  const found = FINDERS.flatMap((find) => find(host, nic))
  const rank = { yes: 0, maybe: 1, unreadable: 2 } as const
  return found.sort((a, b) => rank[a.matches] - rank[b.matches])
}
