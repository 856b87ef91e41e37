import { VqtuneError } from '../errors'
import type { CommandContext } from './command'

const DAEMON_UNIT = 'vqtuned.service'

/** A running daemon has the old configuration in memory. One that cannot be told is a warning: the file is written. */
export async function reloadDaemon({ system, warn }: Pick<CommandContext, 'system' | 'warn'>): Promise<void> {
  if (system.findTool('systemctl') === undefined) return
  try {
    const { code, stderr } = await system.run('systemctl', ['try-reload-or-restart', DAEMON_UNIT])
    // 5: no such unit; 1 with this text: not systemd.
    if (code === 0 || code === 5 || stderr.includes('not been booted with systemd')) return
  } catch (error) {
    // A systemd that hangs must not prevent what follows.
    if (!(error instanceof VqtuneError)) throw error
  }
  warn(`could not reload ${DAEMON_UNIT}; run systemctl reload ${DAEMON_UNIT}`)
}
