/** vqtune compiled into Bun, one of the candidates for the private runtime; the build of Bun is the one named here. */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'

const NAME = '@oven/bun-linux-x64-baseline'
const VERSION = '1.4.5'
const INTEGRITY =
  'sha512-s8yMwYcFnnrA178gji0gZbkE2WVDej/Ti1x770oPfihxyRxSMNhGhiAQNXV53aDeraZxksdvKV/RAdQBCd0qPA=='
const LIMIT_MS = 300_000

/** Files of the working directory that a program of Bun may read, and execute, before its own first line. */
const AUTOLOADED = ['dotenv', 'bunfig', 'tsconfig', 'package-json']

export interface Bun {
  readonly version: string
  /** `bun` itself. */
  readonly bun: string
  /** One file: Bun, the bundle and its bytecode. */
  readonly vqtune: string
}

/** From dist/vqtune.cjs, each time anew. */
export function compiledWithBun(): Bun {
  const directory = `${process.cwd()}/dist/bun`
  const bun = `${directory}/package/bin/bun`
  mkdirSync(directory, { recursive: true })
  if (!existsSync(bun)) fetchInto(directory)
  const vqtune = `${directory}/vqtune`
  run(bun, [
    ...['build', '--compile', '--bytecode', '--minify', '--target=bun-linux-x64-baseline'],
    // Without it the build fetches the same Bun from elsewhere.
    `--compile-executable-path=${bun}`,
    ...AUTOLOADED.map((what) => `--no-compile-autoload-${what}`),
    ...['dist/vqtune.cjs', '--outfile', vqtune],
  ])
  return { version: VERSION, bun, vqtune }
}

function fetchInto(directory: string): void {
  const said = run('npm', ['pack', '--silent', '--pack-destination', directory, `${NAME}@${VERSION}`])
  const archive = `${directory}/${said.trim()}`
  const hash = createHash('sha512').update(readFileSync(archive)).digest('base64')
  if (`sha512-${hash}` !== INTEGRITY) {
    rmSync(archive)
    throw new Error(`${NAME} ${VERSION}: not the file that was measured before`)
  }
  run('tar', ['-x', '-z', '-C', directory, '-f', archive, 'package/bin/bun'])
}

function run(file: string, argv: readonly string[]): string {
  return execFileSync(file, argv, {
    encoding: 'utf8',
    timeout: LIMIT_MS,
    env: { ...process.env, LC_ALL: 'C' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
}
