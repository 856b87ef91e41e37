/** One NIC among those that were observed. Pure. */
import { VqtuneError } from '../errors'
import type { ObservedGuest, ObservedNic } from '../model'

/** By interface index, which a rename does not change. */
export function nicByIndex<N extends { readonly ifindex: number }>(
  { nics }: { readonly nics: readonly N[] },
  ifindex: number | undefined,
): N | undefined {
  return nics.find((nic) => nic.ifindex === ifindex)
}

/**
 * The NIC a user named: by interface name, altname or virtio id.
 * @throws VqtuneError kind usage when it is none of the targets; an interface that is no target is explained
 */
export function findNic(guest: ObservedGuest, name: string): ObservedNic {
  const found = guest.nics.find(
    (nic) => nic.name === name || nic.virtio === name || nic.altnames.includes(name),
  )
  if (found !== undefined) return found
  const ignored = guest.ignored.find((other) => other.name === name)
  if (ignored !== undefined) throw new VqtuneError('usage', `${name} is not tuned: ${ignored.why}`)
  const known = guest.nics.map((nic) => nic.name).join(', ')
  throw new VqtuneError(
    'usage',
    `${name}: no such virtio-net NIC; ${known === '' ? 'this guest has none' : `there are ${known}`}`,
  )
}
