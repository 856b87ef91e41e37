/** Steering in software is for NICs that have fewer queue pairs than there are vCPUs, because the host offers no more. */
import type { NicContext } from './tunable'

/** False while the host's maximum is not known: nobody had to ask. */
export function isLimitedByHost({ nic, usable }: Pick<NicContext, 'nic' | 'usable'>): boolean {
  const { maximum } = nic.channels
  return maximum !== undefined && maximum < usable.length
}
