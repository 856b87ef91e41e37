import { findNic } from '../planner/find-nic'
import { observeGuest } from '../planner/observe'
import type { CommandContext } from './command'

/**
 * The current name of the NIC that the user named by name, altname or virtio id; undefined when none was named.
 * @throws VqtuneError kind usage when there is no such NIC
 */
export async function resolveNicArgument(context: CommandContext): Promise<string | undefined> {
  const named = context.positionals[0]
  if (named === undefined) return undefined
  return findNic(await observeGuest(context.system, { links: true }), named).name
}
