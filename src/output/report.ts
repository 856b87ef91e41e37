/** The report for a terminal: numbers, verdicts, and load bars of queues and vCPUs. Pure. */

import { formatCpuList } from '../kernel/cpulist'
import type { Direction, NicLoad, Report } from '../report/compare'
import type { Conclusion } from '../report/conclusions'
import type { Condition } from '../report/conditions'
import type { Inventory } from '../report/inventory'
import type { JudgedNic } from '../report/judged'
import { describeSize } from '../report/size'
import type { Paint } from '../text/paint'
import { plural } from '../text/plural'

const BAR_WIDTH = 20
const EIGHTHS = ' ▏▎▍▌▋▊▉'

/** A bar of fixed width. @param share 0..1 */
export function bar(share: number): string {
  const eighths = Math.round(Math.min(1, Math.max(0, share)) * BAR_WIDTH * 8)
  const whole = '█'.repeat(eighths >> 3)
  const rest = (eighths & 7) === 0 ? '' : (EIGHTHS[eighths & 7] ?? '')
  return (whole + rest).padEnd(BAR_WIDTH, '·')
}

export function reportText(
  report: Report,
  nics: readonly JudgedNic[],
  inventory: Inventory | undefined,
  colors: Paint,
): string {
  return [
    ...(inventory === undefined ? [] : [`${inventory.machine}; ${inventory.cpu}`]),
    ...nics.flatMap((nic) => [
      ...nicLines(report, nic),
      ...queueLines(nic),
      ...nic.conditions.map((one) => conditionLine(one, colors)),
      ...nic.conclusions.flatMap((one, i) => conclusionLines(one, i + 1, colors)),
      '',
    ]),
    ...cpuLines(report),
    ...guestLines(report),
    '',
  ].join('\n')
}

function nicLines(report: Report, nic: NicLoad): string[] {
  const line = (name: 'in ' | 'out', direction: Direction): string => {
    const { packets, bytes } = direction
    const rate = ((bytes * 8) / 1e6 / report.seconds).toFixed(2)
    const size = describeSize(direction, name === 'out' ? 'TSO' : 'GRO')
    return `  ${name} ${rate} Mb/s, ${(packets / report.seconds).toFixed(0)} packets/s, ${size}`
  }
  const evenness =
    nic.evenness === undefined
      ? 'no traffic'
      : `Jain's index ${nic.evenness.toFixed(2)} over ${nic.evennessOf} (1 is even, ${(1 / nic.channels).toFixed(2)} is a single busy queue)`
  return [
    `${nic.name}: ${plural(nic.channels, 'channel')}, ${report.seconds.toFixed(1)} s`,
    line('in ', nic.rx),
    line('out', nic.tx),
    `  spread: ${evenness}`,
  ]
}

/** `  queue 0 ████·· 812 irq  12000 rx  -> CPU 0 (812)` */
function queueLines(nic: NicLoad): string[] {
  const loads = nic.queues.map((queue) => queue.rxInterrupts + queue.txInterrupts)
  const most = Math.max(1, ...loads)
  return nic.queues.map((queue, i) => {
    const load = loads[i] ?? 0
    const packets =
      queue.rxPackets === undefined ? '' : `, ${queue.rxPackets} rx and ${queue.txPackets ?? 0} tx packets`
    const arrived = queue.byCpu.map(({ cpu, interrupts }) => `CPU ${cpu} (${interrupts})`).join(', ')
    const target = arrived === '' ? `CPU ${formatCpuList(queue.cpus) || '?'} (idle)` : arrived
    return `  queue ${String(queue.queue).padEnd(3)} ${bar(load / most)} ${load} interrupts${packets} -> ${target}`
  })
}

function conditionLine({ title, answer, favours, why }: Condition, colors: Paint): string {
  const color = favours === undefined ? colors.dim : favours ? colors.good : colors.warn
  return `  ${color(answer.padEnd(12))} ${title}: ${why}`
}

/** `  1. CPU 0 has no time left ... (97 % busy)`, and what to do below it. */
function conclusionLines({ text, evidence, next }: Conclusion, rank: number, colors: Paint): string[] {
  return [`  ${colors.warn(`${rank}.`)} ${text} (${evidence})`, `     -> ${next}`]
}

function cpuLines(report: Report): string[] {
  return report.cpus.map(({ cpu, busy, softirqSeconds, stolen, squeezed, dropped }) => {
    const share = `${(busy * 100).toFixed(0)} %`.padStart(5)
    const extra = [
      `softirq ${softirqSeconds.toFixed(2)} s`,
      ...(stolen > 0 ? [`stolen ${(stolen * 100).toFixed(0)} %`] : []),
      `squeezed ${squeezed}`,
      ...(dropped > 0 ? [`dropped ${dropped}`] : []),
    ]
    return `CPU ${String(cpu).padEnd(4)} ${bar(busy)} ${share} busy, ${extra.join(', ')}`
  })
}

function guestLines({ flows, tcp }: Report): string[] {
  const tracked = flows.tracked === undefined ? '' : `, ${flows.tracked} tracked connections`
  return [
    `flows: ${flows.sockets} connected TCP and UDP sockets of this network namespace, all NICs${tracked}`,
    tcp === undefined
      ? 'TCP: unknown'
      : `TCP: ${tcp.sent} segments sent, ${tcp.retransmitted} retransmitted, all NICs`,
  ]
}
