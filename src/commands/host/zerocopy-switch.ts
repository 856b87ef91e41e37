/** `vqtune host zerocopy on|off`: writes vqtune's own modprobe.d file, and loads the module again when nothing uses it. */
import { EXIT, messageOf, VqtuneError } from '../../errors'
import { type Backup, discardBackup } from '../../hypervisor/change/backup'
import { unifiedDiff } from '../../hypervisor/change/diff'
import { changeFile } from '../../hypervisor/change/file-change'
import { readConfigFile, removeSafely, writeSafely } from '../../hypervisor/change/safe-file'
import { isOn, MODULE, ownConf, PARAMETER } from '../../hypervisor/zerocopy/modprobe-conf'
import { planReload, readVhostModule, reloadModule, type VhostModule } from '../../hypervisor/zerocopy/module'
import type { CommandContext } from '../command'
import { type ChangeReport, reportChange } from './change-report'

/** Says what is given up; the reason why the kernel turned it off by default. */
const RISK =
  'zero copy gives up a mitigation: a guest can hold up the traffic of others (denial of service), and memory of ' +
  'guests and host stays reachable for the network stack while packets are queued (information leaks)'

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
      `host zerocopy on: ${RISK}; --accept-risk says that you accept this; nothing was changed`,
    )
  }
  const before = readConfigFile(system, path)
  const after = wantedConf(module, on, before)
  const same = `${path}: ${before === undefined ? 'not there, and not needed' : `holds ${PARAMETER}=${on ? 1 : 0} already`}`
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
      plan.kind === 'reload' ? [`then ${MODULE}, which nothing uses, is loaded again`] : laterSteps(plan)
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
          `${path}: ${after === undefined ? 'removed' : 'written'}; to go back: vqtune host undo ${backup.id} --apply`,
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
      `${PARAMETER} was removed from ${MODULE} of this kernel: zero copy is not possible`,
    )
  }
}

/** Off without a trace where nothing turns it on; an explicit 0 where the kernel's default or another file would. */
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
  context.warn(`${configured.source} sets ${PARAMETER}=${configured.value} and wins; vqtune does not edit it`)
}

function laterSteps(plan: ReturnType<typeof planReload>): readonly string[] {
  if (plan.kind === 'reload') return []
  return [plan.why, ...(plan.kind === 'later' ? plan.steps.map((step) => `  ${step}`) : [])]
}

/** @returns what came of it, for people */
async function reload(
  context: CommandContext,
  on: boolean,
  backup: Backup | undefined,
): Promise<readonly string[]> {
  const { system } = context
  if (system.paths.root !== '') return [`${MODULE} is not loaded again: --root names another tree`]
  try {
    const inUse = await reloadModule(system, on)
    if (inUse === undefined) return [`${MODULE}: loaded again, ${PARAMETER} is ${on ? 'on' : 'off'}`]
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
      if (backup.before === null) removeSafely(path)
      else writeSafely(path, backup.before, { mode: CONF_MODE })
      discardBackup(system, backup)
    }
    const loaded = await system.run('modprobe', [MODULE])
    end = `${path} is as it was${loaded.code === 0 ? ` and ${MODULE} is loaded` : `, but ${MODULE} does not load: modprobe ${MODULE}`}`
  } catch (failure) {
    end = `going back failed too (${messageOf(failure)}): look at ${path} and run modprobe ${MODULE}`
  }
  const kind = error instanceof VqtuneError ? error.kind : 'tool-failed'
  return new VqtuneError(kind, `${messageOf(error)}; ${end}`, { cause: error })
}
