/**
 * Other writers of a NIC's channels, IRQ affinity or XPS, from files and /proc only: no child process, nothing
 * changed. Used by explain, and by the daemon to name the writer of a changed setting.
 */
import type { System } from '../system/system'
import { findIfcfg } from './ifcfg'
import { findIrqbalance } from './irqbalance'
import { findLinkFiles } from './link'
import { findNetworkManager } from './network-manager'
import { findTuned } from './tuned'
import { findUdevRules } from './udev-rules'
import type { Writer, WriterTarget } from './writer'

const FINDERS: readonly ((system: System, nic: WriterTarget) => readonly Writer[])[] = [
  findIrqbalance,
  findTuned,
  findNetworkManager,
  findIfcfg,
  findLinkFiles,
  findUdevRules,
]

/** All writers that may change settings of this NIC; certain ones first. Does not throw for unreadable files. */
export function findWriters(system: System, nic: WriterTarget): readonly Writer[] {
  const found = FINDERS.flatMap((find) => find(system, nic))
  const rank = { yes: 0, maybe: 1, unreadable: 2 } as const
  return found.sort((a, b) => rank[a.matches] - rank[b.matches])
}
