/**
 * Errors that vqtune expects. Each carries a kind; the kind knows the exit code and whether trying again can help.
 * An expected error is shown as one line. Anything else is a bug and is shown with its stack.
 */
import { escapeToOneLine } from './text/escape'

/** Documented exit codes; see vqtune(8), EXIT STATUS. */
export const EXIT = { converged: 0, error: 1, usage: 2, drift: 3 } as const

interface KindTraits {
  readonly exitCode: number
  /** True when the same call may succeed a moment later without anybody changing anything. */
  readonly retryable: boolean
}

const KINDS = {
  /** The command line is wrong. */
  usage: { exitCode: EXIT.usage, retryable: false },
  /** A configuration file is wrong; the message names file, line, key, value and what is allowed. */
  config: { exitCode: EXIT.usage, retryable: false },
  /** The caller may not do this (not root, read-only file system). */
  permission: { exitCode: EXIT.error, retryable: false },
  /** A program that vqtune runs is not installed. */
  'tool-missing': { exitCode: EXIT.error, retryable: false },
  /** A program ran and refused, or printed what no known version prints. */
  'tool-failed': { exitCode: EXIT.error, retryable: true },
  /** A program did not end within its time limit. */
  timeout: { exitCode: EXIT.error, retryable: true },
  /** Another vqtune holds the lock. */
  busy: { exitCode: EXIT.error, retryable: true },
  /** The NIC went away while we worked on it. */
  vanished: { exitCode: EXIT.error, retryable: true },
  /** Writes went through but the guest does not show what was asked for. */
  'not-converged': { exitCode: EXIT.error, retryable: true },
  /** vqtune's own state (ledger, history) cannot be read or written. */
  state: { exitCode: EXIT.error, retryable: false },
  /** This kernel, device or platform cannot do it. */
  unsupported: { exitCode: EXIT.error, retryable: false },
} as const satisfies Record<string, KindTraits>

export type ErrorKind = keyof typeof KINDS
export const ERROR_KINDS = Object.keys(KINDS) as readonly ErrorKind[]

/** An expected failure: one clear line for the user, a kind for the code. */
export class VqtuneError extends Error {
  override readonly name = 'VqtuneError'

  constructor(
    readonly kind: ErrorKind,
    message: string,
    options?: { cause?: unknown },
  ) {
    super(escapeToOneLine(message), options)
  }

  get exitCode(): number {
    return KINDS[this.kind].exitCode
  }

  get retryable(): boolean {
    return KINDS[this.kind].retryable
  }
}

/** The errno name (ENOENT, EACCES ...) of a Node system error, if it is one. */
export function errnoOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}

/** The text of anything that was thrown, for use inside a longer line. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** What the errno of a file operation means: the kind that it has for vqtune, and words for people. */
const FILE_ERRORS: Readonly<Record<string, { kind: 'permission' | 'state'; words: string }>> = {
  EACCES: { kind: 'permission', words: 'permission denied; run as root' },
  EPERM: { kind: 'permission', words: 'operation not permitted; run as root' },
  EROFS: { kind: 'permission', words: 'the file system is read-only' },
  ENOSPC: { kind: 'state', words: 'no space left on the file system' },
  EDQUOT: { kind: 'state', words: 'the disk quota is used up' },
  ENOENT: { kind: 'state', words: 'its directory does not exist' },
  ENOTDIR: { kind: 'state', words: 'a part of the path is not a directory' },
}

/** True when this user may not do it, or nobody on a read-only file system. */
export function isDenied(error: unknown): boolean {
  return fileErrorKind(error) === 'permission'
}

function fileErrorKind(error: unknown): 'permission' | 'state' {
  return FILE_ERRORS[errnoOf(error) ?? '']?.kind ?? 'state'
}

/**
 * A failed operation on a file as one line: `/run/vqtune/ledger.json: cannot write the ledger (ENOSPC)`.
 * @param what what failed, such as `cannot write the ledger`
 */
export function fileError(error: unknown, path: string, what: string): VqtuneError {
  const text = `${path}: ${what} (${fileProblem(error)})`
  return new VqtuneError(fileErrorKind(error), text, { cause: error })
}

/** As fileError, in words: for the files of an administrator, who can do something about it. */
export function fileErrorInWords(error: unknown, path: string, what: string): VqtuneError {
  const words = FILE_ERRORS[errnoOf(error) ?? '']?.words ?? messageOf(error)
  return new VqtuneError(fileErrorKind(error), `${path}: ${what}: ${words}`, { cause: error })
}

/**
 * What went wrong with one of our own files, the same words each time: the system's message may name a temporary file,
 * which is another one each time.
 */
export function fileProblem(error: unknown): string {
  return errnoOf(error) ?? messageOf(error)
}
