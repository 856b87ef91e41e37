/** Interrupts by queue and vCPU as a table: a private queue has one dark cell in its row. Pure. */
import type { QueueLoad } from '../compare'

/** Shares of the colour: the least is seen, and the text is legible on the most, light and dark. */
const MIN_HEAT = 0.08
const MAX_HEAT = 0.5

export function queueMap(queues: readonly QueueLoad[], cpus: readonly number[]): string {
  // Interrupts may have gone to a vCPU that is offline by now.
  const columns = [...new Set([...cpus, ...queues.flatMap(({ byCpu }) => byCpu.map(({ cpu }) => cpu))])]
  columns.sort((a, b) => a - b)
  const most = Math.max(1, ...queues.flatMap(({ byCpu }) => byCpu.map(({ interrupts }) => interrupts)))
  const head = columns.map((cpu) => `<th scope="col">CPU ${cpu}</th>`).join('')
  const rows = queues.map(({ queue, byCpu }) => {
    const cells = columns.map((cpu) => {
      const count = byCpu.find((one) => one.cpu === cpu)?.interrupts ?? 0
      if (count === 0) return '<td></td>'
      const heat = MIN_HEAT + (MAX_HEAT - MIN_HEAT) * (count / most)
      return `<td style="--heat-share:${heat.toFixed(2)}">${count}</td>`
    })
    return `<tr><th scope="row">queue ${queue}</th>${cells.join('')}</tr>`
  })
  return `<div class="scroll"><table class="map"><thead><tr><th></th>${head}</tr></thead><tbody>${rows.join('')}</tbody></table></div>`
}
