/** Which stacks have guests on this host, and one look at all of them. */
import { VqtuneError } from '../../errors'
import { type ObservedHypervisor, observeHypervisor, type Progress } from '../../hypervisor/check/observe'
import { observePlain, otherStacks } from '../../hypervisor/check/observe-plain'
import { observeProxmox } from '../../hypervisor/check/observe-proxmox'
import { readDaemon } from '../../hypervisor/libvirt/daemon'
import { hostLinks } from '../../hypervisor/network/links'
import { isProxmox, Qm } from '../../hypervisor/proxmox/qm'
import type { CommandContext } from '../command'
import { virshOf } from './connection'

/** Proxmox VE counts where nobody named a libvirt. */
export function usesProxmox(context: CommandContext): boolean {
  return context.options.connect === undefined && isProxmox(context.system)
}

/**
 * @param only one guest; undefined: all, with QEMU processes that nobody manages.
 * @throws VqtuneError when there is neither a manager nor a guest to be seen.
 */
export async function observeStacks(
  context: CommandContext,
  only: string | undefined,
  onProgress: Progress,
): Promise<ObservedHypervisor> {
  const { system, options } = context
  // Whoever names a libvirt wants its guests and no others.
  if (options.connect !== undefined) return observeHypervisor(system, virshOf(context), only, onProgress)
  try {
    const seen = usesProxmox(context)
      ? await observeProxmox(system, new Qm(system), only, onProgress)
      : await observeHypervisor(system, virshOf(context), only, onProgress)
    if (only !== undefined) return seen
    const plain = observePlain(system, seen.domains)
    const links = seen.links ?? (plain.length > 0 ? await hostLinks(system) : undefined)
    return { ...seen, links, domains: [...seen.domains, ...plain] }
  } catch (error) {
    return withoutManager(context, only, error)
  }
}

/** QEMU alone, where neither libvirt nor Proxmox VE answers or has such a guest. */
async function withoutManager(
  context: CommandContext,
  only: string | undefined,
  error: unknown,
): Promise<ObservedHypervisor> {
  const { system } = context
  if (!(error instanceof VqtuneError)) throw error
  const domains = observePlain(system, []).filter(
    ({ name, title }) => only === undefined || name === only || title === `process ${only}`,
  )
  // A libvirt that is there and does not answer is the news; what runs beside it is not.
  const absent = error.kind === 'tool-missing' || error.kind === 'usage'
  if (domains.length === 0 || (!absent && (await readDaemon(system)) !== undefined)) {
    const others = otherStacks(system)
    if (others.length === 0) throw error
    throw new VqtuneError(error.kind, `${error.message}; ${others.join('; ')}`, { cause: error })
  }
  if (!absent) context.warn(error.message)
  return {
    uri: 'no manager',
    domains,
    unanswered: [],
    links: await hostLinks(system),
    vdpaPairs: new Map(),
    pools: new Set(),
    maxFiles: undefined,
    daemon: undefined,
  }
}
