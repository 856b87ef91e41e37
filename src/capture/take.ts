/** Takes a capture: runs what looks at a guest, keeps what it read, and replaces what is nobody else's business. */
import { messageOf } from '../errors'
import type { ObservedNic } from '../model'
import { observeGuest } from '../planner/observe'
import { readNicFacts } from '../report/nic-facts'
import { readSnapshot } from '../report/snapshot'
import { LATER, laterReading } from '../system/captured-tree'
import type { System } from '../system/system'
import type { TarEntry } from '../system/write-archive'
import { anonymised, type ReplacedCounts } from './anonymise'
import { readIdentity } from './identity'
import { NOTES_FILE, notesText, readNotes } from './notes'
import { type CapturedNodes, Recording, withoutStrangers } from './recording'
import { withoutSecrets } from './secrets'
import { readSurroundings } from './surroundings'

/** Something that only looks at the guest. */
export type Reader = (system: System) => Promise<unknown>

export interface CaptureOptions {
  /** By name, for messages. */
  readonly readers: Readonly<Record<string, Reader>>
  /** Waits between the two readings of the counters. Rejects when it is interrupted. */
  readonly wait: () => Promise<void>
  readonly keepsAddresses: boolean
}

export interface Capture {
  readonly entries: readonly TarEntry[]
  /** undefined: nothing was replaced, as asked, or because it was before. */
  readonly replaced: ReplacedCounts | undefined
  /** What existed and could not be read, with the reason, by path. */
  readonly unreadable: Readonly<Record<string, string>>
  /** Readers that failed, with the error: reason enough for a capture, not against it. */
  readonly failed: Readonly<Record<string, string>>
}

/** @throws what `wait` rejects with */
export async function takeCapture(system: System, options: CaptureOptions): Promise<Capture> {
  const recording = new Recording(system)
  const failed: Record<string, string> = {}
  const attempt = async <T>(name: string, read: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await read()
    } catch (error) {
      const { root } = system.paths
      failed[name] = root === '' ? messageOf(error) : messageOf(error).replaceAll(`${root}/`, '/')
      return undefined
    }
  }
  const counted = await attempt('report', () => readCounters(recording.system))
  for (const [name, read] of Object.entries(options.readers))
    await attempt(name, () => read(recording.system))
  await readSurroundings(system, recording.system, counted?.nics.map(({ name }) => name) ?? [])
  const nodes: CapturedNodes = new Map(withoutStrangers(recording.nodes))
  if (counted !== undefined) {
    const isRunning = system.paths.root === ''
    if (isRunning) await options.wait()
    const later = isRunning ? { system, afterMs: undefined } : laterReading(system)
    if (later !== undefined) await attempt('report', () => addLater(nodes, counted, later))
  }
  const journal = await readJournal(system)
  if (journal !== undefined) nodes.set(JOURNAL_FILE, { kind: 'file', text: journal })
  return finished(system, nodes, recording.unreadable, failed, options.keepsAddresses)
}

interface Counted {
  readonly nics: readonly ObservedNic[]
  readonly online: readonly number[]
  readonly atMs: number
}

async function readCounters(system: System): Promise<Counted> {
  const { nics, cpus } = await observeGuest(system, { effectiveAffinity: true })
  await readNicFacts(system, nics)
  const { atMs } = await readSnapshot(system, nics, cpus.online)
  return { nics, online: cpus.online, atMs }
}

/** Adds the second reading of the counters, as laterReading finds it. */
async function addLater(
  nodes: CapturedNodes,
  { nics, online, atMs }: Counted,
  { system, afterMs }: { readonly system: System; readonly afterMs: number | undefined },
): Promise<void> {
  const recording = new Recording(system)
  const snapshot = await readSnapshot(recording.system, nics, online)
  for (const [at, node] of recording.nodes) nodes.set(`${LATER}/${at}`, node)
  const text = `${afterMs ?? Math.round(snapshot.atMs - atMs)}\n`
  nodes.set(`${LATER}/after-ms`, { kind: 'file', text })
}

const JOURNAL_FILE = 'journal.txt'
const JOURNAL_UNITS = ['vqtune-boot.service', 'vqtuned.service', 'vqtune-reconcile.service']
/** The newest of this boot; more is rarely needed, and nobody would look through it before sending it. */
const JOURNAL_LINES = 5000

/** undefined: there is none, or no journalctl. */
async function readJournal(system: System): Promise<string | undefined> {
  if (system.paths.root !== '') return system.readText(`${system.paths.root}/${JOURNAL_FILE}`)
  if (system.findTool('journalctl') === undefined) return undefined
  const units = JOURNAL_UNITS.flatMap((unit) => ['-u', unit])
  const args = ['--no-pager', '--quiet', '-b', '-o', 'short-iso', '-n', String(JOURNAL_LINES), ...units]
  return system.run('journalctl', args, { timeoutMs: 30_000 }).then(
    ({ code, stdout }) => (code === 0 && stdout !== '' ? stdout : undefined),
    () => undefined,
  )
}

function finished(
  system: System,
  read: CapturedNodes,
  unreadable: ReadonlyMap<string, string>,
  failed: Readonly<Record<string, string>>,
  keepsAddresses: boolean,
): Capture {
  const earlier = readNotes(system)
  const refused = Object.fromEntries([...unreadable].map(([at, why]) => [`/${at}`, why]))
  const isToReplace = !keepsAddresses && !earlier.replaced
  const notes = {
    ...earlier,
    replaced: earlier.replaced || isToReplace,
    unreadable: { ...earlier.unreadable, ...refused },
    failed: { ...earlier.failed, ...failed },
  }
  const nodes = new Map([
    ...withoutSecrets(read),
    [NOTES_FILE, { kind: 'file', text: notesText(notes) }],
  ] as const)
  const { nodes: kept, counts } = isToReplace
    ? anonymised(nodes, readIdentity(system))
    : { nodes, counts: undefined }
  const isKept = ([at]: readonly [string, unknown]) => at !== ''
  return {
    entries: [...kept].filter(isKept).map(([path, node]) => ({ path, node })),
    replaced: counts,
    unreadable: refused,
    failed,
  }
}
