/** Repeats a command that shows something, until interrupted. */
import { setTimeout as sleep } from 'node:timers/promises'
import { EXIT } from '../errors'
import type { CommandContext } from './command'

const HOME = '\x1b[H'
const CLEAR_LINE = '\x1b[K'
const CLEAR_BELOW = '\x1b[J'

/**
 * On a terminal each look takes the place of the one before; elsewhere they follow each other, each with its time.
 * @throws whatever the first look throws; later ones that fail are told, and the next may do better
 */
export async function watch(
  context: CommandContext,
  seconds: number,
  show: (context: CommandContext) => Promise<number>,
): Promise<number> {
  const isTerminal = process.stdout.isTTY === true
  for (let isFirst = true; ; isFirst = false) {
    const text: string[] = []
    const add = (more: string): void => {
      text.push(more)
    }
    try {
      await show({ ...context, out: add, warn: (line) => add(`vqtune: ${line}\n`) })
    } catch (error) {
      if (isFirst || !(error instanceof Error)) throw error
      add(`vqtune: ${error.message}\n`)
    }
    if (context.signal.aborted) return EXIT.converged
    const frame = `every ${seconds} s, ${new Date().toISOString()}\n\n${text.join('')}`
    context.out(isTerminal ? overwriting(frame) : `${isFirst ? '' : '\n'}${frame}`)
    await sleep(seconds * 1000, undefined, { signal: context.signal }).catch(() => {})
    if (context.signal.aborted) return EXIT.converged
  }
}

/** Line by line, since a cleared screen flickers. */
function overwriting(frame: string): string {
  return `${HOME}${frame.replaceAll('\n', `${CLEAR_LINE}\n`)}${CLEAR_BELOW}`
}
