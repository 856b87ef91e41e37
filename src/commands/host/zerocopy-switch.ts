/** `vqtune host zerocopy on|off`: writes vqtune's own modprobe.d file, and reloads the module if it is not in use. */
import { EXIT, messageOf, VqtuneError } from '../../errors'
import { type Backup, discardBackup } from '../../hypervisor/change/backup'
import { unifiedDiff } from '../../hypervisor/change/diff'
import { changeFile } from '../../hypervisor/change/file-change'
import { readConfigFile, removeSafely, writeSafely } from '../../hypervisor/change/safe-file'
import { isOn, MODULE, ownConf, PARAMETER } from '../../hypervisor/zerocopy/modprobe-conf'
import { planReload, readVhostModule, reloadModule, type VhostModule } from '../../hypervisor/zerocopy/module'
import type { CommandContext } from '../command'

/** What is given up, and why the kernel turned it off by default. */
const RISK =
  'zero copy gives up a security mitigation: a guest can stall the traffic of others (denial of service), and memory of ' +
  'guests and host stays exposed to the network stack while packets are queued (information leaks)'

const CONF_MODE = 0o644

export async function runSwitch(context: CommandContext, on: boolean): Promise<number> {
  const { system, out, options } = context
  const path = system.paths.hypervisor.modprobeOwnFile
  const module = await readVhostModule(system)
  if (on) refuseImpossible(module)
  const apply = options.apply === true
  if (on && apply && options['accept-risk'] !== true) {
    throw new VqtuneError(
      'usage',
      `host zerocopy on: ${RISK}; to accept this, add --accept-risk; nothing was changed`,
    )
  }
  const before = readConfigFile(system, path)
  const after = wantedConf(module, on, before)
  if (on) out(`${RISK}\n`)
  if (after !== before) out(unifiedDiff(path, before, after))
  else
    out(
      `${path}: ${before === undefined ? 'absent, and not needed' : `already sets ${PARAMETER}=${on ? 1 : 0}`}\n`,
    )
  const plan = planReload(module, on)
  if (!apply) {
    if (plan.kind === 'reload') out(`then ${MODULE}, which is not in use, is reloaded\n`)
    else explainLater(plan, out)
    out(`dry run: nothing was changed; ${on ? '--accept-risk --apply' : '--apply'} does it\n`)
    return EXIT.converged
  }
  const backup =
    after === before
      ? undefined
      : changeFile(system, {
          action: on ? 'zerocopy-on' : 'zerocopy-off',
          path,
          before,
          after,
          mode: CONF_MODE,
        })
  if (backup !== undefined)
    out(
      `${path}: ${after === undefined ? 'removed' : 'written'}; to undo: vqtune host undo ${backup.id} --apply\n`,
    )
  await warnOverridden(context, on)
  if (plan.kind === 'reload') await reload(context, on, backup)
  else explainLater(plan, out)
  return EXIT.converged
}

function refuseImpossible({ state, parameter }: VhostModule): void {
  if (state === 'absent') throw new VqtuneError('unsupported', `this kernel has no module ${MODULE}`)
  if (parameter === 'removed') {
    throw new VqtuneError(
      'unsupported',
      `${MODULE} of this kernel no longer has ${PARAMETER}: zero copy is not possible`,
    )
  }
}

/** Off means no file where nothing turns it on, and an explicit 0 where the kernel's default or another file would. */
function wantedConf(module: VhostModule, on: boolean, before: string | undefined): string | undefined {
  if (on) return ownConf(true)
  if (module.parameter === 'removed' || module.state === 'absent') return undefined
  const needed = before !== undefined || module.running === true || module.configured !== undefined
  return needed ? ownConf(false) : undefined
}

/** Another file may sort after ours, and the kernel command line always comes last. */
async function warnOverridden(context: CommandContext, on: boolean): Promise<void> {
  const { configured } = await readVhostModule(context.system)
  if (configured === undefined || isOn(configured.value) === on) return
  context.warn(
    `${configured.source} sets ${PARAMETER}=${configured.value} and takes precedence; vqtune does not edit it`,
  )
}

function explainLater(plan: ReturnType<typeof planReload>, out: (text: string) => void): void {
  if (plan.kind === 'reload') return
  const steps = plan.kind === 'later' ? plan.steps.map((step) => `  ${step}`) : []
  out(`${[plan.why, ...steps].join('\n')}\n`)
}

async function reload(context: CommandContext, on: boolean, backup: Backup | undefined): Promise<void> {
  const { system, out } = context
  if (system.paths.root !== '') return out(`${MODULE} is not reloaded: --root is a captured tree\n`)
  try {
    const inUse = await reloadModule(system, on)
    if (inUse === undefined) return out(`${MODULE}: reloaded, ${PARAMETER} is ${on ? 'on' : 'off'}\n`)
    explainLater(planReload(await readVhostModule(system), on), out)
  } catch (error) {
    throw await tookBack(context, backup, error)
  }
}

/** A module that does not load with the new file must load without it: guests need vhost more than zero copy. */
async function tookBack(
  context: CommandContext,
  backup: Backup | undefined,
  error: unknown,
): Promise<VqtuneError> {
  const { system } = context
  const path = system.paths.hypervisor.modprobeOwnFile
  let end: string
  try {
    if (backup !== undefined) {
      if (backup.before === null) removeSafely(system, path)
      else writeSafely(system, path, backup.before, { mode: CONF_MODE })
      discardBackup(system, backup)
    }
    const loaded = await system.run('modprobe', [MODULE])
    end = `${path} was restored${loaded.code === 0 ? ` and ${MODULE} is loaded` : `, but ${MODULE} does not load: modprobe ${MODULE}`}`
  } catch (failure) {
    end = `restoring it failed, too (${messageOf(failure)}): check ${path} and run modprobe ${MODULE}`
  }
  const kind = error instanceof VqtuneError ? error.kind : 'tool-failed'
  return new VqtuneError(kind, `${messageOf(error)}; ${end}`, { cause: error })
}
