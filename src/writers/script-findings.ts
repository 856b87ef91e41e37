/** What a script of another program writes, as findings. */
import type { System } from '../system/system'
import type { Bindings } from './shell/run'
import { type OpenScript, type Script, type ScriptWrite, scriptWrites } from './shell/script'
import { listAllowed, readableText, type Writer, type WriterTarget } from './writer'

export type { Bindings }

/** Any interface: what a dispatcher calls its scripts with. */
export const ANY_NIC = ['*'] as const

export function opener(system: System): OpenScript {
  return (path) => readableText(system, `${system.paths.root}${path}`)
}

export interface FindingOptions {
  readonly writer: string
  /** How to switch it off. */
  readonly remedy: string | ((write: ScriptWrite) => string)
  /** It does not run by itself as things are, with the reason; then it is only a possibility. */
  readonly inactive?: string | undefined
  /** When it runs: `at each boot`. */
  readonly when: string
}

/** The findings of one script; one for each setting and place. */
export function scriptFindings(
  system: System,
  nic: WriterTarget,
  script: Script,
  options: FindingOptions,
): readonly Writer[] {
  const { writer, remedy, inactive, when } = options
  const { root } = system.paths
  // Paths in a script are those of the guest, and so are those of what it calls.
  const path = script.path.slice(root.length)
  return scriptWrites({ ...script, path }, nic, opener(system)).map((write) => ({
    writer,
    where: `${write.path}:${write.line}`,
    what: `${write.what} ${when}${inactive === undefined ? '' : ` (${inactive})`}`,
    tunable: write.tunable,
    matches: inactive === undefined ? write.matches : 'maybe',
    remedy: typeof remedy === 'string' ? remedy : remedy(write),
    ...(write.value === undefined ? {} : { value: write.value }),
  }))
}

/**
 * The findings of a file that is run only if it is executable, as hooks are; chmod -x switches it off.
 * @param options.off why whatever runs it does not; undefined: it does
 * @param options.notRun what follows if it is not executable, one clause
 */
export function executableFindings(
  system: System,
  nic: WriterTarget,
  script: Script,
  options: Pick<FindingOptions, 'writer' | 'when'> & {
    readonly off?: string | undefined
    readonly notRun?: string
  },
): readonly Writer[] {
  const { writer, when, off, notRun = 'so it is not run' } = options
  const file = script.path.slice(system.paths.root.length)
  return scriptFindings(system, nic, script, {
    writer,
    when,
    remedy: ({ path, line }) => `remove line ${line} of ${path}, or run chmod -x ${file}`,
    inactive: off ?? (isExecutable(system, script.path) ? undefined : `it is not executable, ${notRun}`),
  })
}

const BACKUP = /(~|\.(bak|orig|old|rpmnew|rpmsave|rpmorig|dpkg-\w+|swp|disabled))$/

/** Files of a directory that are no backups; none if it may not be listed. */
export function scriptsIn(system: System, directory: string): readonly string[] {
  const names = listAllowed(system, directory)
  return names === 'unreadable'
    ? []
    : names
        .filter((name) => !BACKUP.test(name) && !name.startsWith('.'))
        .map((name) => `${directory}/${name}`)
}

/** Files run only if root may execute them; a captured tree may not tell, and then they count. */
export function isExecutable(system: System, path: string): boolean {
  try {
    const facts = system.stat(path)
    return facts === undefined || (facts.mode & 0o111) !== 0
  } catch {
    return true
  }
}
