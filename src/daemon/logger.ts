/**
 * The daemon's log: pino. Text lines, or JSON objects for log shippers; in the journal with a priority and without what the
 * journal adds.
 */
import { fstatSync } from 'node:fs'
import pino, { type Logger } from 'pino'
import type { DaemonSettings } from '../config/settings'
import { OutputStream } from '../system/standard-streams'
import { escapeControl, escapeToOneLine } from '../text/escape'
import { isJournal, journalLine } from './journal'

export type { Logger }

type LogSettings = Pick<DaemonSettings, 'logLevel' | 'logFormat'>

export interface DaemonLogger {
  readonly log: Logger
  /** The configuration was reloaded. */
  configure(settings: LogSettings): void
}

/** Of a terminal or a pipe that takes nothing. */
const MAX_WAITING_BYTES = 1024 * 1024

/**
 * @param verbose logs everything, regardless of the configured level
 * @param fd the output; systemd connects 1 to the journal
 */
export function createLogger(settings: LogSettings, verbose = false, fd = 1): DaemonLogger {
  // Synchronous, so nothing is lost in a crash. No transport: its worker would be a separate file beside the bundle. Not
  // pino's own destination: with it the daemon would end on a full disk, or keep everything that could not be written.
  const sink = new OutputStream(fd, MAX_WAITING_BYTES)
  const named = { level: (label: string) => ({ level: label }) }
  const inJournal = isJournal(process.env.JOURNAL_STREAM, fstatSync(fd))
  const lines = {
    format: settings.logFormat,
    // pino sets these fields of the stream to the level and message of the line.
    [Symbol.for('pino.metadata')]: true,
    lastLevel: 30,
    lastMsg: '',
    write(line: string) {
      const text =
        this.format === 'json'
          ? escapeControl(line)
          : `${textLine(this.lastLevel, this.lastMsg, inJournal)}\n`
      sink.write(inJournal ? journalLine(this.lastLevel, text) : text)
    },
  }
  const levelOf = ({ logLevel }: LogSettings) => (verbose ? 'debug' : logLevel)
  const timestamp = inJournal ? false : pino.stdTimeFunctions.isoTime
  const log = pino({ level: levelOf(settings), base: null, timestamp, formatters: named }, lines)
  return {
    log,
    configure(next) {
      lines.format = next.logFormat
      log.level = levelOf(next)
    },
  }
}

/** One line, even for a stack trace; names and errors cannot forge a second one. */
function textLine(level: number, message: string, inJournal: boolean): string {
  const text = escapeToOneLine(message.replaceAll(/\s*\n\s*/g, ' '))
  return inJournal ? text : `${new Date().toISOString()} ${pino.levels.labels[level]}: ${text}`
}
