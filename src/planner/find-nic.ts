/** Finds one of the observed NICs. Pure. */
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
 * The NIC that the user named: by interface name, altname or virtio id.
 * @throws VqtuneError kind usage if it is not a target; the message says why an interface is not
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
