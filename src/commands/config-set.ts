/** `vqtune config set` and `config unset`: one key in a drop-in of their own, checked together with all other files before. */
import { inByteOrder, readConfigTexts, readTexts } from '../config/load'
import { dropInTextOf, type KeyPlace, OWN_DROP_IN, placeOf, scalarOf, withKey } from '../config/own-drop-in'
import { parseFragment } from '../config/parse'
import { problemLine } from '../config/problem'
import { nicSettings, type Settings } from '../config/settings'
import { EXIT, fileErrorInWords, VqtuneError } from '../errors'
import { unifiedDiff } from '../hypervisor/change/diff'
import type { ObservedNic } from '../model'
import { printJson } from '../output/json'
import { findNic } from '../planner/find-nic'
import { observeGuest } from '../planner/observe'
import type { CommandContext } from './command'
import { reloadDaemon } from './reload-daemon'

export function run(context: CommandContext): Promise<number> {
  const [name = '', value = ''] = context.positionals
  return change(context, 'set', name, value)
}

/** @param value undefined: removes the key */
export async function change(
  context: CommandContext,
  verb: 'set' | 'unset',
  name: string,
  value: string | undefined,
): Promise<number> {
  const { system, options } = context
  if (context.configFile !== undefined)
    throw new VqtuneError('usage', `config ${verb}: --config names another file, which is not written`)
  const file = `${system.paths.etcConfigDir}/${OWN_DROP_IN}`
  const nic = await nicOf(context)
  const place = placeOf(name, nic?.mac)
  if ('problem' in place) throw new VqtuneError('usage', `config ${verb}: ${name}: ${place.problem}`)
  const { texts, problems } = readConfigTexts(system)
  // A configuration that is broken already is not to be built upon.
  const before = await readTexts(texts, problems)
  if (before.problems[0] !== undefined) throw new VqtuneError('config', problemLine(before.problems[0]))
  const old = texts.find((one) => one.file === file)?.text
  const text = await newText(file, old, place, value)
  const changed = [
    ...texts.filter((one) => one.file !== file),
    ...(text === undefined ? [] : [{ file, text }]),
  ]
  const after = await readTexts(inOrder(changed, system.paths.etcConfigDir))
  if (after.problems[0] !== undefined) throw new VqtuneError('config', problemLine(after.problems[0]))

  const difference = unifiedDiff(file, old, text)
  const [was, is] = [before, after].map(({ settings }) => JSON.stringify(effect(settings, place, nic)))
  const isEffective = was !== is
  const isJson = options.json === true
  const say = (line: string): void => {
    if (!isJson) context.out(line)
  }
  const done = (written: boolean): number => {
    if (isJson) context.out(printJson({ file, diff: difference, written, effective: isEffective }))
    return EXIT.converged
  }
  if (difference === '') {
    say(`${file} is like this already\n`)
    return done(false)
  }
  say(difference)
  if (options['dry-run'] === true) return done(false)
  if (!system.mayWrite) throw new VqtuneError('permission', `config ${verb} writes ${file}: run it as root`)
  try {
    if (text === undefined) system.removeFile(file)
    else system.replaceFile(file, text)
  } catch (error) {
    throw fileErrorInWords(error, file, 'cannot write')
  }
  say(`${text === undefined ? 'removed' : 'wrote'} ${file}\n`)
  if (!isJson && !isEffective)
    context.warn(`${name}: no effect, since it was so before or a later file sets it: vqtune config check`)
  await reloadDaemon(context)
  return done(true)
}

async function nicOf({ system, options }: CommandContext): Promise<ObservedNic | undefined> {
  return typeof options.nic === 'string'
    ? findNic(await observeGuest(system, { links: true }), options.nic)
    : undefined
}

/** What can be seen to change: not of [defaults], since rules for single NICs win over them. */
function effect(settings: Settings, { table }: KeyPlace, nic: ObservedNic | undefined): unknown {
  if (nic !== undefined) return nicSettings(settings, nic)
  return table === 'defaults' ? settings.rules : { ...settings, rules: [], sources: [] }
}

async function newText(
  file: string,
  old: string | undefined,
  place: KeyPlace,
  value: string | undefined,
): Promise<string | undefined> {
  const parsed = await parseFragment(file, old ?? '')
  // All files have been checked.
  const fragment = parsed.ok ? parsed.located.fragment : {}
  return dropInTextOf(withKey(fragment, place, value === undefined ? undefined : scalarOf(value)))
}

/** Files beside the directory first, as they are; drop-ins in byte order. */
function inOrder<T extends { readonly file: string }>(texts: readonly T[], directory: string): readonly T[] {
  const isDropIn = ({ file }: T): boolean => file.startsWith(`${directory}/`)
  return [
    ...texts.filter((text) => !isDropIn(text)),
    ...texts.filter(isDropIn).sort((a, b) => inByteOrder(a.file, b.file)),
  ]
}
