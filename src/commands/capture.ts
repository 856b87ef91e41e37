/** `vqtune capture FILE`: this guest as an archive that `--root` opens on another machine. Changes nothing in the guest. */
import { closeSync, constants, openSync, unlinkSync, writeSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { REPLACED_KINDS, type ReplacedCounts } from '../capture/anonymise'
import { type Capture, type Reader, takeCapture } from '../capture/take'
import { EXIT, errnoOf, fileErrorInWords, VqtuneError } from '../errors'
import { printJson } from '../output/json'
import { parseArchive } from '../system/archive'
import { type System, tracedWrite } from '../system/system'
import { packArchive } from '../system/write-archive'
import { renderTable } from '../text/table'
import type { CommandContext } from './command'
import { numberOption } from './number-option'
import { READERS } from './readers'

export async function run(context: CommandContext): Promise<number> {
  const { system, options, signal } = context
  const file = context.positionals[0] ?? ''
  const windowSeconds = numberOption(options, 'window', 10, 1, 3600)
  if (context.configFile !== undefined) {
    throw new VqtuneError('usage', 'capture: --config: the installed configuration is captured, no other')
  }
  const descriptor = create(file)
  let isDone = false
  try {
    const capture = await takeCapture(system, {
      readers: readers(context),
      keepsAddresses: options['keep-addresses'] === true,
      wait: () => wait(windowSeconds, signal),
    })
    const packed = packArchive(capture.entries)
    // What cannot be opened must not be sent.
    parseArchive(file, packed)
    write(system, file, descriptor, packed)
    isDone = true
    context.out(
      options.json === true ? captureJson(file, packed, capture) : captureText(file, packed, capture),
    )
    return EXIT.converged
  } finally {
    closeSync(descriptor)
    if (!isDone) unlinkSync(file)
  }
}

/** A new file for its owner alone: what is in it is for one reader, and what is there already may be the only copy. */
function create(file: string): number {
  try {
    return openSync(file, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600)
  } catch (cause) {
    if (errnoOf(cause) === 'EEXIST') {
      throw new VqtuneError('usage', `${file}: exists already, and is not overwritten`, { cause })
    }
    throw fileErrorInWords(cause, file, 'cannot write')
  }
}

function write(system: System, file: string, descriptor: number, packed: Buffer): void {
  try {
    tracedWrite(system, 'replace', file, undefined, () => {
      for (let at = 0; at < packed.length; ) at += writeSync(descriptor, packed, at)
    })
  } catch (cause) {
    throw fileErrorInWords(cause, file, 'cannot write')
  }
}

/** The commands that look at a guest, on a system that remembers what they read. What they print is not needed. */
function readers(context: CommandContext): Readonly<Record<string, Reader>> {
  return Object.fromEntries(
    Object.entries(READERS).map(([name, load]): [string, Reader] => [
      name,
      async (system) => {
        const command = await load()
        const quiet = { out: () => {}, warn: () => {}, color: false }
        await command.run({ ...context, ...quiet, system, positionals: [], options: {} })
      },
    ]),
  )
}

/** @throws VqtuneError after a signal */
async function wait(seconds: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(seconds * 1000, undefined, { signal })
  } catch (cause) {
    throw new VqtuneError('not-converged', 'capture: interrupted', { cause })
  }
}

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

function captureText(file: string, packed: Buffer, capture: Capture): string {
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

function captureJson(file: string, packed: Buffer, capture: Capture): string {
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
