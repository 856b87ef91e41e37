/** `vqtune config check`: every problem in every file; if there is none, each NIC's settings and where they come from. */
import { type ConfigReading, MAX_FILE_BYTES, readConfig, readTexts, unreadable } from '../config/load'
import { type Problem, problemLine } from '../config/problem'
import { NIC_KEYS, nicOrigin, nicSettings, type Settings } from '../config/settings'
import { EXIT, messageOf } from '../errors'
import type { NicSettings, ObservedNic } from '../model'
import { printJson } from '../output/json'
import { observeGuest } from '../planner/observe'
import { readInput } from '../system/standard-streams'
import type { System } from '../system/system'
import { paint } from '../text/paint'
import { plural } from '../text/plural'
import { renderTable } from '../text/table'
import type { CommandContext } from './command'

export async function run(context: CommandContext): Promise<number> {
  const { files, problems, settings } = await readChecked(context)
  const nics = problems.length > 0 ? [] : await findNics(context.system)
  if (context.options.json === true) context.out(await checkJson(files, problems, settings, nics))
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

type FoundNics = readonly ObservedNic[] | { readonly why: string }

/** A configuration can be checked where there is no guest to observe, such as in an image build. */
async function findNics(system: System): Promise<FoundNics> {
  try {
    return (await observeGuest(system, { links: true })).nics
  } catch (error) {
    return { why: messageOf(error) }
  }
}

function problemText(problems: readonly Problem[], color: boolean): string {
  const { bad } = paint(color)
  return `${[...problems.map((problem) => bad(problemLine(problem))), plural(problems.length, 'problem')].join('\n')}\n`
}

function settingsText(files: readonly string[], settings: Settings, nics: FoundNics): string {
  const read = files.length === 0 ? 'no configuration file: built-in defaults' : `read ${files.join(', ')}`
  const parts = [`${read}\nno problems\n`]
  if ('why' in nics) parts.push(`the guest cannot be observed: ${nics.why}\n`)
  else if (nics.length === 0) parts.push('no virtio-net NIC in this network namespace\n')
  else {
    parts.push('\n', settingsTable(settings, nics))
    parts.push(...nics.flatMap((nic) => notesOn(nic.name, nicSettings(settings, nic))))
  }
  return parts.join('')
}

function settingsTable(settings: Settings, nics: readonly ObservedNic[]): string {
  const rows = nics.flatMap((nic) => {
    const values = nicSettings(settings, nic)
    return NIC_KEYS.map(({ key, none, valueIn }) => [
      nic.name,
      key,
      String(valueIn(values) ?? none),
      nicOrigin(settings, nic, key),
    ])
  })
  return renderTable(['NIC', 'KEY', 'VALUE', 'FROM'], rows)
}

/** Valid, since the keys come from different tables, but hardly intended. */
function notesOn(name: string, { cap, channels }: NicSettings): string[] {
  if (cap === undefined || channels === undefined || channels <= cap) return []
  return [`${name}: channels = ${channels} is more than cap = ${cap} from another table: the cap wins\n`]
}

async function checkJson(
  files: readonly string[],
  problems: readonly Problem[],
  settings: Settings,
  nics: FoundNics,
): Promise<string> {
  // The grammar, which is needed for nothing else if no file sets anything.
  const { allowedForNic } = await import('../config/grammar')
  const found = 'why' in nics ? [] : nics
  return printJson({
    files,
    problems: problems.map(({ file, line, text }) => ({ file, line: line ?? null, text })),
    nics: found.map((nic) => {
      const values = nicSettings(settings, nic)
      return {
        name: nic.name,
        settings: Object.fromEntries(NIC_KEYS.map(({ key, valueIn }) => [key, valueIn(values) ?? null])),
        from: Object.fromEntries(NIC_KEYS.map(({ key }) => [key, nicOrigin(settings, nic, key)])),
      }
    }),
    keys: NIC_KEYS.map(({ key }) => {
      const { allowed, choices } = allowedForNic(key)
      return { key, allowed, choices: choices ?? null }
    }),
    unobserved: 'why' in nics ? nics.why : null,
  })
}
