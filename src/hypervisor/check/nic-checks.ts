/** Findings about one interface of a guest. Pure. */
import { shellQuote } from '../../text/escape'
import { isVirtio, offeredQueues, supportsMultiqueue } from '../libvirt/domain'
import { MAX_QUEUES } from '../libvirt/limits'
import type { Finding, FindingCode, Severity } from './finding'
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

export function checkNic(view: NicView): readonly Finding[] {
  return CHECKS.flatMap((check) => check(view)).map((draft) => ({
    ...draft,
    domain: view.domain.name,
    nic: view.mac,
  }))
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

function checkModel({ configured, vcpus }: NicView): readonly Draft[] {
  if (isVirtio(configured) || configured.type === 'hostdev' || vcpus.maximum === 1) return []
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

function checkType({ configured, vcpus }: NicView): readonly Draft[] {
  if (!isVirtio(configured) || supportsMultiqueue(configured)) return []
  const text = `interface type ${configured.type} cannot have several queues`
  if ((configured.queues ?? 1) > 1) {
    return [
      draft(
        'error',
        'host',
        'type-without-multiqueue',
        `${text}: libvirt refuses to start the guest`,
        'remove queues=',
      ),
    ]
  }
  return vcpus.maximum === 1
    ? []
    : [draft('info', 'host', 'type-without-multiqueue', text, 'use a bridge or network')]
}

/** About the configuration of the next start; what runs until then is compared in checkPending. */
function checkCount({ domain, configured, mac, vcpus }: NicView): readonly Draft[] {
  if (!supportsMultiqueue(configured)) return []
  const { queues } = configured
  const set = `vqtune host set-queues ${shellQuote(domain.name)} --nic ${mac} vcpus --apply`
  if (queues !== undefined && queues > MAX_QUEUES) {
    const text = `queues='${queues}' is above ${MAX_QUEUES}: the guest will not start`
    return [draft('error', 'host', 'too-many-queues', text, set)]
  }
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
  if (offered > vcpus.maximum) {
    const text = `${offered} queues for at most ${vcpus.maximum} vCPUs: the others only cost file descriptors and interrupts`
    drafts.push(draft('warning', 'host', 'more-queues-than-vcpus', text, set))
  } else if (offered === 1 && vcpus.current > 1) {
    const text = `one queue for ${vcpus.current} vCPUs: a single vCPU handles all packets`
    drafts.push(draft('warning', 'host', 'single-queue', text, set))
  } else if (offered < vcpus.current && offered < MAX_QUEUES) {
    const text = `${offered} queues for ${vcpus.current} vCPUs`
    drafts.push(draft('warning', 'host', 'fewer-queues-than-vcpus', text, set))
  }
  return drafts
}

function checkPending({ domain, live, inactive }: NicView): readonly Draft[] {
  if (domain.live === undefined || domain.inactive === undefined) return []
  if (live === undefined) {
    return [
      draft(
        'info',
        'host',
        'pending-plug',
        'configured, but not yet in the running guest',
        powerCycle(domain.name),
      ),
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
      powerCycle(domain.name),
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

/** A reboot inside the guest keeps the QEMU process and so the old device. */
function powerCycle(name: string): string {
  return `power off and start again (a reboot is not enough): virsh shutdown ${shellQuote(name)}; virsh start ${shellQuote(name)}`
}

function checkGuestUse({ live, link, vcpus }: NicView): readonly Draft[] {
  const queues = link?.tapQueues
  if (live === undefined || queues === undefined) return []
  const usable = Math.min(queues.active + queues.unused, vcpus.current)
  if (queues.active >= usable) return []
  return [
    draft(
      'warning',
      'guest',
      'unused-queues',
      `the guest uses ${queues.active} of ${queues.active + queues.unused} queues with ${vcpus.current} vCPUs`,
      'inside the guest: vqtune apply',
    ),
  ]
}

function checkBackend({ domain, configured, live, inactive, link }: NicView): readonly Draft[] {
  if (!isVirtio(configured) || !usesTap(configured.type)) return []
  if ((domain.live ?? domain.inactive)?.type === 'qemu') {
    return [draft('info', 'host', 'emulated', 'an emulated guest (domain type qemu) never uses vhost')]
  }
  if (configured.driver === 'qemu') {
    const text = "driver name='qemu': packets go through QEMU instead of the kernel's vhost"
    return [
      draft(
        'warning',
        'host',
        'userspace-driver',
        text,
        `virt-xml ${shellQuote(domain.name)} --edit mac=${configured.mac} --network driver.name=vhost`,
      ),
    ]
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
  return [
    draft('warning', 'host', 'vhost-missing', text, `modprobe vhost_net, then ${powerCycle(domain.name)}`),
  ]
}

function usesTap(type: string): boolean {
  return ['network', 'bridge', 'direct', 'ethernet'].includes(type)
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
