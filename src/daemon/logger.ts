/** The daemon's log: pino, one JSON object a line; in the journal with a priority and without what the journal adds. */
import { fstatSync } from 'node:fs'
import pino, { type Logger } from 'pino'
import type { LogLevel } from '../config/settings'
import { OutputStream } from '../system/standard-streams'
import { escapeControl } from '../text/escape'
import { isJournal, journalLine } from './journal'

export type { Logger }

/** Of a terminal or a pipe that takes nothing. */
const MAX_WAITING_BYTES = 1024 * 1024

/** @param fd where to; 1 is what a unit connects to the journal */
export function createLogger(level: LogLevel, fd = 1): Logger {
  // Synchronous: what was logged before a crash is there. No transport: its worker would be a file beside the bundle. Not
  // pino's own destination: the daemon would end with a disk that is full, or keep for it all that it did not take.
  const sink = new OutputStream(fd, MAX_WAITING_BYTES)
  const named = { level: (label: string) => ({ level: label }) }
  const inJournal = isJournal(process.env.JOURNAL_STREAM, fstatSync(fd))
  const lines = {
    // pino's own way of telling a stream the level of the line that it gets.
    [Symbol.for('pino.metadata')]: true,
    lastLevel: 30,
    write(line: string) {
      // JSON escapes only some of the characters that a terminal obeys.
      const text = escapeControl(line)
      sink.write(inJournal ? journalLine(this.lastLevel, text) : text)
    },
  }
  const timestamp = inJournal ? false : pino.stdTimeFunctions.isoTime
  return pino({ level, base: null, timestamp, formatters: named }, lines)
}
