/** The request of `vqtune host set-queues`, resolved for one guest. Pure. */
import { VqtuneError } from '../../errors'
import { type Domain, type DomainInterface, isVirtio, offeredQueues, supportsMultiqueue } from './domain'
import { MAX_QUEUES } from './limits'

/** 'vcpus': as many as the guest can have vCPUs. */
export type QueueRequest = number | 'vcpus'

export interface QueueTargets {
  readonly queues: number
  /** Interfaces to change, including those that already have the count. */
  readonly nics: readonly DomainInterface[]
  /** Why others are left alone. */
  readonly notes: readonly string[]
}

/** @throws VqtuneError kind usage. */
export function parseQueueRequest(text: string): QueueRequest {
  if (text === 'vcpus') return 'vcpus'
  const count = /^\d{1,4}$/.test(text) ? Number(text) : 0
  if (count >= 1 && count <= MAX_QUEUES) return count
  throw new VqtuneError(
    'usage',
    `host set-queues: queues '${text}': expected vcpus or a number from 1 to ${MAX_QUEUES}`,
  )
}

/**
 * @param mac the interface to change; undefined: every virtio interface that can have several queues.
 * @throws VqtuneError kind usage for a MAC that the guest does not have, unsupported when nothing can be changed.
 */
export function resolveQueues(domain: Domain, request: QueueRequest, mac: string | undefined): QueueTargets {
  const queues = request === 'vcpus' ? Math.min(domain.vcpus.maximum, MAX_QUEUES) : request
  const named = mac === undefined ? domain.interfaces : [findNic(domain, mac)]
  const nics = named.filter(supportsMultiqueue)
  const others = named
    .filter((nic) => !supportsMultiqueue(nic))
    .map((nic) => `${nic.mac}: skipped: ${whyNot(nic)}`)
  if (nics.length === 0) {
    throw new VqtuneError(
      'unsupported',
      `${domain.name}: no interface can have several queues${others.length > 0 ? `; ${others.join('; ')}` : ''}`,
    )
  }
  return { queues, nics, notes: [...others, ...countNotes(domain, request, queues)] }
}

function countNotes(domain: Domain, request: QueueRequest, queues: number): string[] {
  const { current, maximum } = domain.vcpus
  if (request !== 'vcpus' && queues > maximum) {
    return [
      `${queues} queues are more than the ${maximum} vCPUs that ${domain.name} can have; the others stay unused`,
    ]
  }
  if (request === 'vcpus' && current < maximum) {
    return [
      `${queues} queues: ${domain.name} starts with ${current} vCPUs and can grow to ${maximum}; queues cannot be added later`,
    ]
  }
  return []
}

function findNic(domain: Domain, mac: string): DomainInterface {
  const found = domain.interfaces.find((nic) => nic.mac === mac.toLowerCase())
  if (found !== undefined) return found
  const known = domain.interfaces.map((nic) => nic.mac).join(', ') || 'none'
  throw new VqtuneError(
    'usage',
    `${domain.name}: --nic ${mac}: no such interface in its configuration; there are: ${known}`,
  )
}

function whyNot(nic: DomainInterface): string {
  if (!isVirtio(nic)) return `model ${nic.model ?? 'default'} is not virtio`
  return `interface type ${nic.type} cannot have several queues`
}

/** What is wrong with a configuration after the change, or undefined. */
export function queuesProblem(domain: Domain, targets: QueueTargets): string | undefined {
  for (const { mac } of targets.nics) {
    const nic = domain.interfaces.find((candidate) => candidate.mac === mac)
    if (nic === undefined) return `${mac} is missing from it`
    if (offeredQueues(nic) !== targets.queues)
      return `${mac} has ${offeredQueues(nic)} queues instead of ${targets.queues}`
  }
  return undefined
}
