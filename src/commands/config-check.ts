/** `vqtune config check`: every problem in every file; if there is none, each NIC's settings and where they come from. */

import { type ConfigReading, MAX_FILE_BYTES, readConfig, readTexts, unreadable } from '../config/load'
import { EXIT, messageOf } from '../errors'
import { checkJson, type FoundNics, problemText, settingsText } from '../output/config-check'
import { observeGuest } from '../planner/observe'
import { readInput } from '../system/standard-streams'
import type { System } from '../system/system'
import type { CommandContext } from './command'

export async function run(context: CommandContext): Promise<number> {
  const { files, problems, settings } = await readChecked(context)
  const nics = problems.length > 0 ? [] : await findNics(context.system)
  if (context.options.json === true) context.out(checkJson(files, problems, settings, nics))
  else if (problems.length > 0) context.out(problemText(problems, context.color))
  else context.out(settingsText(files, settings, nics))
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

/** A configuration can be checked where there is no guest to observe, such as in an image build. */
async function findNics(system: System): Promise<FoundNics> {
  try {
    return (await observeGuest(system, { links: true })).nics
  } catch (error) {
    return { why: messageOf(error) }
  }
}
