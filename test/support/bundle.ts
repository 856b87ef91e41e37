/** The built binary, run as a user would run it. Built once per test run by global setup. */
import { mkdirSync, mkdtempSync, readdirSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { execa } from 'execa'
import { unpackGuest } from './captured-guest'

export const BUNDLE = fileURLToPath(new URL('../../dist/vqtune.cjs', import.meta.url))
/** The path of a bundle and of those that it loads, which lie beside it. */
export function bundlesBeside(bundle: string): readonly string[] {
  const directory = dirname(bundle)
  return readdirSync(directory)
    .filter((name) => /^vqtune.*\.cjs$/.test(name))
    .map((name) => join(directory, name))
}

/** Ends what hangs; a machine that is slow is not to be what a test finds. */
const HANGS_MS = 600_000
const REPLAY = fileURLToPath(new URL('replay-tool', import.meta.url))

export interface CliResult {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs `vqtune` with an empty environment plus `env`, and `input` on a pipe. */
export async function vqtune(
  args: readonly string[],
  env: Record<string, string> = {},
  input = '',
): Promise<CliResult> {
  const result = await execa(process.execPath, [BUNDLE, ...args], {
    reject: false,
    extendEnv: false,
    env,
    input,
    stripFinalNewline: false,
    timeout: HANGS_MS,
  })
  return { code: result.exitCode ?? -1, stdout: result.stdout, stderr: result.stderr }
}

/**
 * Runs a script in a mount namespace of its own; `vqtune` in it is the built binary.
 * @param options of unshare, for further namespaces
 */
export async function inNamespace(
  script: string,
  env: Record<string, string> = {},
  options: readonly string[] = [],
): Promise<CliResult> {
  const prelude = `vqtune() { "${process.execPath}" "${BUNDLE}" "$@"; }\n`
  const { exitCode, stdout, stderr } = await execa(
    'unshare',
    ['-m', ...options, 'bash', '-c', prelude + script],
    {
      reject: false,
      env,
      stripFinalNewline: false,
      timeout: HANGS_MS,
    },
  )
  return { code: exitCode ?? -1, stdout, stderr }
}

/** A copy of a captured guest whose ethtool and ip replay their recordings; for `--root`. */
export function capturedRoot(name: string): string {
  const root = mkdtempSync(join(tmpdir(), 'vqtune-root-'))
  unpackGuest(name, root)
  mkdirSync(`${root}/usr/sbin`, { recursive: true })
  for (const tool of ['ethtool', 'ip']) symlinkSync(REPLAY, `${root}/usr/sbin/${tool}`)
  return root
}
