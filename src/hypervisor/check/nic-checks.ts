/** Findings about one interface of a guest. Pure. */
import { shellQuote } from '../../text/escape'
import { plural } from '../../text/plural'
import { mayWantXdpQueues, stepsInGuest } from '../guest/guest-os'
import { isVirtio, offeredQueues, supportsMultiqueue, usesTap } from '../libvirt/domain'
import { MAX_QUEUES } from '../libvirt/limits'
import type { HostDevices } from '../network/host-devices'
import type { Finding, FindingCode, Severity } from './finding'
import { managerOf, powerCycle, queueRemedy } from './remedies'
import { startProblems } from './start-checks'
import type { NicView } from './view'

type Draft = Omit<Finding, 'domain' | 'nic'>
type Check = (view: NicView) => readonly Draft[]

const CHECKS: readonly Check[] = [
  checkModel,
  checkType,
  checkCount,
  checkPending,
  checkGuestUse,
  checkBackend,
  checkVectors,
]

/** @param devices of the hypervisor, which a stopped guest will want */
export function checkNic(view: NicView, devices: HostDevices): readonly Finding[] {
  const checks = view.passthrough ? [checkPassthrough, checkPending] : CHECKS
  const drafts = [
    ...checks.flatMap((check) => check(view)),
    ...(view.passthrough ? [] : checkStart(view, devices)),
  ]
  return drafts.map((draft) => ({ ...draft, domain: view.domain.name, nic: view.mac }))
}

function draft(
  severity: Severity,
  who: Finding['who'],
  code: FindingCode,
  text: string,
  remedy?: string,
): Draft {
  return { severity, who, code, text, remedy }
}

function checkPassthrough({ configured, live }: NicView): readonly Draft[] {
  const from =
    configured.type === 'network'
      ? `a virtual function that network ${configured.source ?? ''} hands out`
      : 'passed through'
  const half = (live ?? configured).teaming === 'transient' ? ', the fast half of a teaming pair' : ''
  return [
    draft(
      'info',
      'host',
      'passed-through',
      `${from}${half}: no virtio NIC, its queues are those of the device`,
    ),
  ]
}

function checkModel({ configured, vcpus }: NicView): readonly Draft[] {
  if (isVirtio(configured) || vcpus.maximum === 1) return []
  const model = configured.model === undefined ? "libvirt's default model" : `model ${configured.model}`
  return [
    draft(
      'info',
      'host',
      'not-virtio',
      `${model} has a single queue`,
      "use <model type='virtio'/> if the guest has the driver",
    ),
  ]
}

function checkType({ domain, configured, vcpus }: NicView): readonly Draft[] {
  if (!isVirtio(configured) || supportsMultiqueue(configured)) return []
  if ((configured.queues ?? 1) > 1 || vcpus.maximum === 1) return []
  const what =
    configured.backend === undefined ? configured.type : `${configured.type} with ${configured.backend}`
  return [
    draft(
      'info',
      'host',
      'type-without-multiqueue',
      `interface type ${what} cannot have several queues`,
      domain.stack === 'qemu' ? 'use a tap on a bridge' : 'use a bridge or network',
    ),
  ]
}

/** Only a guest that has a next start can fail at it. */
function checkStart(view: NicView, devices: HostDevices): readonly Draft[] {
  const { inactive, live } = view
  if (inactive === undefined) return []
  return startProblems(inactive, devices, live).map(({ severity, code, text, remedy }) =>
    draft(severity, 'host', code, text, code === 'too-many-queues' ? queueRemedy(view) : remedy),
  )
}

/** About the configuration of the next start; what runs until then is compared in checkPending. */
function checkCount(view: NicView): readonly Draft[] {
  const { domain, configured, vcpus } = view
  if (!supportsMultiqueue(configured)) return []
  const { queues } = configured
  if (queues !== undefined && queues > MAX_QUEUES && usesTap(configured)) return []
  const drafts: Draft[] = []
  if (queues === 0 || queues === 1) {
    drafts.push(
      draft(
        'info',
        'host',
        'queues-ignored',
        `queues='${queues}' means one queue; libvirt drops it silently`,
      ),
    )
  }
  const offered = offeredQueues(configured)
  const set = (): string => queueRemedy(view)
  if (offered > vcpus.maximum) {
    const os = (domain.live ?? domain.inactive)?.guestOs
    const xdp = mayWantXdpQueues(os) && offered <= 2 * vcpus.maximum
    const text = `${offered} queues for at most ${plural(vcpus.maximum, 'vCPU')}`
    const share = `${vcpus.maximum} for the vCPUs, ${offered - vcpus.maximum} for an XDP program in the guest, which takes one more for each vCPU`
    const waste = `${text}: the others only cost file descriptors and interrupts`
    drafts.push(
      xdp
        ? draft('info', 'host', 'more-queues-than-vcpus', `${text}: ${share}`)
        : draft('warning', 'host', 'more-queues-than-vcpus', waste, set()),
    )
  } else if (offered === 1 && vcpus.current > 1) {
    const text = `one queue for ${vcpus.current} vCPUs: a single vCPU handles all packets`
    drafts.push(draft('warning', 'host', 'single-queue', text, set()))
  } else if (offered < vcpus.current && offered < MAX_QUEUES) {
    const text = `${offered} queues for ${vcpus.current} vCPUs`
    drafts.push(draft('warning', 'host', 'fewer-queues-than-vcpus', text, set()))
  }
  return drafts
}

function checkPending(view: NicView): readonly Draft[] {
  const { domain, live, inactive, passthrough } = view
  if (domain.live === undefined || domain.inactive === undefined) return []
  if (live === undefined) {
    return [
      draft('info', 'host', 'pending-plug', 'configured, but not yet in the running guest', powerCycle(view)),
    ]
  }
  if (inactive === undefined) {
    return [
      draft(
        'info',
        'host',
        'live-only',
        'in the running guest, but not configured: lost at the next power-off',
      ),
    ]
  }
  // The network turned it into something else on purpose; the next start does the same.
  if (passthrough) return []
  const changes = [
    change('queues', offeredQueues(live), offeredQueues(inactive)),
    change('driver', live.driver ?? 'default', inactive.driver ?? 'default'),
    change('model', live.model ?? 'default', inactive.model ?? 'default'),
    change('type', comparableType(live.type), comparableType(inactive.type)),
  ].flatMap((text) => text ?? [])
  if (changes.length === 0) return []
  return [
    draft(
      'warning',
      'host',
      'pending-power-off',
      `takes effect after a power-off: ${changes.join(', ')}`,
      powerCycle(view),
    ),
  ]
}

function change(what: string, live: string | number, inactive: string | number): string | undefined {
  return live === inactive ? undefined : `${what} ${live} -> ${inactive}`
}

/** A running `network` interface shows what the network resolved to. */
function comparableType(type: string): string {
  return type === 'network' || type === 'bridge' || type === 'direct' ? 'network' : type
}

function checkGuestUse({ domain, live, link, vcpus }: NicView): readonly Draft[] {
  const queues = link?.tapQueues
  if (live === undefined || queues === undefined) return []
  const usable = Math.min(queues.active + queues.unused, vcpus.current)
  if (queues.active >= usable) return []
  const os = domain.live?.guestOs ?? domain.inactive?.guestOs
  const which = os === undefined ? 'the guest' : `the guest (${os.certain ? '' : 'probably '}${os.name})`
  return [
    draft(
      'warning',
      'guest',
      'unused-queues',
      `${which} uses ${queues.active} of ${queues.active + queues.unused} queues with ${vcpus.current} vCPUs`,
      stepsInGuest(os, usable),
    ),
  ]
}

function checkBackend(view: NicView): readonly Draft[] {
  const { domain, configured, live, inactive, link } = view
  if (!isVirtio(configured) || !usesTap(configured)) return []
  if ((domain.live ?? domain.inactive)?.type === 'qemu') {
    return [
      draft(
        'info',
        'host',
        'emulated',
        domain.stack === 'libvirt'
          ? 'an emulated guest (domain type qemu) never uses vhost'
          : 'an emulated guest, without KVM',
      ),
    ]
  }
  if (configured.driver === 'qemu') {
    const what = domain.stack === 'libvirt' ? "driver name='qemu'" : 'without vhost=on'
    const text = `${what}: packets go through QEMU instead of vhost in the kernel`
    return [draft('warning', 'host', 'userspace-driver', text, vhostRemedy(view))]
  }
  const fellBack =
    live !== undefined &&
    inactive?.driver !== 'qemu' &&
    live.driver !== 'qemu' &&
    link !== undefined &&
    domain.live?.type === 'kvm' &&
    domain.process?.vhostFds === 0
  if (!fellBack) return []
  const text = 'QEMU has no vhost-net descriptor open: the module was missing when the guest started'
  return [draft('warning', 'host', 'vhost-missing', text, `modprobe vhost_net, then ${powerCycle(view)}`)]
}

function vhostRemedy(view: NicView): string {
  const { domain, configured, inactive } = view
  if (domain.stack === 'qemu') return 'vhost=on on its -netdev'
  if (managerOf(view) !== undefined) return 'its manager chose it: see there'
  return inactive === undefined
    ? "attach it anew with <driver name='vhost'/>"
    : `virt-xml ${shellQuote(domain.name)} --edit mac=${configured.mac} --network driver.name=vhost`
}

/** One vector for configuration changes, one for each rx and tx queue, one spare as libvirt does it. */
function checkVectors({ domain, live, mac }: NicView): readonly Draft[] {
  const vectors = domain.process?.vectors.get(mac)
  if (live === undefined || vectors === undefined) return []
  const needed = 2 * offeredQueues(live) + 1
  if (vectors >= needed) return []
  const text = `${vectors} MSI-X vectors for ${offeredQueues(live)} queues, ${needed} needed: all queues share one interrupt`
  return [
    draft(
      'warning',
      'host',
      'few-vectors',
      text,
      'remove vectors= from the QEMU command line options of the guest',
    ),
  ]
}
