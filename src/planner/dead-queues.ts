/**
 * Receive queues that get nothing although the others are busy. Pure.
 *
 * With few connections a queue is empty by chance. If F connections are spread evenly over n queues, a given set of d queues
 * gets none of them with probability (1 - d/n)^F, and there are (n over d) such sets: the chance that any set of d is empty
 * is at most their product. Below one in a million it is no chance. That takes 21 connections for 1 of 2 queues, 53 for
 * 1 of 4, 23 for 2 of 4, 120 for 1 of 8.
 *
 * A tap without RSS does not spread evenly: it sends a connection to the queue through which the guest last sent it
 * (tun_automq_select_queue, drivers/net/tun.c). So an empty queue counts only if the guest sends through it, and not a trickle
 * of what it sends through all.
 */
import type { Activity } from '../kernel/queue-activity'

/** Received by all queues together; fewer say nothing. */
const MIN_RECEIVED = 200
/** Sent through an empty queue: more than the announcements of neighbours. */
const MIN_SENT = 16
/** Of an even share of what is sent. */
const MIN_SENT_SHARE = 1 / 8
const CHANCE = 1e-6

/** Connections that must be active for `empty` of `queues` not to be chance. @param empty 1..queues-1 */
export function flowsNeeded(queues: number, empty: number): number {
  let sets = 0
  for (let i = 0; i < empty; i++) sets += Math.log(queues - i) - Math.log(i + 1)
  return Math.ceil((sets - Math.log(CHANCE)) / -Math.log(1 - empty / queues))
}

/** How much each queue did between two readings; queues that are not in both, or were reset, are left out. */
export function activityBetween(before: Activity, after: Activity): Activity {
  return new Map(
    [...after].flatMap(([queue, now]) => {
      const then = before.get(queue)
      const isSame = then !== undefined && now.rx >= then.rx && now.tx >= then.tx
      return isSame ? [[queue, { rx: now.rx - then.rx, tx: now.tx - then.tx }] as const] : []
    }),
  )
}

/** Queues that received nothing and sent enough while the others received enough: dead, if it is not chance. */
export function emptyQueues(activity: Activity): readonly number[] {
  const all = [...activity.values()]
  const received = all.reduce((sum, { rx }) => sum + rx, 0)
  const sent = all.reduce((sum, { tx }) => sum + tx, 0)
  if (received < MIN_RECEIVED) return []
  const enough = Math.max(MIN_SENT, (MIN_SENT_SHARE * sent) / activity.size)
  return [...activity].flatMap(([queue, { rx, tx }]) => (rx === 0 && tx >= enough ? [queue] : []))
}

/**
 * The dead queues, ascending.
 * @param flows connections of the NIC that received something between the two readings
 */
export function deadQueues(before: Activity, after: Activity, flows: number): readonly number[] {
  const activity = activityBetween(before, after)
  const empty = emptyQueues(activity)
  if (empty.length === 0 || flows < flowsNeeded(activity.size, empty.length)) return []
  return [...empty].sort((a, b) => a - b)
}
