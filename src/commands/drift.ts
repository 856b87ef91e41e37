/** `vqtune drift`: the drift history: what changed, which writer changed it, and what was done about it. */

import { historyPath, parseSince, readHistory } from '../drift/history'
import { EXIT, VqtuneError } from '../errors'
import { driftText, localTime } from '../output/drift'
import { printJson } from '../output/json'
import { plural } from '../text/plural'
import type { CommandContext } from './command'

export function run(context: CommandContext): number {
  const since = sinceOption(context)
  const { records, damaged } = readHistory(context.system)
  const chosen = records.filter(({ at }) => since === undefined || Date.parse(at) >= since)
  if (damaged > 0) {
    context.warn(`${historyPath(context.system)}: ${plural(damaged, 'damaged line')} skipped`)
  }
  if (context.options.json === true) {
    context.out(printJson({ drift: chosen }))
  } else if (chosen.length === 0) {
    context.out(since === undefined ? 'no drift recorded\n' : `no drift recorded since ${localTime(since)}\n`)
  } else {
    context.out(driftText(chosen))
  }
  return EXIT.converged
}

function sinceOption({ options }: CommandContext): number | undefined {
  if (typeof options.since !== 'string') return undefined
  const since = parseSince(options.since, Date.now())
  if (since === undefined) {
    throw new VqtuneError(
      'usage',
      `drift: --since ${options.since}: not a time; expected 2026-03-01, 2026-03-01T10:00, or 90m, 24h, 7d`,
    )
  }
  return since
}
