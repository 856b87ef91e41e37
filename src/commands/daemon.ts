/** `vqtune daemon`: reports and repairs drift until it is stopped. */
import { loadSettings } from '../config/load'
import { Daemon } from '../daemon/daemon'
import { createLogger, type Logger } from '../daemon/logger'
import { ServiceManager } from '../daemon/notify'
import { EXIT, VqtuneError } from '../errors'
import { takeDaemonLock } from '../system/lock'
import type { System } from '../system/system'
import type { CommandContext } from './command'

export async function run(context: CommandContext): Promise<number> {
  const { system, configFile, signal } = context
  if (!system.mayWrite) throw new VqtuneError('permission', 'daemon writes kernel settings: run it as root')
  const settings = await loadSettings(system, configFile)
  const logger = createLogger(settings.daemon, system.trace !== undefined)
  const { log } = logger
  system.trace?.redirect((line) => log.debug(line))
  await makeSureToBeAlone(system, log)
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

/** Two daemons would repair each other's work, and the first that ends would take the status of both with it. */
async function makeSureToBeAlone(system: System, log: Logger): Promise<void> {
  try {
    await takeDaemonLock(system)
  } catch (error) {
    if (!(error instanceof VqtuneError) || error.kind === 'busy') throw error
    // Without flock, say: the NICs are worth more than to know.
    log.warn(`it is not known whether another daemon runs: ${error.message}`)
  }
}
