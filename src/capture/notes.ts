/** capture.json: what a captured guest says about itself. */
import type { System } from '../system/system'
import { VERSION } from '../version'

export interface CaptureNotes {
  readonly description: string
  /** ISO 8601 time, and the version that made it; absent in captures that were made otherwise. */
  readonly at?: string
  readonly vqtune?: string
  /** Addresses, names and serial numbers are not the guest's own. */
  readonly replaced: boolean
  /** What existed and could not be read, with the reason, by path. */
  readonly unreadable: Readonly<Record<string, string>>
  /** Commands that failed on the guest, with the error. */
  readonly failed: Readonly<Record<string, string>>
}

export const NOTES_FILE = 'capture.json'

/** Of a captured guest, those that it has; of the running one, new ones. */
export function readNotes(system: System): CaptureNotes {
  const isRunning = system.paths.root === ''
  const made = isRunning ? { at: new Date().toISOString(), vqtune: VERSION } : {}
  const nothing = { description: 'vqtune capture', ...made, replaced: false, unreadable: {}, failed: {} }
  return isRunning ? nothing : { ...nothing, ...earlierNotes(system) }
}

/** What the file has of the right type; it may be anybody's. */
function earlierNotes(system: System): Partial<CaptureNotes> {
  const notes = parsed(system.readText(`${system.paths.root}/${NOTES_FILE}`) ?? '')
  const { description, at, vqtune, replaced, unreadable, failed } = notes
  return {
    ...(typeof description === 'string' ? { description } : {}),
    ...(typeof at === 'string' ? { at } : {}),
    ...(typeof vqtune === 'string' ? { vqtune } : {}),
    replaced: replaced === true,
    unreadable: texts(unreadable),
    failed: texts(failed),
  }
}

function parsed(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}

function texts(value: unknown): Readonly<Record<string, string>> {
  if (typeof value !== 'object' || value === null) return {}
  return Object.fromEntries(
    Object.entries(value).filter((pair): pair is [string, string] => typeof pair[1] === 'string'),
  )
}

/** In an order that does not depend on that of the readings. */
export function notesText(notes: CaptureNotes): string {
  const sorted = (record: Readonly<Record<string, string>>) =>
    Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)))
  const { description, at, vqtune, replaced, unreadable, failed } = notes
  const ordered = {
    description,
    at,
    vqtune,
    replaced,
    unreadable: sorted(unreadable),
    failed: sorted(failed),
  }
  return `${JSON.stringify(ordered, undefined, 2)}\n`
}
