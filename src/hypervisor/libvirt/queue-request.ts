/** The request of `vqtune host set-queues`, resolved for one guest. Pure. */
import { VqtuneError } from '../../errors'
import { plural } from '../../text/plural'
import { mayWantXdpQueues } from '../guest/guest-os'
import {
  type Domain,
  type DomainInterface,
  isVirtio,
  kindOf,
  offeredQueues,
  supportsMultiqueue,
} from './domain'
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

/** What is known of the guest beside its stored configuration. */
export interface QueueContext {
  /** The running guest, for names that only it has. */
  readonly live?: Domain | undefined
  /** True for an interface that becomes a device of the host at the start. */
  readonly isFromPool?: (nic: DomainInterface) => boolean
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
 * @param named MAC, target device or alias of the interface to change; undefined: every virtio interface that can have several.
 * @throws VqtuneError kind usage for a name that no interface has or that several have, unsupported when nothing can be changed.
 */
export function resolveQueues(
  domain: Domain,
  request: QueueRequest,
  named: string | undefined,
  context: QueueContext = {},
): QueueTargets {
  const queues = request === 'vcpus' ? Math.min(domain.vcpus.maximum, MAX_QUEUES) : request
  const chosen = named === undefined ? domain.interfaces : findNics(domain, named, context.live)
  const changeable = (nic: DomainInterface): boolean =>
    supportsMultiqueue(nic) && context.isFromPool?.(nic) !== true
  const nics = chosen.filter(changeable)
  // A passed-through half of a teaming pair that was not asked for by its own name is no surprise.
  const others = chosen.filter((nic) => !changeable(nic)).map((nic) => `${nic.mac}: skipped: ${whyNot(nic)}`)
  if (nics.length === 0) {
    throw new VqtuneError(
      'unsupported',
      `${domain.name}: no interface can have several queues${others.length > 0 ? `; ${others.join('; ')}` : ''}`,
    )
  }
  if (named !== undefined && nics.length > 1) {
    throw new VqtuneError(
      'usage',
      `${domain.name}: --nic ${named}: ${nics.length} virtio interfaces have it; name one by its target device or alias: ${nics.map(namesOf).join('; ')}`,
    )
  }
  return { queues, nics, notes: [...others, ...countNotes(domain, request, queues)] }
}

function countNotes(domain: Domain, request: QueueRequest, queues: number): string[] {
  const { current, maximum } = domain.vcpus
  if (request !== 'vcpus' && queues > maximum) {
    const use = mayWantXdpQueues(domain.guestOs)
      ? 'the others are for XDP in the guest, and unused without it'
      : 'the others stay unused'
    return [
      `${queues} queues are more than the ${plural(maximum, 'vCPU')} that ${domain.name} can have; ${use}`,
    ]
  }
  if (request === 'vcpus' && current < maximum) {
    return [
      `${queues} queues: ${domain.name} starts with ${plural(current, 'vCPU')} and can grow to ${maximum}; queues cannot be added later`,
    ]
  }
  return []
}

/** All that have the name; of several with one MAC only the virtio ones, since only those have queues to set. */
function findNics(domain: Domain, named: string, live: Domain | undefined): readonly DomainInterface[] {
  const found = domain.interfaces.filter((nic) => hasName(nic, named))
  if (found.length > 0) {
    const virtio = found.filter(isVirtio)
    return virtio.length > 0 ? virtio : found
  }
  const running = live?.interfaces.filter((nic) => hasName(nic, named)) ?? []
  const stored = running.flatMap((nic) =>
    domain.interfaces.filter((other) => other.mac === nic.mac && kindOf(other) === kindOf(nic)),
  )
  if (stored.length > 0) return stored
  if (running.length > 0) {
    throw new VqtuneError(
      'unsupported',
      `${domain.name}: --nic ${named}: only the running guest has it, no configuration that could be changed; vqtune host check ${domain.name} says how it gets queues`,
    )
  }
  const known = [...domain.interfaces, ...(live?.interfaces ?? [])].map(namesOf)
  throw new VqtuneError(
    'usage',
    `${domain.name}: --nic ${named}: no such interface in its configuration; there are: ${[...new Set(known)].join('; ') || 'none'}`,
  )
}

function hasName(nic: DomainInterface, named: string): boolean {
  return nic.mac === named.toLowerCase() || nic.target === named || nic.alias === named
}

/** Everything that `--nic` takes for it. */
function namesOf(nic: DomainInterface): string {
  return [nic.mac, nic.target, nic.alias].flatMap((name) => name ?? []).join(' ')
}

function whyNot(nic: DomainInterface): string {
  if (kindOf(nic) === 'passthrough') return 'passed through, its queues are those of the device'
  if (!isVirtio(nic)) return `model ${nic.model ?? 'default'} is not virtio`
  if (supportsMultiqueue(nic)) return `network ${nic.source ?? ''} hands out devices of the host`
  return `interface type ${nic.type}${nic.backend === undefined ? '' : ` with ${nic.backend}`} cannot have several queues`
}

/** What is wrong with a configuration after the change, or undefined. */
export function queuesProblem(domain: Domain, targets: QueueTargets): string | undefined {
  for (const { mac, index } of targets.nics) {
    const nic = domain.interfaces[index]
    if (nic?.mac !== mac) return `${mac} is missing from it`
    if (offeredQueues(nic) !== targets.queues)
      return `${mac} has ${plural(offeredQueues(nic), 'queue')} instead of ${targets.queues}`
  }
  return undefined
}
