import { useEffect, useState } from 'react'
import type { Answer } from './answer'
import { start } from './run'

export interface QueueLoad {
  readonly perSecond: number
  readonly unit: 'packets/s' | 'interrupts/s'
  /** Of the busiest queue, 0..1. */
  readonly share: number
}

interface State {
  readonly loads: ReadonlyMap<number, QueueLoad> | undefined
  readonly problem: string | undefined
}

/** Short enough to be called live, long enough that to start the program is the smaller part. */
const WINDOW_SECONDS = 2

/** Measures again and again while it is on and the page is to be seen: one measurement after the other. */
export function useQueueLoads(nic: string, isOn: boolean): State {
  const [state, setState] = useState<State>({ loads: undefined, problem: undefined })
  useEffect(() => {
    if (!isOn) return
    let stop: (() => void) | undefined
    let isOver = false
    const measure = (): void => {
      if (document.hidden || isOver || stop !== undefined) return
      const running = start('report', ['report', '--json', '--window', String(WINDOW_SECONDS)])
      stop = running.stop
      running.result.then(
        (report) => {
          stop = undefined
          if (isOver) return
          setState({ loads: loadsOf(report, nic), problem: undefined })
          measure()
        },
        (error: Error) => {
          stop = undefined
          // Not again by itself: it would fail again, as fast as it can.
          if (!isOver) setState({ loads: undefined, problem: error.message })
        },
      )
    }
    document.addEventListener('visibilitychange', measure)
    measure()
    return () => {
      isOver = true
      document.removeEventListener('visibilitychange', measure)
      stop?.()
    }
  }, [nic, isOn])
  return state
}

function loadsOf(report: Answer<'report'>, name: string): ReadonlyMap<number, QueueLoad> {
  const queues = report.nics.find((nic) => nic.name === name)?.queues ?? []
  const isCounted = queues.every(
    ({ rxPackets, txPackets }) => rxPackets !== undefined && txPackets !== undefined,
  )
  const rates = queues.map((queue) => {
    const count = isCounted
      ? (queue.rxPackets ?? 0) + (queue.txPackets ?? 0)
      : queue.rxInterrupts + queue.txInterrupts
    return { queue: queue.queue, perSecond: count / report.seconds }
  })
  const most = Math.max(1, ...rates.map(({ perSecond }) => perSecond))
  return new Map(
    rates.map(({ queue, perSecond }) => [
      queue,
      { perSecond, unit: isCounted ? 'packets/s' : 'interrupts/s', share: perSecond / most },
    ]),
  )
}
