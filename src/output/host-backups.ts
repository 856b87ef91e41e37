/** The output of `vqtune host undo` without a backup: those that there are. Pure. */
import type { Backup } from '../hypervisor/change/backup'
import { renderTable } from '../text/table'

export function backupTable(backups: readonly Backup[]): string {
  if (backups.length === 0) return 'no backups\n'
  return renderTable(
    ['BACKUP', 'VERB', 'OF', 'STATE'],
    backups.map((backup) => [
      backup.id,
      backup.action,
      describeTarget(backup),
      backup.undone === null ? 'can be undone' : `undone ${backup.undone}`,
    ]),
  )
}

export function backupJson(backup: Backup): object {
  const { id, time, action, undone } = backup
  return { id, time, verb: action, target: describeTarget(backup), undone }
}

/** The file that was changed. */
export function describeTarget({ target }: Backup): string {
  if (target.kind === 'file') return target.path
  return target.kind === 'domain' ? `${target.name}.xml` : `${target.vmid}.conf`
}
