/**
 * Who else may write channels, IRQ affinity or XPS of a NIC, from files and /proc only: no child process, nothing
 * changed. Used by explain, and by the daemon to name who reversed a setting.
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

/** Everyone who may write settings of this NIC; certain ones first. Never throws for files that cannot be read. */
export function findWriters(system: System, nic: WriterTarget): readonly Writer[] {
  const found = FINDERS.flatMap((find) => find(system, nic))
  const rank = { yes: 0, maybe: 1, unreadable: 2 } as const
  return found.sort((a, b) => rank[a.matches] - rank[b.matches])
}
