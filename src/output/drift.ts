/** The output of `vqtune drift`. Pure. */
import type { DriftRecord } from '../drift/history'
import { renderTable } from '../text/table'

export function driftTable(records: readonly DriftRecord[]): string {
  return renderTable(
    ['TIME', 'NIC', 'DRIFT', 'OLD', 'NEW', 'WRITER', 'ACTION'],
    records.map((record) => [
      localTime(Date.parse(record.at)),
      record.nic ?? '-',
      record.kind,
      shortened(record.old),
      shortened(record.new),
      record.writer,
      record.why === '' ? record.action : `${record.action}: ${record.why}`,
    ]),
  )
}

/** `2026-03-01 10:00:59`, in the zone of the guest. */
export function localTime(at: number): string {
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
