/**
 * Reads the configuration files. On the boot path: if the files have only comments and headers of empty tables, as
 * shipped, neither the TOML parser nor the schema is loaded.
 */
import { dirname } from 'node:path'
import { errnoOf, messageOf, VqtuneError } from '../errors'
import { type FileFacts, ownershipProblem } from '../system/ownership'
import type { System } from '../system/system'
import type { ConfigText } from './fragments'
import { type Problem, problemLine } from './problem'
import { DEFAULT_SETTINGS, type Settings } from './settings'

export interface ConfigReading {
  /** Files that were found, in order of precedence, lowest first; including invalid ones. */
  readonly files: readonly string[]
  /** In file order; the settings are usable only if it is empty. */
  readonly problems: readonly Problem[]
  /** The built-in defaults if there are problems: an invalid file changes nothing. */
  readonly settings: Settings
}

/**
 * The settings from the installed files, or from one file instead of them.
 * @param configFile named by --config; must exist.
 * @throws VqtuneError kind config with one line: the first problem, and the number of others.
 */
export async function loadSettings(system: System, configFile?: string): Promise<Settings> {
  const { problems, settings } = await readConfig(system, configFile)
  const first = problems[0]
  if (first === undefined) return settings
  const more = problems.length > 1 ? ` (and ${problems.length - 1} more: see vqtune config check)` : ''
  throw new VqtuneError('config', problemLine(first) + more)
}

/** Like loadSettings, but returns all problems instead of throwing. */
export async function readConfig(system: System, configFile?: string): Promise<ConfigReading> {
  const { texts, problems } = readConfigTexts(system, configFile)
  return readTexts(texts, problems)
}

/** The files that readConfig reads, as they are. */
export function readConfigTexts(
  system: System,
  configFile?: string,
): { readonly texts: readonly ConfigText[]; readonly problems: readonly Problem[] } {
  const problems: Problem[] = []
  const found = configFile === undefined ? installedFiles(system, problems) : [configFile]
  const texts: ConfigText[] = []
  for (const file of found) {
    const text = readConfigFile(system, file, problems)
    if (text !== undefined) texts.push({ file, text })
    else if (configFile !== undefined && problems.length === 0) {
      problems.push({ file, line: undefined, text: 'no such file' })
    }
  }
  return { texts, problems }
}

/**
 * Like readConfig, for texts that have already been read.
 * @param earlier problems of files that could not be read
 */
export async function readTexts(
  texts: readonly ConfigText[],
  earlier: readonly Problem[] = [],
): Promise<ConfigReading> {
  const files = texts.map(({ file }) => file)
  const written = texts.filter(({ text }) => !isEmptyConfig(text))
  if (written.length === 0)
    return { files, problems: earlier, settings: { ...DEFAULT_SETTINGS, sources: files } }
  const { readFragments } = await import('./fragments')
  const read = await readFragments(written, files)
  const problems = [...earlier, ...read.problems]
  // An unreadable file counts like an invalid one.
  const settings = problems.length > 0 ? DEFAULT_SETTINGS : read.settings
  return { files, problems, settings }
}

/** Candidates in order of precedence, lowest first; not all of them exist. */
function installedFiles(system: System, problems: Problem[]): string[] {
  const { vendorConfig, etcConfig, etcConfigDir } = system.paths
  return [vendorConfig, etcConfig, ...dropIns(system, etcConfigDir, problems)]
}

/** The order of drop-ins, for sort(). */
export function inByteOrder(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}

/** Hidden files are an editor's. */
function isDropIn(name: string): boolean {
  return name.endsWith('.toml') && !name.startsWith('.')
}

/** `*.toml` in byte order, as in systemd. */
function dropIns(system: System, directory: string, problems: Problem[]): string[] {
  try {
    const facts = system.stat(directory)
    const text = facts === undefined ? danglingLink(system, directory) : notThe('directory', facts)
    if (text !== undefined) problems.push({ file: directory, line: undefined, text })
    return system
      .list(directory)
      .filter(isDropIn)
      .sort(inByteOrder)
      .map((name) => `${directory}/${name}`)
  } catch (error) {
    problems.push(unreadable(directory, error))
    return []
  }
}

/** Files beside the drop-ins that are not read, for their names, such as `50-site.conf`. Throws the system error. */
export function namesNotRead(system: System): readonly string[] {
  const { etcConfigDir } = system.paths
  const isMeant = (name: string): boolean => !isDropIn(name) && !name.startsWith('.')
  return system
    .list(etcConfigDir)
    .filter(isMeant)
    .map((name) => `${etcConfigDir}/${name}`)
}

/** A link to a file system that is not mounted must not look like an empty configuration. */
function danglingLink(system: System, path: string): string | undefined {
  const link = [path, dirname(path)].find((one) => system.linkStat(one)?.kind === 'link')
  if (link === undefined || system.exists(link)) return undefined
  return `${link === path ? 'a link' : `in ${link}, a link`} to ${system.readLink(link)}, which does not exist`
}

function notThe(kind: 'file' | 'directory', facts: FileFacts): string | undefined {
  if (facts.kind === kind) return undefined
  const kinds = {
    file: 'a file',
    directory: 'a directory',
    link: 'a link',
    other: 'a device, pipe or socket',
  }
  return `not a ${kind === 'file' ? 'regular file' : kind} but ${kinds[facts.kind]}`
}

/**
 * A larger file is a mistake, and would delay booting. Also, the validator passes all problems as arguments of one call, of
 * which the stack holds about 120,000: with this limit there is at most one per two bytes.
 */
export const MAX_FILE_BYTES = 128 * 1024

/** The text of one file; undefined if it does not exist, or must not be used or leads nowhere, which adds a problem. */
function readConfigFile(system: System, file: string, problems: Problem[]): string | undefined {
  try {
    const facts = system.stat(file)
    const text = facts === undefined ? danglingLink(system, file) : notThe('file', facts)
    if (text !== undefined) problems.push({ file, line: undefined, text })
    if (facts === undefined || text !== undefined) return undefined
    if (facts.size > MAX_FILE_BYTES) {
      problems.push({
        file,
        line: undefined,
        text: `${facts.size} bytes: allowed is up to ${MAX_FILE_BYTES}`,
      })
      return undefined
    }
    // The ownership of a captured guest tree is not checked: it belongs to whoever unpacked it.
    const distrust = system.paths.root === '' ? ownershipProblem(system, file) : undefined
    if (distrust !== undefined) {
      problems.push({ file, line: undefined, text: distrust })
      return undefined
    }
    return system.readText(file)
  } catch (error) {
    problems.push(unreadable(file, error))
    return undefined
  }
}

export function unreadable(file: string, error: unknown): Problem {
  const reason = errnoOf(error) === 'EACCES' ? 'permission denied' : messageOf(error)
  return { file, line: undefined, text: `cannot be read: ${reason}` }
}

/** True if a file has only blank lines, comments and each known table header at most once. */
export function isEmptyConfig(text: string): boolean {
  const seen = new Set<string>()
  return text.split('\n').every((line) => {
    const header = /^\s*(?:\[(boot|daemon|metrics|guard|defaults)\]\s*)?(?:#.*)?$/.exec(line)
    if (header === null) return false
    const name = header[1]
    if (name === undefined) return true
    if (seen.has(name)) return false
    seen.add(name)
    return true
  })
}
