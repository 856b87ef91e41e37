/** Configuration files that set keys -> settings. Loads the TOML parser and the schema, so it is a separate bundle. */
import { mergeFragments, toSettings } from './merge'
import { parseFragment } from './parse'
import type { Problem } from './problem'
import { DEFAULT_SETTINGS, type Settings } from './settings'

export interface ConfigText {
  readonly file: string
  readonly text: string
}

export interface FragmentsReading {
  /** In the order of the files and of their lines. */
  readonly problems: readonly Problem[]
  /** The built-in defaults if there are problems. */
  readonly settings: Settings
}

/**
 * @param texts in order of precedence, lowest first
 * @param sources all files that were found, for the settings
 */
export async function readFragments(
  texts: readonly ConfigText[],
  sources: readonly string[],
): Promise<FragmentsReading> {
  const parsed = await Promise.all(texts.map(({ file, text }) => parseFragment(file, text)))
  const fragments = parsed.flatMap((one) => (one.ok ? [one.located] : []))
  const problems = parsed.flatMap((one) => (one.ok ? [] : one.problems))
  const settings = problems.length > 0 ? DEFAULT_SETTINGS : toSettings(mergeFragments(fragments), sources)
  return { problems, settings }
}
