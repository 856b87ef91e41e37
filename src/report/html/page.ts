/** The report as one self-contained page: no script, no external font or image. Pure. */
import type { Direction, NicLoad, Report } from '../compare'
import type { Conclusion } from '../conclusions'
import type { Condition } from '../conditions'
import type { Inventory } from '../inventory'
import type { JudgedNic } from '../judged'
import { describeSize } from '../size'
import { barChart, legend } from './bars'
import { escapeHtml } from './escape'
import { queueMap } from './map'
import { STYLE } from './style'

export function reportPage(
  report: Report,
  nics: readonly JudgedNic[],
  inventory: Inventory | undefined,
  /** ISO 8601. */
  at: string,
): string {
  const machine =
    inventory === undefined
      ? ''
      : `<p class="soft">${escapeHtml(`${inventory.machine}; ${inventory.cpu}`)}</p>`
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>vqtune report</title><style>${STYLE}</style></head><body><main>
<h1>vqtune report</h1>
<p class="soft">${escapeHtml(at)}, over ${report.seconds.toFixed(1)} s</p>${machine}
${nics.map((nic) => nicSection(report, nic)).join('\n')}
<section><h2>vCPUs</h2>${cpuChart(report)}</section>
<section><h2>Connections of this guest, all NICs</h2>${guestFacts(report)}</section>
</main></body></html>
`
}

function nicSection(report: Report, nic: JudgedNic): string {
  const bars = nic.queues.map((queue) => ({
    label: `queue ${queue.queue}`,
    parts: [
      { value: queue.rxInterrupts, kind: 'rx' },
      { value: queue.txInterrupts, kind: 'tx' },
    ],
    note: queueNote(queue),
  }))
  return `<section><h2>${escapeHtml(nic.name)}: ${nic.channels} ${nic.channels === 1 ? 'channel' : 'channels'}</h2>
<div class="tiles">${directionTile('incoming', nic.rx, report.seconds)}${directionTile('outgoing', nic.tx, report.seconds)}${spreadTile(nic)}</div>
${nic.conclusions.length === 0 ? '' : `<h3>What would help</h3>\n<ol class="conclusions">${nic.conclusions.map(conclusionItem).join('')}</ol>\n`}<h3>Does multi-queue suit this traffic?</h3>
<ul class="conditions">${nic.conditions.map(conditionItem).join('')}</ul>
<h3>Interrupts by queue</h3>${barChart(`interrupts of ${nic.name}`, bars)}
${legend([
  ['rx', 'receive'],
  ['tx', 'transmit'],
])}
<h3>Interrupts by queue and vCPU</h3>${queueMap(
    nic.queues,
    report.cpus.map(({ cpu }) => cpu),
  )}</section>`
}

function directionTile(name: 'incoming' | 'outgoing', direction: Direction, seconds: number): string {
  const { packets, bytes } = direction
  const size = describeSize(direction, name === 'outgoing' ? 'TSO' : 'GRO')
  return `<div class="tile"><span>${name}</span><strong>${((bytes * 8) / 1e6 / seconds).toFixed(2)} Mb/s</strong><span>${(packets / seconds).toFixed(0)} packets/s, ${size}</span></div>`
}

function spreadTile({ evenness, evennessOf, channels }: NicLoad): string {
  const index = evenness === undefined ? 'none' : evenness.toFixed(2)
  const meaning =
    evenness === undefined
      ? 'no traffic'
      : `Jain's index over ${evennessOf}: 1 is even, ${(1 / channels).toFixed(2)} is a single busy queue`
  return `<div class="tile"><span>spread over the queues</span><strong>${index}</strong><span>${escapeHtml(meaning)}</span></div>`
}

function queueNote({ rxPackets, txPackets, rxInterrupts, txInterrupts }: NicLoad['queues'][number]): string {
  if (rxInterrupts + txInterrupts === 0) return 'idle'
  const packets = rxPackets === undefined ? '' : `; packets ${rxPackets} in, ${txPackets ?? 0} out`
  return `${rxInterrupts} receive, ${txInterrupts} transmit${packets}`
}

function conclusionItem({ text, evidence, next }: Conclusion): string {
  return `<li><strong>${escapeHtml(text)}</strong><br><span class="why">${escapeHtml(evidence)}</span><br><span>${escapeHtml(next)}</span></li>`
}

function conditionItem({ title, answer, favours, why }: Condition): string {
  const side = favours === undefined ? 'open' : favours ? 'for' : 'against'
  return `<li><span class="badge ${side}">${answer}</span><span>${escapeHtml(title)}</span><span class="why">${escapeHtml(why)}</span></li>`
}

function cpuChart(report: Report): string {
  const bars = report.cpus.map(({ cpu, busy, softirq, softirqSeconds, stolen, squeezed, dropped }) => ({
    label: `CPU ${cpu}`,
    parts: [
      { value: Math.max(0, busy - softirq), kind: 'busy' },
      { value: softirq, kind: 'softirq' },
      { value: stolen, kind: 'stolen' },
    ],
    note: `${(busy * 100).toFixed(0)} % busy, softirq ${softirqSeconds.toFixed(2)} s, squeezed ${squeezed}${dropped > 0 ? `, dropped ${dropped}` : ''}`,
  }))
  return `${barChart('load of the vCPUs', bars, 1)}${legend([
    ['busy', 'busy'],
    ['softirq', 'of that softirq'],
    ['stolen', 'stolen by the host'],
  ])}`
}

function guestFacts({ flows, tcp }: Report): string {
  const rows = [
    ['connected TCP and UDP sockets', String(flows.sockets)],
    ...(flows.tracked === undefined ? [] : [['tracked connections', String(flows.tracked)]]),
    ...(tcp === undefined
      ? []
      : [
          ['TCP segments sent', String(tcp.sent)],
          ['TCP segments retransmitted', String(tcp.retransmitted)],
        ]),
  ]
  return `<dl class="facts">${rows.map(([name = '', value = '']) => `<dt>${name}</dt><dd>${value}</dd>`).join('')}</dl>`
}
