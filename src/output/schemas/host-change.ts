import { z } from 'zod'
import type { ChangeVerb } from '../../commands/host/change-report'
import { BACKUP_ACTIONS } from '../../hypervisor/change/backup'
import { document } from './document'

/** Common to the commands that change something on a hypervisor. */
function change(verb: ChangeVerb) {
  return document(`vqtune host ${verb} --json`, {
    verb: z.literal(verb),
    target: z.string().describe('the file, or the guest whose configuration it is'),
    applied: z.boolean().describe('false: a dry run, or nothing to change'),
    diff: z.string().describe('unified diff without passwords; empty if nothing differs'),
    backup: z.string().nullable().describe('argument of vqtune host undo; null if nothing was changed'),
    notes: z.array(z.string()).describe('what is skipped, and risks'),
    next: z.array(z.string()).describe('the outcome, and what remains to be done'),
  })
}

export const hostSetQueues = change('set-queues')
export const hostMaxFiles = change('max-files')
export const hostZerocopyOn = change('zerocopy on')
export const hostZerocopyOff = change('zerocopy off')
export const hostUndo = change('undo')

const backup = z.object({
  id: z.string(),
  time: z.string().describe('ISO 8601, UTC'),
  verb: z.enum(BACKUP_ACTIONS),
  target: z.string(),
  undone: z.string().nullable().describe('time of the undo; null: can be undone'),
})

export const hostUndoList = document('vqtune host undo --list --json', {
  backups: z.array(backup).describe('oldest first'),
})
