/** Priorities of journal lines; see sd-daemon(3). Pure. */

/** pino's level numbers to syslog priorities. Notices should be noticed without searching for them. */
export function priorityOf(level: number): number {
  if (level >= 60) return 2
  if (level >= 50) return 3
  if (level >= 40) return 4
  if (level >= 30) return 6
  return 7
}

/** `<4>{"msg":...}`: the journal takes the priority from the prefix and drops it. */
export function journalLine(level: number, line: string): string {
  return `<${priorityOf(level)}>${line}`
}

/**
 * True if a stream is connected to the journal: systemd passes the device and inode of the stream that it created.
 * @param journalStream JOURNAL_STREAM from the environment
 */
export function isJournal(
  journalStream: string | undefined,
  stream: { readonly dev: number; readonly ino: number },
): boolean {
  return journalStream === `${stream.dev}:${stream.ino}`
}
