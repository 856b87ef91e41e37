/** `vqtune host zerocopy on|off`: writes vqtune's own modprobe.d file, and reloads the module if it is not in use. */
import { EXIT, messageOf, VqtuneError } from '../../errors'
import { type Backup, discardBackup } from '../../hypervisor/change/backup'
import { unifiedDiff } from '../../hypervisor/change/diff'
import { changeFile } from '../../hypervisor/change/file-change'
import { readConfigFile, removeSafely, writeSafely } from '../../hypervisor/change/safe-file'
import { isOn, MODULE, ownConf, PARAMETER } from '../../hypervisor/zerocopy/modprobe-conf'
import { planReload, readVhostModule, reloadModule, type VhostModule } from '../../hypervisor/zerocopy/module'
import type { CommandContext } from '../command'
import { type ChangeReport, reportChange } from './change-report'

/** What is given up, and why the kernel turned it off by default. */
const RISK =
  'zero copy gives up a security mitigation: a guest can stall the traffic of others (denial of service), and memory of ' +
  'guests and host stays exposed to the network stack while packets are queued (information leaks)'

const CONF_MODE = 0o644

export async function runSwitch(context: CommandContext, on: boolean): Promise<number> {
  const { system, options } = context
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
  const same = `${path}: ${before === undefined ? 'absent, and not needed' : `already sets ${PARAMETER}=${on ? 1 : 0}`}`
  const plan = planReload(module, on)
  const report: ChangeReport = {
    verb: on ? 'zerocopy on' : 'zerocopy off',
    target: path,
    applied: false,
    diff: unifiedDiff(path, before, after),
    backup: undefined,
    notes: on ? [RISK] : [],
    next: after === before ? [same] : [],
  }
  if (!apply) {
    const reload =
      plan.kind === 'reload' ? [`then ${MODULE}, which is not in use, is reloaded`] : laterSteps(plan)
    const how = on ? '--accept-risk --apply' : '--apply'
    await reportChange(context, {
      ...report,
      next: [...report.next, ...reload, `dry run: nothing was changed; ${how} does it`],
    })
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
  const written =
    backup === undefined
      ? []
      : [
          `${path}: ${after === undefined ? 'removed' : 'written'}; to undo: vqtune host undo ${backup.id} --apply`,
        ]
  await warnOverridden(context, on)
  const reloaded = plan.kind === 'reload' ? await reload(context, on, backup) : laterSteps(plan)
  await reportChange(context, {
    ...report,
    applied: backup !== undefined,
    backup: backup?.id,
    next: [...report.next, ...written, ...reloaded],
  })
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

function laterSteps(plan: ReturnType<typeof planReload>): readonly string[] {
  if (plan.kind === 'reload') return []
  return [plan.why, ...(plan.kind === 'later' ? plan.steps.map((step) => `  ${step}`) : [])]
}

/** @returns the outcome, for people */
async function reload(
  context: CommandContext,
  on: boolean,
  backup: Backup | undefined,
): Promise<readonly string[]> {
  const { system } = context
  if (system.paths.root !== '') return [`${MODULE} is not reloaded: --root is a captured tree`]
  try {
    const inUse = await reloadModule(system, on)
    if (inUse === undefined) return [`${MODULE}: reloaded, ${PARAMETER} is ${on ? 'on' : 'off'}`]
    return laterSteps(planReload(await readVhostModule(system), on))
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
