/**
 * Replaces what tells whose guest it is: the same value by the same other value everywhere, also in names of files, so that
 * rules that name a NIC by its address still mean it. Pure.
 */
import { isIPv6 } from 'node:net'
import { bytesSwapped, digitsOfV6 } from './address-digits'
import type { CapturedNode, CapturedNodes } from './recording'

export const REPLACED_KINDS = ['mac', 'ipv4', 'ipv6', 'name', 'serial'] as const
export type ReplacedKind = (typeof REPLACED_KINDS)[number]
/** Number of different values of each kind. */
export type ReplacedCounts = Readonly<Record<ReplacedKind, number>>

/** What only the guest itself knows to be a name. */
export interface Identity {
  /** Host names, with or without a domain. */
  readonly hosts: readonly string[]
  readonly domains: readonly string[]
  /** Serial numbers and machine IDs. */
  readonly serials: readonly string[]
}

const HEX_PAIR = '[0-9a-fA-F]{2}'
/** Six bytes, or three to five of them and a glob for the rest, as configurations have it. */
const MAC = new RegExp(
  [
    `(?<![0-9a-fA-F:])${HEX_PAIR}(?::${HEX_PAIR}){5}(?![0-9a-fA-F:])`,
    `(?<![0-9a-fA-F]|${HEX_PAIR}-)${HEX_PAIR}(?:-${HEX_PAIR}){5}(?![0-9a-fA-F-])`,
    `(?<![0-9a-fA-F:])${HEX_PAIR}(?::${HEX_PAIR}){2,4}(?=:[*?[])`,
  ].join('|'),
  'g',
)
const BARE_MAC = /(?<![0-9a-fA-F])[0-9a-fA-F]{12}(?![0-9a-fA-F])/g
const UUID = /(?<![0-9a-f-])[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}(?![0-9a-f-])/gi
const IPV6 = /(?<![\w:.])[0-9a-fA-F:]*:[0-9a-fA-F:]+(?:\.\d+){0,3}(?![\w:])/g
const IPV4 = /(?<![\w.-])\d{1,3}(?:\.\d{1,3}){3}(?![\w-]|\.\w)/g
/** How files of /proc/net print addresses, in hexadecimal digits: IPv4 and the words of tcp6 in the host's order. */
const HEX_FILES: readonly (readonly [file: RegExp, address: RegExp, order: HexOrder])[] = [
  [/^(?:later\/)?proc\/net\/(?:tcp|udp)6?$/, /\b(?:[0-9A-F]{24})?[0-9A-F]{8}(?=:[0-9A-F]{4}\b)/g, 'host'],
  [/^(?:later\/)?proc\/net\/route$/, /\b[0-9A-F]{8}\b/g, 'host'],
  [/^(?:later\/)?proc\/net\/(?:ipv6_route|if_inet6)$/, /\b[0-9a-f]{32}\b/g, 'network'],
]
type HexOrder = 'host' | 'network'

/** Words of vqtune's own files: a guest may be named like one. */
const OWN_WORDS = new Set(
  (
    'localhost localhost.localdomain vqtune vqtuned irqbalance tuned networkmanager ifcfg systemd udev unknown channels ' +
    'boot guard daemon metrics defaults nic trial host guest root none true false'
  ).split(' '),
)

/** @returns the nodes, and how many values were replaced */
export function anonymised(
  nodes: CapturedNodes,
  identity: Identity,
): { readonly nodes: CapturedNodes; readonly counts: ReplacedCounts } {
  const names = new Replacer(identity)
  const sorted = [...nodes].sort(([a], [b]) => (a < b ? -1 : 1))
  for (const [, node] of sorted) if (node.kind === 'file') names.learn(node.text)
  const result = sorted.map(([at, node]): [string, CapturedNode] => {
    const path = names.near(at, at)
    if (node.kind === 'directory') return [path, node]
    if (node.kind === 'link') return [path, { kind: 'link', target: names.near(at, node.target) }]
    return [path, { kind: 'file', text: names.fileText(at, node.text) }]
  })
  return { nodes: new Map(result), counts: names.counts() }
}

class Replacer {
  private readonly known: Record<ReplacedKind, Map<string, string>> = {
    mac: new Map(),
    ipv4: new Map(),
    ipv6: new Map(),
    name: new Map(),
    serial: new Map(),
  }
  /** The bytes that follow each beginning of a MAC address, in the order of their appearance. */
  private readonly bytes = new Map<string, Map<string, string>>()
  private readonly names: RegExp | undefined
  private readonly serials: RegExp | undefined

  constructor({ hosts, domains, serials }: Identity) {
    const isName = (name: string) => name.length > 1 && !OWN_WORDS.has(name.toLowerCase())
    const short = hosts.flatMap((host) => host.split('.')[0] ?? [])
    const full = domains
      .filter((domain) => domain.includes('.'))
      .map((domain) => `(?:[\\w-]+\\.)*${escaped(domain)}`)
    const whole = [...hosts, ...short].filter(isName).map(escaped)
    this.names = anyOf([...full, ...whole.sort((a, b) => b.length - a.length)])
    this.serials = anyOf(serials.filter((serial) => serial.length >= 6).map(escaped))
  }

  /** MAC addresses are known by their colons; elsewhere they are only digits. */
  learn(text: string): void {
    for (const [mac] of text.matchAll(MAC)) this.mac(mac)
  }

  counts(): ReplacedCounts {
    const { mac, ipv4, ipv6, name, serial } = this.known
    return { mac: mac.size, ipv4: ipv4.size, ipv6: ipv6.size, name: name.size, serial: serial.size }
  }

  fileText(at: string, text: string): string {
    const addresses = HEX_FILES.filter(([file]) => file.test(at)).reduce(
      (result, [, address, order]) => result.replace(address, (digits) => this.hexAddress(digits, order)),
      text,
    )
    const isSpoken = /^proc\/(?:\d+\/)?cmdline$|^proc\/sys\/kernel\/\w*name$/.test(at)
    return isSpoken ? this.withNames(addresses) : this.near(at, addresses)
  }

  /** A name of a file, or what else belongs to one. What the kernel shows has words that a host may be named like. */
  near(at: string, text: string): string {
    return /^(?:later\/)?(?:sys|proc|ethtool|programs)\//.test(at) ? this.values(text) : this.withNames(text)
  }

  private withNames(text: string): string {
    const values = this.values(text)
    return this.names === undefined ? values : values.replace(this.names, (name) => this.name(name))
  }

  private values(text: string): string {
    const macs = text
      .replace(UUID, (uuid) => this.serial(uuid))
      .replace(MAC, (mac) => this.mac(mac))
      .replace(BARE_MAC, (digits) => this.bareMac(digits))
    const serials =
      this.serials === undefined ? macs : macs.replace(this.serials, (text) => this.serial(text))
    return serials
      .replace(IPV6, (address) => (isIPv6(address) ? this.ipv6(address) : address))
      .replace(IPV4, (address) => this.ipv4(address))
  }

  /** Vendor's bytes are kept. Addresses with the same beginning keep one, so that a glob still matches. */
  private mac(text: string): string {
    const pairs = text.toLowerCase().split(/[:-]/)
    if (pairs.length === 6 && (isAll(pairs, '00') || isAll(pairs, 'ff'))) return text
    const digits = pairs.join('')
    const other = pairs.map((pair, i) => (i < 3 ? pair : this.byte(pairs.slice(0, i).join(''), pair)))
    if (pairs.length === 6) this.known.mac.set(digits, other.join(''))
    const separator = text[2] as string
    const isUpper = /[A-F]/.test(text)
    return isUpper ? other.join(separator).toUpperCase() : other.join(separator)
  }

  private byte(beginning: string, pair: string): string {
    const known = this.bytes.get(beginning) ?? new Map<string, string>()
    this.bytes.set(beginning, known)
    const other = known.get(pair) ?? known.size.toString(16).padStart(2, '0')
    known.set(pair, other)
    return other
  }

  private bareMac(digits: string): string {
    return this.known.mac.get(digits.toLowerCase()) ?? digits
  }

  /** 198.18.0.0/15 is for tests (RFC 2544). Loopback, masks, multicast and the like tell nothing. */
  private ipv4(text: string): string {
    const parts = text.split('.').map(Number)
    const [first = 0] = parts
    if (parts.some((part) => part > 255) || first === 0 || first === 127 || first >= 224) return text
    return this.numbered('ipv4', text, (n) => `198.${18 + (n >> 16)}.${(n >> 8) & 255}.${n & 255}`)
  }

  private ipv6(text: string): string {
    const digits = digitsOfV6(text)
    const other = this.ipv6Digits(digits)
    return other === digits ? text : `2001:db8::${Number.parseInt(other.slice(-8), 16).toString(16)}`
  }

  /**
   * 2001:db8::/32 is for documentation (RFC 3849).
   * @param digits all 32 of them, lower case
   */
  private ipv6Digits(digits: string): string {
    // Unspecified, loopback, multicast.
    if (/^0{31}[01]$|^ff/.test(digits)) return digits
    return this.numbered('ipv6', digits, (n) => `20010db8${n.toString(16).padStart(24, '0')}`)
  }

  private hexAddress(digits: string, order: HexOrder): string {
    if (order === 'network') return this.ipv6Digits(digits)
    const words = (digits.match(/.{8}/g) ?? []).map(bytesSwapped)
    const [first = '', , third, last = ''] = words
    const toText = (all: readonly string[]) => all.map(bytesSwapped).join('').toUpperCase()
    if (words.length === 1) return toText([this.ipv4Digits(first)])
    const mapped = /^0{20}ffff/.test(words.join('').toLowerCase())
    if (mapped) return toText([first, first, third ?? '', this.ipv4Digits(last)])
    return toText(this.ipv6Digits(words.join('').toLowerCase()).match(/.{8}/g) ?? [])
  }

  /** @param digits 8, in network order */
  private ipv4Digits(digits: string): string {
    const bytes = [...Buffer.from(digits, 'hex')]
    return Buffer.from(this.ipv4(bytes.join('.')).split('.').map(Number)).toString('hex')
  }

  private serial(text: string): string {
    if (!/-/.test(text)) return this.numbered('serial', text, (n) => `SERIAL${n}`)
    return this.numbered(
      'serial',
      text.toLowerCase(),
      (n) => `00000000-0000-4000-8000-${n.toString(16).padStart(12, '0')}`,
    )
  }

  private name(text: string): string {
    const dot = text.indexOf('.')
    return this.numbered('name', text.toLowerCase(), (n) => `host${n}${dot === -1 ? '' : '.example'}`)
  }

  private numbered(kind: ReplacedKind, text: string, make: (n: number) => string): string {
    const known = this.known[kind]
    const other = known.get(text) ?? make(known.size + 1)
    known.set(text, other)
    return other
  }
}

function isAll(pairs: readonly string[], pair: string): boolean {
  return pairs.every((one) => one === pair)
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
}

function anyOf(patterns: readonly string[]): RegExp | undefined {
  return patterns.length === 0 ? undefined : new RegExp(`(?<!\\w)(?:${patterns.join('|')})(?!\\w)`, 'gi')
}
