/** `vqtune config check`: every problem in every file; if there is none, each NIC's settings and where they come from. */

import {
  type ConfigReading,
  MAX_FILE_BYTES,
  namesNotRead,
  readConfig,
  readTexts,
  unreadable,
} from '../config/load'
import { matchesNic } from '../config/match'
import { nicOrigin, nicSettings, type Settings } from '../config/settings'
import { EXIT, messageOf } from '../errors'
import { readFlowEntries } from '../kernel/flow-table'
import type { NicSettings, ObservedNic } from '../model'
import { checkJson, type FoundNics, problemText, settingsText } from '../output/config-check'
import { observeGuest } from '../planner/observe'
import { readInput } from '../system/standard-streams'
import type { System } from '../system/system'
import { NO_FLOW_TABLE, RFS_KEY, RFS_SPREAD } from '../tunables/rfs'
import type { CommandContext } from './command'

export async function run(context: CommandContext): Promise<number> {
  const { files, problems, settings } = await readChecked(context)
  const nics = problems.length > 0 ? [] : await findNics(context.system)
  const notes = [
    ...(context.configFile === undefined && problems.length === 0 ? ignoredFiles(context.system) : []),
    ...notesOn(settings, nics, readFlowEntries(context.system)),
  ]
  if (context.options.json === true) context.out(await checkJson(files, problems, settings, nics, notes))
  else if (problems.length > 0) context.out(problemText(problems, context.color))
  else context.out(settingsText(files, settings, nics, notes))
  return problems.length > 0 ? EXIT.usage : EXIT.converged
}

const STDIN = '/dev/stdin'

/** Only here standard input may be a configuration: it is checked but not used, so it does not matter who wrote it. */
function readChecked({ system, configFile }: CommandContext): Promise<ConfigReading> {
  if (configFile !== '-' && configFile !== STDIN) return readConfig(system, configFile)
  try {
    const text = readInput(MAX_FILE_BYTES)
    if (text !== undefined) return readTexts([{ file: STDIN, text }])
    const tooLarge = `allowed is up to ${MAX_FILE_BYTES} bytes`
    return readTexts([], [{ file: STDIN, line: undefined, text: tooLarge }])
  } catch (error) {
    return readTexts([], [unreadable(STDIN, error)])
  }
}

function ignoredFiles(system: System): readonly string[] {
  return namesNotRead(system).map((file) => `${file}: not read: drop-ins end in .toml`)
}

/** Valid, but hardly intended. */
function notesOn(settings: Settings, nics: FoundNics, flowEntries: number | undefined): readonly string[] {
  if ('why' in nics) return []
  const unused = settings.rules.filter(({ match }) => !nics.some((nic) => matchesNic(match, nic)))
  return [
    ...nics.flatMap((nic) => conflictOf(nic.name, nicSettings(settings, nic))),
    ...(flowEntries === 0 ? withoutFlowTable(settings, nics) : []),
    ...(nics.length === 0 ? [] : unused).map(
      ({ source }) => `${source}: this rule matches no NIC of this guest`,
    ),
  ]
}

function withoutFlowTable(settings: Settings, nics: readonly ObservedNic[]): readonly string[] {
  return nics.flatMap((nic) => {
    if (nicSettings(settings, nic).switches[RFS_KEY] !== RFS_SPREAD) return []
    return [
      `${nic.name}: ${RFS_KEY} = "${RFS_SPREAD}" (${nicOrigin(settings, nic, RFS_KEY)}): ${NO_FLOW_TABLE}`,
    ]
  })
}

/** The keys come from different tables. */
function conflictOf(name: string, { cap, channels }: NicSettings): readonly string[] {
  if (cap === undefined || channels === undefined || channels <= cap) return []
  return [`${name}: channels = ${channels} is more than cap = ${cap} from another table: the cap wins`]
}

/** A configuration can be checked where there is no guest to observe, such as in an image build. */
async function findNics(system: System): Promise<FoundNics> {
  try {
    return (await observeGuest(system, { links: true })).nics
  } catch (error) {
    return { why: messageOf(error) }
  }
}
