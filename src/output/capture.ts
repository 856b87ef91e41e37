/** The output of `vqtune capture`. Pure. */
import { REPLACED_KINDS, type ReplacedCounts } from '../capture/anonymise'
import type { Capture } from '../capture/take'
import { renderTable } from '../text/table'
import { printJson } from './json'

/** What the parts of a capture are, by the beginning of the path; the first that fits. */
const PARTS: readonly (readonly [beginning: string, what: string])[] = [
  ['sys/', 'NICs, queues, vCPUs, DMI'],
  ['proc/', 'interrupts, counters, other writers that run'],
  ['later/', 'the counters again, for report'],
  ['ethtool/', 'output of ethtool and ip'],
  ['programs/', 'output of other programs'],
  ['etc/vqtune/', 'configuration'],
  ['usr/lib/vqtune/', 'configuration of the vendor'],
  ['run/vqtune/', 'ledger and state of the daemon'],
  ['var/lib/vqtune/', 'drift history'],
  ['journal.txt', 'journal of vqtune, this boot'],
  ['capture.json', 'when, and what could not be read'],
  ['', 'configuration of other writers, distribution'],
]

interface Part {
  readonly path: string
  readonly what: string
  readonly files: number
  readonly bytes: number
}

function partsOf({ entries }: Capture): readonly Part[] {
  const files = entries.flatMap(({ path, node }) =>
    node.kind === 'file' ? [{ path, bytes: Buffer.byteLength(node.text) }] : [],
  )
  const partOf = (path: string) => PARTS.findIndex(([beginning]) => path.startsWith(beginning))
  return PARTS.flatMap(([beginning, what], index): Part[] => {
    const own = files.filter(({ path }) => partOf(path) === index)
    const bytes = own.reduce((sum, one) => sum + one.bytes, 0)
    const path = beginning === '' ? 'other' : beginning
    return own.length === 0 ? [] : [{ path, what, files: own.length, bytes }]
  })
}

const NOUNS: Readonly<Record<keyof ReplacedCounts, readonly [one: string, many: string]>> = {
  mac: ['MAC address', 'MAC addresses'],
  ipv4: ['IPv4 address', 'IPv4 addresses'],
  ipv6: ['IPv6 address', 'IPv6 addresses'],
  name: ['host name', 'host names'],
  serial: ['serial number or UUID', 'serial numbers or UUIDs'],
}

export function captureText(file: string, packed: Buffer, capture: Capture): string {
  const rows = partsOf(capture).map(({ path, files, bytes, what }) => [path, String(files), kib(bytes), what])
  const { unreadable, failed } = capture
  const missing = [
    ...Object.entries(unreadable).map(([path, why]) => `not readable: ${path} (${why})`),
    ...Object.entries(failed).map(([name, why]) => `${name} failed: ${why}`),
  ]
  return [
    renderTable(['PART', 'FILES', 'KIB', 'WHAT'], rows),
    ...[...missing, replacedLine(capture.replaced)].map((line) => `${line}\n`),
    `${file}: ${kib(packed.length)} KiB; list it with tar -tzf, look at it with vqtune status --root\n`,
  ].join('')
}

function replacedLine(replaced: ReplacedCounts | undefined): string {
  if (replaced === undefined) return 'addresses, names and serial numbers are as they were read'
  const parts = REPLACED_KINDS.filter((kind) => replaced[kind] > 0).map(
    (kind) => `${replaced[kind]} ${NOUNS[kind][replaced[kind] === 1 ? 0 : 1]}`,
  )
  return `replaced: ${parts.length === 0 ? 'nothing' : parts.join(', ')}`
}

function kib(bytes: number): string {
  return String(Math.ceil(bytes / 1024))
}

export function captureJson(file: string, packed: Buffer, capture: Capture): string {
  const list = (record: Readonly<Record<string, string>>, key: string) =>
    Object.entries(record).map(([name, why]) => ({ [key]: name, why }))
  return printJson({
    file,
    bytes: packed.length,
    parts: partsOf(capture),
    replaced: capture.replaced ?? null,
    unreadable: list(capture.unreadable, 'path'),
    failed: list(capture.failed, 'command'),
  })
}
