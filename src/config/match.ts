/** Which NICs a [[nic]] rule matches. All given keys must match. */
import type { ObservedNic } from '../model'

/** What identifies a NIC in rules. */
export type NicNames = Pick<ObservedNic, 'name' | 'altnames' | 'mac' | 'busAddress' | 'virtio'>

/** How much is known of its names. */
export type Identification = Pick<ObservedNic, 'isIdentified' | 'isMacPermanent'>

export interface NicMatch {
  /** Glob over the interface name and its altnames. */
  readonly name?: string
  /** Glob over the permanent MAC address, upper or lower case; over the current one if the permanent one is unknown. */
  readonly mac?: string
  /** PCI address; the domain may be omitted if it is 0000. */
  readonly pci?: string
  /** Name on the virtio bus, such as virtio2. */
  readonly virtio?: string
}

/** True if all keys match; an empty match matches every NIC. */
export function matchesNic(match: NicMatch, nic: NicNames): boolean {
  if (match.name !== undefined) {
    if (![nic.name, ...nic.altnames].some(globMatcher(match.name))) return false
  }
  if (match.mac !== undefined && !globMatcher(match.mac.toLowerCase())(nic.mac.toLowerCase())) return false
  if (match.pci !== undefined && fullPciAddress(match.pci) !== nic.busAddress.toLowerCase()) return false
  return match.virtio === undefined || match.virtio === nic.virtio
}

/** Whether unknown names of the NIC could make the rule match. */
export function isUndecided(match: NicMatch, nic: NicNames & Identification): boolean {
  if (nic.isIdentified || matchesNic(match, nic)) return false
  const { name, mac, ...known } = match
  const unknown = name !== undefined || (mac !== undefined && !nic.isMacPermanent)
  return unknown && matchesNic(mac !== undefined && nic.isMacPermanent ? { ...known, mac } : known, nic)
}

/** Whether `ip` must be run to decide the rules. */
export function needsIdentification(
  rules: readonly { readonly match: NicMatch }[],
  nics: readonly Identification[],
): boolean {
  return rules.some(
    ({ match: { name, mac } }) =>
      name !== undefined || (mac !== undefined && nics.some(({ isMacPermanent }) => !isMacPermanent)),
  )
}

/** `00:03.0` -> `0000:00:03.0`, in lower case as sysfs has it. */
export function fullPciAddress(address: string): string {
  const lower = address.toLowerCase()
  return lower.split(':').length === 2 ? `0000:${lower}` : lower
}

/** One position of a glob: any run of characters, this one, or one that a test accepts. */
type GlobToken = typeof ANY_RUN | string | ((character: string) => boolean)
const ANY_RUN = Symbol('*')

/**
 * The glob of udev and shell: `*`, `?`, `[a-c]`, `[!a-c]`, and `\` before a literal character.
 * Not compiled to a regular expression: `*a*a*a*b` would take years for a long name.
 * @throws SyntaxError with a short reason if the glob is malformed.
 */
export function globMatcher(glob: string): (text: string) => boolean {
  if (glob === '') throw new SyntaxError('it is empty')
  const tokens: GlobToken[] = []
  for (let at = 0; at < glob.length; at++) {
    const character = glob.charAt(at)
    if (character === '*') tokens.push(ANY_RUN)
    else if (character === '?') tokens.push(() => true)
    else if (character === '[') {
      const { accepts, end } = characterSet(glob, at)
      tokens.push(accepts)
      at = end
    } else if (character === '\\') {
      at++
      if (at === glob.length) throw new SyntaxError('nothing follows the backslash')
      tokens.push(glob.charAt(at))
    } else tokens.push(character)
  }
  return (text) => matchesTokens(tokens, text)
}

/** At most length times length steps: after a mismatch only the last `*` has to take one character more. */
function matchesTokens(tokens: readonly GlobToken[], text: string): boolean {
  let token = 0
  let at = 0
  let star: { readonly token: number; at: number } | undefined
  while (at < text.length) {
    const current = tokens[token]
    if (current === ANY_RUN) {
      star = { token, at }
      token++
    } else if (current !== undefined && accepts(current, text.charAt(at))) {
      token++
      at++
    } else if (star !== undefined) {
      star.at++
      at = star.at
      token = star.token + 1
    } else return false
  }
  return tokens.slice(token).every((rest) => rest === ANY_RUN)
}

/** @param at index of the opening bracket. @returns the test of the set and the index of the closing bracket. */
function characterSet(glob: string, at: number): { accepts: (character: string) => boolean; end: number } {
  const isNegated = glob[at + 1] === '!' || glob[at + 1] === '^'
  const start = at + (isNegated ? 2 : 1)
  // As in fnmatch(3), a bracket right after the opening one is a member.
  const end = glob.indexOf(']', start + 1)
  if (end === -1) throw new SyntaxError('a [ has no ]')
  const ranges: { low: string; high: string }[] = []
  for (let member = start; member < end; member++) {
    const low = glob.charAt(member)
    // A hyphen makes a range only between two members; first or last it is literal.
    const isRange = glob[member + 1] === '-' && member + 2 < end
    const high = isRange ? glob.charAt(member + 2) : low
    if (low > high) throw new SyntaxError(`the range ${low}-${high} runs backwards`)
    ranges.push({ low, high })
    if (isRange) member += 2
  }
  return {
    accepts: (character) =>
      ranges.some(({ low, high }) => low <= character && character <= high) !== isNegated,
    end,
  }
}

function accepts(token: string | ((character: string) => boolean), character: string): boolean {
  return typeof token === 'string' ? token === character : token(character)
}
