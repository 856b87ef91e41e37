/** Long text on a terminal. PAGER of the caller is not used: a root agent must not run what a user put there. */
import { startChild } from './child'
import { CHILD_ENV, openSystem } from './system'

/**
 * Shows the text a page at a time with less, without its ways to run programs; prints it where it fits the terminal, or where
 * less is not installed or cannot be started. A person reads: there is no time limit.
 * @param text with no control characters but colours
 */
export async function showInPages(text: string, print: (text: string) => void): Promise<void> {
  const less = openSystem().findTool('less')
  const { rows = 24, columns = 80 } = process.stdout
  if (less === undefined || heightOf(text, columns) < rows) return print(text)
  // Ctrl-C is less's: it ends a search there.
  const ignore = (): void => {}
  process.on('SIGINT', ignore)
  try {
    const { process: child, ended } = startChild(less, ['--RAW-CONTROL-CHARS', '--no-init'], {
      env: { ...CHILD_ENV, ...ENV, TERM: process.env.TERM ?? 'dumb' },
      stdio: ['pipe', 'inherit', 'inherit'],
    })
    // Left before it has read all.
    child.stdin?.on('error', ignore)
    child.stdin?.end(text)
    await ended
  } catch {
    print(text)
  } finally {
    process.off('SIGINT', ignore)
  }
}

const ENV = { LESSSECURE: '1', LESSHISTFILE: '-', LESSCHARSET: 'utf-8' } as const

/** Rows that it takes; colours count as if they took room, so that a text that is near the limit is paged. */
function heightOf(text: string, columns: number): number {
  return text.split('\n').reduce((rows, line) => rows + Math.max(1, Math.ceil(line.length / columns)), 0)
}
