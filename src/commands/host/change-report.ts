/** What a host verb changed or would change: the same for people and, with --json, for programs. */
import type { CommandContext } from '../command'

export type ChangeVerb = 'set-queues' | 'max-files' | 'zerocopy on' | 'zerocopy off' | 'undo'

export interface ChangeReport {
  readonly verb: ChangeVerb
  /** The file, or the guest whose configuration it is. */
  readonly target: string
  /** False: a dry run, or nothing was to be changed. */
  readonly applied: boolean
  /** Unified diff; '' when nothing differs. Passwords are hidden. */
  readonly diff: string
  /** Names the record for an undo; undefined when nothing was changed. */
  readonly backup: string | undefined
  /** Before the diff: what is left alone, what to beware of. */
  readonly notes: readonly string[]
  /** After the diff: what came of it, what is left to do. */
  readonly next: readonly string[]
}

export async function reportChange(context: CommandContext, report: ChangeReport): Promise<void> {
  if (context.options.json === true) {
    const { printJson } = await import('../../output/json')
    context.out(printJson({ ...report, backup: report.backup ?? null }))
    return
  }
  const lines = (texts: readonly string[]): string => texts.map((text) => `${text}\n`).join('')
  context.out(`${lines(report.notes)}${report.diff}${lines(report.next)}`)
}

export function isJson(context: CommandContext): boolean {
  return context.options.json === true
}
