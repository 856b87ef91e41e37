/**
 * Verifies that a NIC carries traffic after its channels were changed: the gateway has answered a new request (ARP or
 * neighbour solicitation) sent through each transmit queue. XPS maps a CPU to its transmit queue, so the probe is run
 * on a CPU of each queue; an entry that was set to PROBE becomes REACHABLE only by an answer.
 * The host chooses the receive queue of each answer, so receive queues cannot be verified one by one.
 */
import type { ObservedNic } from '../model'
import { nicByIndex } from '../planner/find-nic'
import { observeGuest } from '../planner/observe'
import type { System } from '../system/system'
import { cpuListsOf } from '../tunables/engine'
import { queueKey } from '../tunables/queue-files'
import { answers, type Connectivity, hasGateway, probeGateway } from './connectivity'

const ANSWER_MS = 1_000

/** @returns false if it cannot be verified now, for whatever reason: the watch then goes on */
export async function probeQueues(
  system: System,
  nic: Pick<ObservedNic, 'ifindex'>,
  connectivity: Connectivity,
): Promise<boolean> {
  return probeEach(system, nic, connectivity).catch(() => false)
}

async function probeEach(
  system: System,
  { ifindex }: Pick<ObservedNic, 'ifindex'>,
  connectivity: Connectivity,
): Promise<boolean> {
  if (!hasGateway(connectivity) || system.findTool('taskset') === undefined) return false
  const guest = await observeGuest(system, {})
  const nic = nicByIndex(guest, ifindex)
  if (nic === undefined) return false
  const online = new Set(guest.cpus.online)
  const senders = cpuListsOf(nic, 'xps')
  for (const { index } of nic.queues) {
    // Without XPS there is one queue; any CPU transmits through it.
    const cpus = senders.get(queueKey(index)) ?? (nic.queues.length === 1 ? guest.cpus.online : [])
    const cpu = cpus.find((candidate) => online.has(candidate))
    if (cpu === undefined || !(await probeGateway(system, nic.name, connectivity, cpu))) return false
    if (!(await answers(system, nic.name, connectivity, ANSWER_MS))) return false
  }
  return true
}
