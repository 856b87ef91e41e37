/**
 * The registry: other writers of a NIC's channels, rings, IRQ affinity, XPS, RPS, RFS or threaded NAPI. They are found in files and
 * /proc only: no child process, nothing changed. Used by explain, and by the daemon to name the writer of a changed setting.
 */
import type { System } from '../system/system'
import { alibaba } from './alibaba'
import { type BoundedSearch, boundedSearch } from './bounded-system'
import { cloudInit } from './cloud-init'
import { cron } from './cron'
import { dracut } from './dracut'
import { google } from './google'
import { huawei } from './huawei'
import { ifcfg } from './ifcfg'
import { ifupdown } from './ifupdown'
import { initScript } from './init-script'
import { findIrqbalance } from './irqbalance'
import { katalyst } from './katalyst'
import { kubernetes } from './kubernetes'
import { link } from './link'
import { modprobe } from './modprobe'
import { networkHook } from './network-hooks'
import { networkManager } from './network-manager'
import { dispatcher } from './network-manager-dispatcher'
import { perftune } from './perftune'
import { rcLocal } from './rc-local'
import { setIrqAffinity } from './set-irq-affinity'
import { sysctl } from './sysctl'
import { systemdUnit } from './systemd-unit'
import { tencent } from './tencent'
import { tuned } from './tuned'
import { udevRules } from './udev-rules'
import type { KnownWriter, Writer, WriterTarget } from './writer'

export const WRITERS: readonly KnownWriter[] = [
  { name: 'irqbalance', title: 'irqbalance', actsByItself: true, find: findIrqbalance },
  tuned,
  networkManager,
  dispatcher,
  ifcfg,
  ifupdown,
  networkHook,
  link,
  udevRules,
  systemdUnit,
  initScript,
  rcLocal,
  cron,
  cloudInit,
  dracut,
  modprobe,
  sysctl,
  kubernetes,
  katalyst,
  google,
  alibaba,
  huawei,
  tencent,
  perftune,
  setIrqAffinity,
]

export const WRITER_NAMES: readonly string[] = WRITERS.map(({ name }) => name)

export interface WriterSearch {
  readonly writers: readonly Writer[]
  /** Files that were over a limit, with the reason. */
  readonly notSearched: readonly string[]
}

/**
 * All writers that may change settings of this NIC; certain ones first. Does not throw for unreadable files.
 * @param bounded of an earlier NIC of the same look: files are read once
 */
export function searchWriters(
  system: System,
  nic: WriterTarget,
  bounded: BoundedSearch = boundedSearch(system),
): WriterSearch {
  const found = WRITERS.flatMap(({ find }) => find(bounded.system, nic))
  const rank = { yes: 0, maybe: 1, unreadable: 2 } as const
  const writers = [...found].sort((a, b) => rank[a.matches] - rank[b.matches])
  return { writers, notSearched: bounded.left }
}
