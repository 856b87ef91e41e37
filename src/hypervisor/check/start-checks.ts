/**
 * Whether a guest can start with the queues that an interface is to have: what carries several queues and what does not.
 * Asked by `check` for what is configured, and by `set-queues` for what is about to be. Pure.
 */
import type { Links } from '../../kernel/ip-link'
import { shellQuote } from '../../text/escape'
import { plural } from '../../text/plural'
import { type DomainInterface, offeredQueues, supportsMultiqueue, usesTap } from '../libvirt/domain'
import { MAX_QUEUES } from '../libvirt/limits'
import type { HostDevices } from '../network/host-devices'
import type { VdpaPairs } from '../network/vdpa'
import type { Finding } from './finding'

export interface StartProblem extends Pick<Finding, 'severity' | 'code' | 'text' | 'remedy'> {
  /** True: the next start fails, or the NIC is missing after it. False: nobody can tell from here. */
  readonly fatal: boolean
}

/**
 * @param running the same interface of the running guest, whose own tap is in nobody's way
 */
export function startProblems(
  nic: DomainInterface,
  { links, vdpaPairs }: HostDevices,
  running: DomainInterface | undefined,
): readonly StartProblem[] {
  const queues = nic.queues ?? 1
  return [
    ...typeProblems(nic, queues),
    ...tapProblems(nic, links, running),
    ...vhostUserProblems(nic, queues),
    ...vdpaProblems(nic, queues, vdpaPairs),
  ]
}

function typeProblems(nic: DomainInterface, queues: number): readonly StartProblem[] {
  if (queues <= 1) return []
  if (nic.model?.startsWith('virtio') === true && nic.type !== 'hostdev' && !supportsMultiqueue(nic)) {
    const what = nic.backend === undefined ? nic.type : `${nic.type} with ${nic.backend}`
    return [
      {
        severity: 'error',
        code: 'type-without-multiqueue',
        text: `interface type ${what} cannot have several queues: libvirt refuses to start the guest`,
        remedy: 'remove queues=',
        fatal: true,
      },
    ]
  }
  if (queues <= MAX_QUEUES || !usesTap(nic) || !supportsMultiqueue(nic)) return []
  return [
    {
      severity: 'error',
      code: 'too-many-queues',
      text: `queues='${queues}' is above ${MAX_QUEUES}: the guest will not start`,
      remedy: undefined,
      fatal: true,
    },
  ]
}

/** The kernel lets a tap be opened only with the flag that it was made with. macvtaps have no such flag. */
function tapProblems(
  nic: DomainInterface,
  links: Links | undefined,
  running: DomainInterface | undefined,
): readonly StartProblem[] {
  const { target } = nic
  if (links === undefined || target === undefined || !usesTap(nic) || !supportsMultiqueue(nic)) return []
  const several = offeredQueues(nic) > 1
  const link = links.get(target)
  if (link === undefined) {
    // With one queue it is as it always was.
    if (nic.targetManaged || !several) return []
    return [
      {
        severity: 'warning',
        code: 'tap-missing',
        text: `${target} is made by somebody else (managed='no') and is not there: the guest starts only when it was made with multi_queue`,
        remedy: makeTap(target, true),
        // Whoever makes it makes it for one queue until told otherwise.
        fatal: true,
      },
    ]
  }
  // A tap that libvirt makes goes with its guest.
  const ownTap = running?.target === target && !link.persistent
  if (ownTap || link.multiQueue === undefined || link.multiQueue === several) return []
  return [
    {
      severity: 'error',
      code: 'tap-flags',
      text: `${target} was made ${several ? 'without' : 'with'} multi_queue: the guest does not start with ${several ? `${offeredQueues(nic)} queues` : 'one queue'} on it`,
      remedy: makeTap(target, several),
      fatal: true,
    },
  ]
}

/** How a tap for several queues is made in place of one that has the other flag. */
export function makeTap(target: string, several: boolean): string {
  const name = shellQuote(target)
  return [
    `make ${target} anew with the guest off (and where it is made at boot, there):`,
    `  ip link delete ${name}; ip tuntap add dev ${name} mode tap${several ? ' multi_queue' : ''}`,
    '  then its owner, bridge and state as before',
  ].join('\n')
}

function vhostUserProblems(nic: DomainInterface, queues: number): readonly StartProblem[] {
  if (nic.type !== 'vhostuser' || queues <= 1 || !supportsMultiqueue(nic)) return []
  return [
    {
      severity: 'info',
      code: 'backend-queues',
      text: `its vhost-user backend (${nic.source ?? 'socket'}) must take ${queues} queue pairs; QEMU refuses the NIC when it offers fewer, and this host cannot see how many it does`,
      remedy:
        'ask the switch that has the socket, for Open vSwitch: ovs-vsctl list Interface; ovs-appctl dpif-netdev/pmd-rxq-show',
      fatal: false,
    },
  ]
}

/**
 * QEMU takes the queue pairs of the device itself (net_init_vhost_vdpa(), net/vhost-vdpa.c). What libvirt's queues= does is to
 * offer more than one of them, and to set the interrupt vectors: with too few, the guest's driver shares one among all queues.
 */
function vdpaProblems(nic: DomainInterface, queues: number, pairs: VdpaPairs): readonly StartProblem[] {
  if (nic.type !== 'vdpa' || queues <= 1) return []
  const source = nic.source ?? ''
  const present = pairs.get(source)
  if (present === undefined) {
    return [
      {
        severity: 'info',
        code: 'backend-queues',
        text: `the guest gets what the vDPA device ${source} has, whatever queues= says beside the interrupt vectors`,
        remedy: 'vdpa dev config show    # max_vq_pairs; set when it is made: vdpa dev add ... max_vqp N',
        fatal: false,
      },
    ]
  }
  if (present === queues) return []
  const has = `the vDPA device ${source} has ${plural(present, 'queue pair')}`
  const told =
    present < queues
      ? {
          text: `${has}: the guest gets ${present} of ${queues}`,
          remedy: `set queues='${present}', or with the guest off make the device anew: vdpa dev add ... max_vqp ${queues}`,
        }
      : {
          text: `${has}, queues='${queues}' makes interrupt vectors for ${queues}: all queues of the guest share one interrupt`,
          remedy: `set queues='${present}'`,
        }
  return [{ severity: 'warning', code: 'backend-queues', ...told, fatal: false }]
}
