/** `vqtune daemon`: reports and repairs drift until it is stopped. */
import { loadSettings } from '../config/load'
import { Daemon } from '../daemon/daemon'
import { createLogger } from '../daemon/logger'
import { ServiceManager } from '../daemon/notify'
import { EXIT, VqtuneError } from '../errors'
import type { CommandContext } from './command'

export async function run(context: CommandContext): Promise<number> {
  const { system, configFile, signal } = context
  if (!system.mayWrite) throw new VqtuneError('permission', 'daemon writes kernel settings: run it as root')
  const settings = await loadSettings(system, configFile)
  const logger = createLogger(settings.daemon, system.trace !== undefined)
  const { log } = logger
  system.trace?.redirect((line) => log.debug(line))
  const manager = new ServiceManager(system, process.env, (text) => log.warn(text))
  const daemon = new Daemon(system, settings, configFile, logger, manager, signal)
  const onReload = (): void => void daemon.reload()
  process.on('SIGHUP', onReload)
  try {
    await daemon.run()
  } finally {
    process.off('SIGHUP', onReload)
  }
  return EXIT.converged
}
