/** vqtune compiled into Bun, one of the candidates for the private runtime; the build of Bun is the one named here. */
import { execFileSync, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { generateTree } from '../../test/support/generated-tree'

const NAME = '@oven/bun-linux-x64-baseline'
const VERSION = '1.4.5'
const INTEGRITY =
  'sha512-s8yMwYcFnnrA178gji0gZbkE2WVDej/Ti1x770oPfihxyRxSMNhGhiAQNXV53aDeraZxksdvKV/RAdQBCd0qPA=='
const LIMIT_MS = 300_000
/** In which a daemon has started and looked once. */
const ORDER_MS = 8_000

/** Files of the working directory that a program of Bun may read, and execute, before its own first line. */
const AUTOLOADED = ['dotenv', 'bunfig', 'tsconfig', 'package-json']

export interface Bun {
  readonly version: string
  /** `bun` itself. */
  readonly bun: string
  /** One file: Bun, the bundle and its bytecode. */
  readonly vqtune: string
}

/** From dist/vqtune.cjs, each time anew: once to see what a daemon needs of its bytecode, and then with that side by side. */
export function compiledWithBun(): Bun {
  const directory = `${process.cwd()}/dist/bun`
  const bun = `${directory}/package/bin/bun`
  mkdirSync(directory, { recursive: true })
  if (!existsSync(bun)) fetchInto(directory)
  const vqtune = `${directory}/vqtune`
  const order = `${directory}/order`
  const entry = `${directory}/entry.cjs`
  // The daemon collects at rest by gc(), which Bun calls by another name.
  writeFileSync(entry, "globalThis.gc ??= () => Bun.gc(true)\nrequire('../vqtune.cjs')\n")
  const build = (options: readonly string[]): void => {
    run(bun, [
      ...['build', '--compile', '--bytecode', '--minify', '--target=bun-linux-x64-baseline'],
      // Without it the build fetches the same Bun from elsewhere.
      `--compile-executable-path=${bun}`,
      ...AUTOLOADED.map((what) => `--no-compile-autoload-${what}`),
      ...options,
      ...[entry, '--outfile', vqtune],
    ])
  }
  build([])
  rmSync(order, { force: true })
  const tree = generateTree(4, [{ name: 'eth0', maximum: 4, current: 4, counts: [] }])
  try {
    // It ends by SIGTERM, which is when it writes the order.
    spawnSync(vqtune, ['daemon', '--root', tree.root], {
      timeout: ORDER_MS,
      stdio: 'ignore',
      env: { PATH: '/usr/bin:/bin', LC_ALL: 'C', BUN_BYTECODE_ORDER_OUT: order },
    })
  } finally {
    tree.remove()
  }
  build([`--bytecode-order=${order}`])
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
