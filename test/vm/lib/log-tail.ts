import { readFileSync } from 'node:fs'

/** The last 40 lines of a log; nothing where it is not there yet. */
export function logTail(path: string): string {
  try {
    return readFileSync(path, 'utf8').split('\n').slice(-40).join('\n')
  } catch {
    return ''
  }
}
