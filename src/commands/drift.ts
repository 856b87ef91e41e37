/** `vqtune drift`: the drift history: what changed, which writer changed it, and what was done about it. */
import { historyPath, parseSince, readHistory } from '../drift/history'
import { EXIT, VqtuneError } from '../errors'
import { printJson } from '../output/json'
import { plural } from '../text/plural'
import { renderTable } from '../text/table'
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
    context.out(
      renderTable(
        ['TIME', 'NIC', 'DRIFT', 'OLD', 'NEW', 'WRITER', 'ACTION'],
        chosen.map((record) => [
          localTime(Date.parse(record.at)),
          record.nic ?? '-',
          record.kind,
          shortened(record.old),
          shortened(record.new),
          record.writer,
          record.why === '' ? record.action : `${record.action}: ${record.why}`,
        ]),
      ),
    )
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

/** `2026-03-01 10:00:59`, in the zone of the guest. */
function localTime(at: number): string {
  const date = new Date(at)
  const two = (value: number): string => String(value).padStart(2, '0')
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`
}

const CELL_WIDTH = 48

/** The values of 64 queues do not fit a terminal; --json has them all. */
function shortened(text: string): string {
  return text.length <= CELL_WIDTH ? text : `${text.slice(0, CELL_WIDTH - 3)}...`
}
