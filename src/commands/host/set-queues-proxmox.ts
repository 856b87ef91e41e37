/** `vqtune host set-queues` on a node of Proxmox VE: the same dry run, backup and undo, through qm. */
import { EXIT, VqtuneError } from '../../errors'
import { unifiedDiff } from '../../hypervisor/change/diff'
import { offeredQueues } from '../../hypervisor/libvirt/domain'
import { type QueueRequest, resolveQueues } from '../../hypervisor/libvirt/queue-request'
import { changeProxmox } from '../../hypervisor/proxmox/change'
import {
  hotPlugsNetworks,
  linesOf,
  MAX_PROXMOX_QUEUES,
  netKeys,
  type QmConfig,
  toDomain,
  withQueues,
} from '../../hypervisor/proxmox/config'
import { Qm, type QmGuest } from '../../hypervisor/proxmox/qm'
import { plural } from '../../text/plural'
import type { CommandContext } from '../command'
import { type ChangeReport, reportChange } from './change-report'

export async function setProxmoxQueues(
  context: CommandContext,
  name: string,
  request: QueueRequest,
  named: string | undefined,
): Promise<number> {
  if (request !== 'vcpus' && request > MAX_PROXMOX_QUEUES) {
    throw new VqtuneError(
      'usage',
      `host set-queues: queues '${request}': Proxmox VE takes ${MAX_PROXMOX_QUEUES} at most`,
    )
  }
  const qm = new Qm(context.system)
  const guest = await qm.guest(name)
  const config = await qm.config(guest.vmid)
  const domain = toDomain(guest.vmid, config)
  const wanted = request === 'vcpus' ? Math.min(domain.vcpus.maximum, MAX_PROXMOX_QUEUES) : request
  const { nics, notes } = resolveQueues(domain, wanted, named)
  const keys = netKeys(config).filter((_, index) =>
    nics.some((nic) => nic.index === index && offeredQueues(nic) !== wanted),
  )
  const report: ChangeReport = {
    verb: 'set-queues',
    target: guest.vmid,
    applied: false,
    diff: '',
    backup: undefined,
    notes,
    next: [],
  }
  if (keys.length === 0) {
    const macs = nics.map(({ mac }) => mac).join(', ')
    await reportChange(context, {
      ...report,
      next: [`${guest.vmid}: already configured: ${plural(wanted, 'queue')} for ${macs}`],
    })
    return EXIT.converged
  }
  const changed: QmConfig = new Map(
    [...config].map(([key, value]) => [key, keys.includes(key) ? withQueues(value, wanted) : value]),
  )
  const every = [...config.keys()]
  const planned: ChangeReport = {
    ...report,
    diff: unifiedDiff(`${guest.vmid}.conf`, linesOf(config, every), linesOf(changed, every)),
    notes: [...notes, ...replugWarning(guest, config, keys)],
  }
  const refused = refusal(guest, config, keys)
  if (context.options.apply !== true) {
    const how =
      refused === undefined ? '--apply sets it' : '--apply refuses it, --apply --force sets it anyway'
    await reportChange(context, { ...planned, next: [`dry run: nothing was changed; ${how}`] })
    return EXIT.converged
  }
  if (refused !== undefined && context.options.force !== true)
    throw new VqtuneError('unsupported', `${refused}; nothing was changed; --force sets it anyway`)
  const backup = await changeProxmox(context.system, qm, {
    action: 'set-queues',
    vmid: guest.vmid,
    name: guest.name,
    before: linesOf(config, keys),
    after: linesOf(changed, keys),
  })
  await reportChange(context, {
    ...planned,
    applied: true,
    backup: backup.id,
    next: [
      `${guest.vmid}: set; to undo: vqtune host undo ${backup.id} --apply`,
      ...afterProxmox(guest, config),
    ],
  })
  return EXIT.converged
}

/** Why a change of a running machine is not made unasked: its NIC would go and come, and the guest loses the link. */
export function refusal(guest: QmGuest, config: QmConfig, keys: readonly string[]): string | undefined {
  if (!guest.running || !hotPlugsNetworks(config)) return undefined
  return `${guest.vmid} runs, and qm would take ${keys.join(', ')} out and plug it in anew at once: the guest loses the link and perhaps its addresses`
}

function replugWarning(guest: QmGuest, config: QmConfig, keys: readonly string[]): readonly string[] {
  const text = refusal(guest, config, keys)
  return text === undefined
    ? []
    : [
        text,
        `  -> with the machine off, or without hot-plug of networks: qm set ${guest.vmid} --hotplug disk,usb`,
      ]
}

/** What is left to do after `qm set`. */
export function afterProxmox(guest: QmGuest, config: QmConfig): readonly string[] {
  if (!guest.running || hotPlugsNetworks(config)) return []
  return [
    `${guest.vmid} runs on with the old queues; power it off and start it when it suits (a reboot inside the guest is not enough):`,
    `  qm shutdown ${guest.vmid}; qm start ${guest.vmid}`,
  ]
}
