/**
 * The edge to the operating system: files and programs. Everything above receives a Host, so that tests and
 * `--root` can put a captured guest in place of the running one.
 */
import {
  closeSync,
  constants,
  existsSync,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  type Stats,
  statSync,
  utimesSync,
  writeSync,
} from 'node:fs'
import { type ErrorKind, errnoOf, VqtuneError } from '../errors'
import { type FileFacts, type FileInspector, ownershipProblem } from './ownership'
import { type Paths, pathsUnder } from './paths'
import { type ReplaceOptions, removeFile, replaceFile } from './replace-file'

export interface ToolResult {
  /** Exit code; 128 when a signal ended it. */
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  /** Time limit in milliseconds; default 5000. */
  readonly timeoutMs?: number
  /** Variables beside LC_ALL and PATH. */
  readonly env?: Readonly<Record<string, string>>
  /** It may ask a person for a password, and so stays at our terminal. Default: none can reach it, nor can its signals. */
  readonly atTerminal?: boolean
}

/** Called once, when it is over: an exit status, a text such as `ok` or `signal SIGTERM`, or what was thrown. */
export type Ended = (how: unknown) => void

/** What a traced write does: `write` gives the kernel one value, the others are about whole files. */
export type TracedWrite = 'write' | 'append' | 'replace' | 'touch' | 'remove'

/** Is told of all that vqtune does to the system around it, while it does it; see trace.ts. */
export interface Trace {
  /** A program is run. */
  run(argv: readonly string[]): Ended
  /** A program is started that stays until it is told to end. @param pid undefined when it could not be started */
  start(argv: readonly string[], pid: number | undefined): Ended
  /** @param text what is written */
  write(verb: TracedWrite, path: string, text?: string): Ended
  /** Lines go there from now on. */
  redirect(print: (line: string) => void): void
}

export interface System extends FileInspector {
  /** Only with --verbose or VQTUNE_DEBUG; then methods of this interface tell it what they do, and others that do more must. */
  readonly trace?: Trace
  readonly paths: Paths
  /** The text of a small file, or undefined when it does not exist or the kernel has no value (ENOENT, EINVAL, EOPNOTSUPP, ENODEV). */
  readText(path: string): string | undefined
  /** Names in a directory, sorted; empty when it does not exist. */
  list(path: string): readonly string[]
  exists(path: string): boolean
  /** Owner, mode and kind of what a path leads to, links followed; undefined when there is nothing. Throws the system error. */
  stat(path: string): FileFacts | undefined
  /** Writes a kernel attribute (sysfs, procfs) in one write(2). Throws the system error. */
  writeAttribute(path: string, value: string): void
  /** Replaces a file atomically: temporary file, fsync, rename. Throws the system error; then all is as before. */
  replaceFile(path: string, text: string, options?: ReplaceOptions): void
  /** Removes a file; no error when it is gone already. Throws any other system error. */
  removeFile(path: string): void
  /** Sets a file's times to now. False when it does not exist. Throws any other system error. */
  touchFile(path: string): boolean
  /**
   * Runs a program with an argument array, LC_ALL=C, no inherited environment and a time limit.
   * A non-zero exit is a result, not an error.
   * @throws VqtuneError kind tool-missing, tool-failed (it could not be started, or printed too much), timeout
   */
  run(tool: string, args: readonly string[], options?: RunOptions): Promise<ToolResult>
  /** The absolute path of a program, or undefined. Searches system directories only, never PATH of the caller. */
  findTool(tool: string): string | undefined
  /** True when this process may write kernel settings, or looks at a captured tree. */
  readonly mayWrite: boolean
}

/** Makes a write that no method of System makes, and tells a trace. Throws what the write throws. */
export function tracedWrite<T>(
  { trace }: Pick<System, 'trace'>,
  verb: TracedWrite,
  path: string,
  text: string | undefined,
  write: () => T,
): T {
  const ended = trace?.write(verb, path, text)
  try {
    const result = write()
    ended?.('ok')
    return result
  } catch (error) {
    ended?.(error)
    throw error
  }
}

/** PATH of the caller is not used: a root agent must not run what a user put first. */
const TOOL_DIRECTORIES = ['/usr/sbin', '/usr/bin', '/sbin', '/bin']

const DEFAULT_TIMEOUT_MS = 5_000

const NO_VALUE = new Set(['ENOENT', 'ENOTDIR', 'EINVAL', 'EOPNOTSUPP', 'ENODEV', 'ENXIO'])

/** What a read yields; undefined when there is nothing to read or the kernel has no value. Throws any other error. */
function unlessAbsent<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if (NO_VALUE.has(errnoOf(error) ?? '')) return undefined
    throw error
  }
}

function factsOf(found: Stats): FileFacts {
  const kind = found.isFile()
    ? 'file'
    : found.isDirectory()
      ? 'directory'
      : found.isSymbolicLink()
        ? 'link'
        : 'other'
  return { uid: found.uid, mode: found.mode & 0o7777, size: found.size, kind }
}

/** Environment of every child: nothing of the caller's gets through. */
export const CHILD_ENV = { LC_ALL: 'C', PATH: TOOL_DIRECTORIES.join(':') } as const

class OpenedSystem implements System {
  readonly paths: Paths
  readonly mayWrite: boolean

  constructor(root: string) {
    this.paths = pathsUnder(root)
    this.mayWrite = root !== '' || process.geteuid?.() === 0
  }

  readText(path: string): string | undefined {
    return unlessAbsent(() => readFileSync(path, 'utf8'))
  }

  list(path: string): readonly string[] {
    return unlessAbsent(() => readdirSync(path).sort()) ?? []
  }

  readLink(path: string): string | undefined {
    try {
      return readlinkSync(path)
    } catch {
      return undefined
    }
  }

  exists(path: string): boolean {
    return existsSync(path)
  }

  stat(path: string): FileFacts | undefined {
    return unlessAbsent(() => factsOf(statSync(path)))
  }

  linkStat(path: string): FileFacts | undefined {
    return unlessAbsent(() => factsOf(lstatSync(path)))
  }

  writeAttribute(path: string, value: string): void {
    // Kernel attributes are never links themselves; in a captured tree a link could lead anywhere.
    const fd = openSync(path, constants.O_WRONLY | constants.O_TRUNC | constants.O_NOFOLLOW)
    try {
      writeSync(fd, value)
    } finally {
      closeSync(fd)
    }
  }

  replaceFile(path: string, text: string, options?: ReplaceOptions): void {
    replaceFile(path, text, options)
  }

  removeFile(path: string): void {
    removeFile(path)
  }

  touchFile(path: string): boolean {
    const now = new Date()
    try {
      utimesSync(path, now, now)
      return true
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return false
      throw error
    }
  }

  findTool(tool: string): string | undefined {
    return TOOL_DIRECTORIES.map((directory) => `${this.paths.root}${directory}/${tool}`).find(existsSync)
  }

  run(tool: string, args: readonly string[], options: RunOptions = {}): Promise<ToolResult> {
    const file = this.findTool(tool)
    if (file === undefined) {
      return Promise.reject(
        new VqtuneError(
          'tool-missing',
          `${tool} is not installed (looked in ${TOOL_DIRECTORIES.join(', ')})`,
        ),
      )
    }
    // A tree that somebody else unpacked may hold any program, and it would run with our rights.
    const problem = this.paths.root === '' ? undefined : ownershipProblem(this, file)
    if (problem !== undefined) return Promise.reject(new VqtuneError('state', `${file}: ${problem}`))
    return runFile(file, args, options)
  }
}

/** More than any tool prints that is run here. */
const MAX_OUTPUT_MIB = 16

// execa is not used here: this is the boot path, where loading it costs 19 ms of about 35 (bench/startup).
async function runFile(file: string, args: readonly string[], options: RunOptions): Promise<ToolResult> {
  // Loaded late: a converged run starts no program, and the module costs it a millisecond.
  const { abandonChild, startChild } = await import('./child')
  const { timeoutMs = DEFAULT_TIMEOUT_MS, atTerminal = false, env } = options
  const { process: child, ended } = startChild(file, args, {
    env: { ...CHILD_ENV, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    // A hang-up or Ctrl-C of the terminal is for us: a program that it ended would have done half of its work.
    detached: !atTerminal,
  })
  let timer: NodeJS.Timeout | undefined
  const printed = { stdout: '', stderr: '' }
  const givenUp = new Promise<never>((_, reject) => {
    const giveUp = (kind: ErrorKind, why: string): void => {
      abandonChild(child, !atTerminal)
      reject(new VqtuneError(kind, why))
    }
    const late = `${file} ${args.join(' ')}: no answer within ${timeoutMs} ms`
    timer = setTimeout(() => giveUp('timeout', late), timeoutMs)
    for (const stream of ['stdout', 'stderr'] as const) {
      // No streams when there are no descriptors left (EMFILE): that it could not be started is told by `ended`.
      child[stream]?.setEncoding('utf8').on('data', (text: string) => {
        printed[stream] += text
        if (printed[stream].length <= MAX_OUTPUT_MIB * 2 ** 20) return
        giveUp('tool-failed', `${file}: printed more than ${MAX_OUTPUT_MIB} MiB on ${stream}`)
      })
    }
  })
  try {
    const { code } = await Promise.race([ended, givenUp])
    return { code: code ?? 128, ...printed }
  } finally {
    clearTimeout(timer)
  }
}

/**
 * @param root '' for the running guest; else a captured tree, whose own usr/sbin is searched for programs,
 *             as in a chroot.
 */
export function openSystem(root = ''): System {
  return new OpenedSystem(root)
}
