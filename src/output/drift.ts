/** The output of `vqtune drift`. Pure. */
import { toldByAudit } from '../drift/audit-log'
import { isSettingDrift } from '../drift/classify'
import type { DriftRecord } from '../drift/history'
import { operand } from '../text/escape'
import { renderTable } from '../text/table'

/** The table, and below it how to find out who it was where that is unknown. */
export function driftText(records: readonly DriftRecord[]): string {
  const unknown = records.find(
    ({ writer, kind, nic }) => writer === 'unknown' && nic !== null && isSettingDrift(kind),
  )
  if (unknown === undefined) return driftTable(records)
  const next = `vqtune explain ${operand(unknown.nic ?? '')} lists what may have written it, and what can record it the next time`
  return `${driftTable(records)}\nunknown: ${next}\n`
}

function driftTable(records: readonly DriftRecord[]): string {
  return renderTable(
    ['TIME', 'NIC', 'DRIFT', 'OLD', 'NEW', 'WRITER', 'ACTION'],
    records.map((record) => [
      localTime(Date.parse(record.at)),
      record.nic ?? '-',
      record.kind,
      shortened(record.old),
      shortened(record.new),
      writerCell(record),
      record.why === '' ? record.action : `${record.action}: ${record.why}`,
    ]),
  )
}

/** With the user who ran it, if auditd recorded that. */
function writerCell({ writer, evidence }: DriftRecord): string {
  const who = toldByAudit(evidence)?.who
  return who === undefined ? writer : `${writer} (${who})`
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
