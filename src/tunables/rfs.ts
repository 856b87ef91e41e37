/**
 * RFS (receive flow steering, rps_flow_cnt): has the packets of a connection processed on the vCPU where its application
 * last read or wrote, as the kernel noted it in one table for the whole guest. get_rps_cpu() (net/core/dev.c) looks there
 * first if the queue has a table of its own, too, and then at the queue's RPS mask: so RFS works with RPS and without, for
 * connected sockets only. The share of a queue is that of Documentation/networking/scaling.rst.
 *
 * The size of the guest's table is a sysctl of all NICs, and the administrator's: it is read here, and never written.
 */
import { FLOW_TABLE_ENTRIES, FLOW_TABLE_SYSCTL } from '../kernel/flow-table'
import type { Skip } from '../model'
import { parseWholeNumber } from '../text/numbers'
import { ENTRIES } from './codecs'
import { isLimitedByHost } from './host-limited'
import { readQueueFiles } from './queue-files'
import type { NicContext, Tunable, Wanted } from './tunable'
import { writeSettingFile } from './write-file'

export const RFS_KEY = 'rfs'
export const RFS_SPREAD = 'spread'

export const rfs: Tunable<number> = {
  name: 'rfs',
  noun: 'RFS table',
  codec: ENTRIES,
  switch: {
    key: RFS_KEY,
    values: ['keep', RFS_SPREAD, 'off'],
    default: 'keep',
    help: `Receive flow steering: packets of a connection are processed on the vCPU where its application runs, with rps or without, and on isolated vCPUs, too, if it runs there. "keep" changes nothing. "spread": if the host offers fewer queue pairs than there are usable vCPUs, each receive queue gets its share of the table whose size is ${FLOW_TABLE_SYSCTL}; on other NICs RFS is cleared. That sysctl is yours to set: where it is 0, RFS does nothing and nothing is written. "off" clears it.`,
  },
  read: (system, nic) =>
    readQueueFiles(system, nic, 'rx', 'rps_flow_cnt', 'RFS', (text) => parseWholeNumber(text.trim())),
  desire(context, settings) {
    const mode = context.settings.switches[RFS_KEY]
    if (mode !== 'off' && mode !== RFS_SPREAD) return { wanted: [], skips: [] }
    if (mode === 'off' || !isLimitedByHost(context)) {
      const reason = mode === 'off' ? 'set by the configuration' : 'the host exposes enough queue pairs'
      return { wanted: settings.map(({ key }) => ({ key, value: 0, reason })), skips: [] }
    }
    const { flowEntries } = context
    if (flowEntries === undefined || settings.length === 0) return { wanted: [], skips: [NO_RFS] }
    if (flowEntries === 0) return { wanted: [], skips: [{ code: 'no-flow-table', why: NO_FLOW_TABLE }] }
    return { wanted: settings.map(({ key }) => shareOf(context, flowEntries, key)), skips: [] }
  },
  write: (system, step) => writeSettingFile(system, step, step.new),
}

const NO_RFS: Pick<Skip, 'code' | 'why'> = {
  code: 'no-rfs',
  why: `this kernel has no RFS: no ${FLOW_TABLE_SYSCTL}, or no rps_flow_cnt for the NIC`,
}

/** What to do about a guest without a table, one clause without a full stop. */
export const NO_FLOW_TABLE = `${FLOW_TABLE_SYSCTL} is 0, so RFS does nothing; it concerns all NICs and is yours to set: sysctl -w ${FLOW_TABLE_SYSCTL}=${FLOW_TABLE_ENTRIES}, and as a line of a file in /etc/sysctl.d for the next boot; then vqtune apply`

/** The kernel rounds up to a power of two (store_rps_dev_flow_table_cnt, net/core/net-sysfs.c): so does this, for what is read back. */
function shareOf({ desired }: NicContext, entries: number, key: string): Wanted<number> & { key: string } {
  const value = 2 ** Math.ceil(Math.log2(Math.max(1, Math.floor(entries / desired.target))))
  return { key, value, reason: `1/${desired.target} of the ${entries} entries of ${FLOW_TABLE_SYSCTL}` }
}
