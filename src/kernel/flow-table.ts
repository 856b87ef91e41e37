/** RFS has one table for the whole guest, of connections and the CPUs where their applications run; sysctl(8) sets its size. */
import type { System } from '../system/system'
import { parseWholeNumber } from '../text/numbers'

export const FLOW_TABLE_SYSCTL = 'net.core.rps_sock_flow_entries'
/** A size that Documentation/networking/scaling.rst and the RHEL guide recommend for a moderately loaded server. */
export const FLOW_TABLE_ENTRIES = 32_768

/** Entries of the table, a power of two; 0 without a table, undefined where the kernel has none or does not tell. */
export function readFlowEntries(system: System): number | undefined {
  return parseWholeNumber(system.readText(system.paths.procFlowEntries)?.trim() ?? '')
}
