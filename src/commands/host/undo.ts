/** `vqtune host undo [backup]`: restores what a host command replaced. A dry run with a diff unless --apply. */

import { EXIT, messageOf, VqtuneError } from '../../errors'
import { type Backup, listBackups, markUndone } from '../../hypervisor/change/backup'
import { hidePasswords, unifiedDiff } from '../../hypervisor/change/diff'
import { changeDomain } from '../../hypervisor/change/domain-change'
import { changeFile } from '../../hypervisor/change/file-change'
import { readConfigFile } from '../../hypervisor/change/safe-file'
import { readDaemon } from '../../hypervisor/libvirt/daemon'
import { Virsh } from '../../hypervisor/libvirt/virsh'
import { changeProxmox } from '../../hypervisor/proxmox/change'
import { linesOf, parseConfig } from '../../hypervisor/proxmox/config'
import { Qm } from '../../hypervisor/proxmox/qm'
import { backupJson, backupTable, describeTarget } from '../../output/host-backups'
import type { CommandContext } from '../command'
import { type ChangeReport, isJson, reportChange } from './change-report'
import { restartAdvice } from './max-files'
import { afterProxmox, refusal } from './set-queues-proxmox'

export async function run(context: CommandContext): Promise<number> {
  const backups = listBackups(context.system)
  if (context.options.list === true) {
    await showList(context, backups)
    return EXIT.converged
  }
  const backup = choose(backups, context.positionals[0])
  const virsh = backup.target.kind === 'domain' ? new Virsh(context.system, backup.target.uri) : undefined
  const current = await readTarget(context, backup, virsh)
  const name = describeTarget(backup)
  const report: ChangeReport = {
    verb: 'undo',
    target: name,
    applied: false,
    diff: '',
    backup: undefined,
    notes: [],
    next: [],
  }
  if (current === backup.before) {
    await reportChange(context, { ...report, next: [`${name}: already has the old text`] })
    if (context.options.apply === true) markUndone(context.system, backup)
    return EXIT.converged
  }
  const diff = hidePasswords(unifiedDiff(name, current ?? undefined, backup.before ?? undefined))
  const foreign = current !== backup.after
  if (foreign && context.options.force !== true) {
    if (!isJson(context)) context.out(diff)
    throw new VqtuneError(
      'state',
      `${name}: modified since ${backup.time}; the diff shows what would be lost, --force restores it anyway; nothing was changed`,
    )
  }
  if (context.options.apply !== true) {
    await reportChange(context, {
      ...report,
      diff,
      next: ['dry run: nothing was changed; --apply restores it'],
    })
    return EXIT.converged
  }
  const undo = await restore(context, backup, virsh, current)
  try {
    markUndone(context.system, backup)
  } catch (error) {
    // The undo itself is done; only the list of backups does not show it.
    context.warn(`backup ${backup.id} is still listed as not undone: ${messageOf(error)}`)
  }
  await reportChange(context, {
    ...report,
    diff,
    applied: true,
    backup: undo.id,
    next: [
      `${name}: restored to the state before ${backup.time}; to reverse this: vqtune host undo ${undo.id} --apply`,
      ...(await afterwards(context, backup)),
    ],
  })
  return EXIT.converged
}

/** The given record, or the newest one that is neither undone nor itself an undo. */
function choose(backups: readonly Backup[], id: string | undefined): Backup {
  const found =
    id === undefined
      ? backups.findLast((backup) => backup.undone === null && !backup.byUndo)
      : backups.find((backup) => backup.id === id)
  if (found !== undefined) return found
  if (id === undefined)
    throw new VqtuneError('usage', 'host undo: nothing to undo; see vqtune host undo --list')
  throw new VqtuneError('usage', `host undo: ${id}: no such backup; see vqtune host undo --list`)
}

async function readTarget(
  context: CommandContext,
  backup: Backup,
  virsh: Virsh | undefined,
): Promise<string | null> {
  const { target } = backup
  if (target.kind === 'file') {
    const { qemuConf, modprobeOwnFile } = context.system.paths.hypervisor
    if (target.path !== qemuConf && target.path !== modprobeOwnFile) {
      throw new VqtuneError(
        'state',
        `backup ${backup.id}: ${target.path} is not a file that host commands change`,
      )
    }
    return readConfigFile(context.system, target.path) ?? null
  }
  if (target.kind === 'proxmox') {
    const keys = netKeysOf(backup)
    return linesOf(await new Qm(context.system).config(target.vmid), keys)
  }
  if (virsh === undefined) return null
  return virsh.inactiveXmlForEdit(await virsh.domain(target.uuid))
}

/** The keys that were changed. An undo sets no others, whatever a record says. */
function netKeysOf({ id, before, after }: Backup): readonly string[] {
  const keys = [...parseConfig(before ?? '').keys()]
  const same = [...parseConfig(after ?? '').keys()].join() === keys.join()
  if (keys.length > 0 && same && keys.every((key) => /^net\d+$/.test(key))) return keys
  throw new VqtuneError('state', `backup ${id}: not the network devices of a virtual machine`)
}

async function restore(
  context: CommandContext,
  backup: Backup,
  virsh: Virsh | undefined,
  current: string | null,
): Promise<Backup> {
  const { target, before, action } = backup
  if (target.kind === 'file') {
    return changeFile(context.system, {
      action: 'undo',
      path: target.path,
      before: current ?? undefined,
      after: before ?? undefined,
      // qemu.conf may hold passwords; modprobe.d is world-readable.
      mode: action === 'max-files' ? 0o600 : 0o644,
    })
  }
  if (current === null || before === null) {
    throw new VqtuneError('state', `backup ${backup.id}: no configuration in it; nothing was changed`)
  }
  if (target.kind === 'proxmox') {
    const qm = new Qm(context.system)
    const refused = refusal(await qm.guest(target.vmid), await qm.config(target.vmid), netKeysOf(backup))
    if (refused !== undefined && context.options.force !== true)
      throw new VqtuneError('unsupported', `${refused}; nothing was changed; --force does it anyway`)
    const { vmid, name } = target
    return changeProxmox(context.system, qm, { action: 'undo', vmid, name, before: current, after: before })
  }
  if (virsh === undefined) {
    throw new VqtuneError('state', `backup ${backup.id}: no libvirt in it; nothing was changed`)
  }
  return changeDomain(context.system, virsh, {
    action: 'undo',
    domain: target,
    before: current,
    after: before,
    verify: (xml) => (xml === before ? undefined : 'it differs from the backup'),
  })
}

async function afterwards(context: CommandContext, { target, action }: Backup): Promise<readonly string[]> {
  if (target.kind === 'domain')
    return [
      `if ${target.name} is running, it keeps its current queues until it is powered off and started again`,
    ]
  if (target.kind === 'proxmox') {
    const qm = new Qm(context.system)
    return afterProxmox(await qm.guest(target.vmid), await qm.config(target.vmid))
  }
  if (action === 'max-files') return restartAdvice(await readDaemon(context.system))
  if (action.startsWith('zerocopy'))
    return ['the module keeps its current setting until it is reloaded: see vqtune host zerocopy status']
  return []
}

async function showList(context: CommandContext, backups: readonly Backup[]): Promise<void> {
  if (isJson(context)) {
    const { printJson } = await import('../../output/json')
    context.out(printJson({ backups: backups.map(backupJson) }))
    return
  }
  context.out(backupTable(backups))
}
