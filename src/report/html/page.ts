/** The report as one page that needs nothing else: no script, no font, no image from elsewhere. Pure. */
import type { NicLoad, Report } from '../compare'
import type { Condition } from '../conditions'
import type { Inventory } from '../inventory'
import { barChart } from './bars'
import { escapeHtml } from './escape'

const STYLE = `
:root{color-scheme:light dark;--ink:#1b1f24;--paper:#fff;--soft:#6b7280;--track:#e5e7eb;--a:#2563eb;--b:#f59e0b;--c:#dc2626}
@media (prefers-color-scheme:dark){:root{--ink:#e5e7eb;--paper:#111827;--soft:#9ca3af;--track:#374151}}
body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:900px;margin:2em auto;padding:0 1em}
h1{font-size:1.4em}h2{font-size:1.15em;margin-top:2em}h3{font-size:1em;margin-bottom:.3em}
table{border-collapse:collapse}td,th{text-align:left;padding:.2em 1em .2em 0;vertical-align:top}
svg{max-width:100%;height:auto}text{font:13px system-ui,sans-serif;fill:var(--ink)}text.note{fill:var(--soft)}
.track{fill:var(--track)}.rx,.busy{fill:var(--a)}.tx,.softirq{fill:var(--b)}.stolen{fill:var(--c)}
.key{color:var(--soft)}.for{color:#15803d}.against{color:#b45309}.open{color:var(--soft)}
`

export function reportPage(
  report: Report,
  conditions: ReadonlyMap<string, readonly Condition[]>,
  inventory: Inventory | undefined,
  /** ISO 8601. */
  at: string,
): string {
  const machine =
    inventory === undefined ? '' : `<p>${escapeHtml(`${inventory.machine}; ${inventory.cpu}`)}</p>`
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>vqtune report</title><style>${STYLE}</style></head><body>
<h1>vqtune report</h1>
<p>${escapeHtml(at)}, over ${report.seconds.toFixed(1)} s</p>${machine}
${report.nics.map((nic) => nicSection(report, nic, conditions.get(nic.name) ?? [])).join('\n')}
<h2>vCPUs</h2>${cpuChart(report)}
<p class="key">blue: busy, amber: of that softirq, red: stolen by the host</p>
${guestTable(report)}
</body></html>
`
}

function nicSection(report: Report, nic: NicLoad, conditions: readonly Condition[]): string {
  const rate = (bytes: number): string => ((bytes * 8) / 1e6 / report.seconds).toFixed(2)
  const row = (name: string, { packets, bytes, meanBytes }: NicLoad['rx']): string =>
    `<tr><th>${name}</th><td>${rate(bytes)} Mb/s</td><td>${packets} packets</td><td>${meanBytes === undefined ? 'none' : `${meanBytes.toFixed(0)} bytes each`}</td></tr>`
  const bars = nic.queues.map((queue) => ({
    label: `queue ${queue.queue}`,
    parts: [
      { value: queue.rxInterrupts, kind: 'rx' },
      { value: queue.txInterrupts, kind: 'tx' },
    ],
    note: queue.byCpu.map(({ cpu, interrupts }) => `CPU ${cpu}: ${interrupts}`).join(', ') || 'idle',
  }))
  const even =
    nic.evenness === undefined
      ? 'nothing arrived'
      : `Jain's index ${nic.evenness.toFixed(2)} over ${nic.evennessOf}`
  return `<h2>${escapeHtml(nic.name)}: ${nic.channels} channels</h2>
<table>${row('incoming', nic.rx)}${row('outgoing', nic.tx)}</table>
<h3>Interrupts of each queue, and the vCPU that took them</h3>${barChart(`interrupts of ${nic.name}`, bars)}
<p class="key">blue: receive, amber: transmit; ${escapeHtml(even)}</p>
<table>${conditions.map(conditionRow).join('')}</table>`
}

function conditionRow({ title, answer, favours, why }: Condition): string {
  const side = favours === undefined ? 'open' : favours ? 'for' : 'against'
  return `<tr><th>${escapeHtml(title)}</th><td class="${side}">${answer}</td><td>${escapeHtml(why)}</td></tr>`
}

function cpuChart(report: Report): string {
  const bars = report.cpus.map(({ cpu, busy, softirq, stolen, squeezed }) => ({
    label: `CPU ${cpu}`,
    parts: [
      { value: Math.max(0, busy - softirq), kind: 'busy' },
      { value: softirq, kind: 'softirq' },
      { value: stolen, kind: 'stolen' },
    ],
    note: `${(busy * 100).toFixed(0)} % busy, squeezed ${squeezed}`,
  }))
  return barChart('load of the vCPUs', bars, 1)
}

function guestTable({ flows, tcp }: Report): string {
  const rows = [
    ['connected TCP and UDP sockets, all NICs', String(flows.sockets)],
    ...(flows.tracked === undefined ? [] : [['tracked connections', String(flows.tracked)]]),
    ...(tcp === undefined ? [] : [['TCP segments sent, and again', `${tcp.sent}, ${tcp.retransmitted}`]]),
  ]
  return `<table>${rows.map(([name = '', value = '']) => `<tr><th>${name}</th><td>${value}</td></tr>`).join('')}</table>`
}
