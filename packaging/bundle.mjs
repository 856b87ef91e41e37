// bundle.mjs [DIRECTORY] bundles src/ there, in dist/ unless told, into the files of CHUNKS. One file starts faster than
// many, a small one faster than a large one, so each is for one need: see there.
// Prints nothing but errors. The metafiles feed the RPM's bundled(npm(...)) provides.
import { readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const top = fileURLToPath(new URL('..', import.meta.url))
const out = resolve(process.argv[2] ?? `${top}dist`)
const { version } = JSON.parse(readFileSync(`${top}package.json`, 'utf8'))

/**
 * vqtune: the entry, and with it the boot path, `apply`. vqtune-config: reads configuration files that say something.
 * vqtune-daemon: `daemon`, which keeps in memory what it loads. vqtune-full: every verb, loaded for all others.
 * stays: in the memory of the daemon.
 * only: the one command of the registry that main.ts gets to in this chunk; the others are not bundled, nor what cli.ts loads
 * for them alone.
 */
const CHUNKS = {
  vqtune: {
    entry: 'src/main.ts',
    only: './apply',
    leaves: { './cli-daemon': 'vqtune-daemon', './cli-full': 'vqtune-full', './fragments': 'vqtune-config' },
  },
  'vqtune-config': { entry: 'src/config/fragments.ts', leaves: {}, stays: true },
  'vqtune-daemon': {
    entry: 'src/cli-daemon.ts',
    only: './daemon',
    leaves: { './fragments': 'vqtune-config' },
    stays: true,
  },
  'vqtune-full': { entry: 'src/cli-full.ts', leaves: {} },
}

// node-cron asks for import.meta.url, which CommonJS does not have.
const urlBanner = 'const __importMetaUrl=require("node:url").pathToFileURL(__filename).href;'

/** For verbs that change nothing: see openRoot in cli.ts. */
const CAPTURED_TREE = './system/captured-tree'

const lean = (file) => `${top}packaging/lean/${file}`
/**
 * For what stays in the daemon's memory: in place of parts of libraries that it does not use, and of what these would load
 * (docs/decisions/runtime.md).
 */
const LEAN = {
  alias: {
    'node:crypto': lean('crypto.ts'),
    'sonic-boom': lean('own-stream.cjs'),
    'thread-stream': lean('own-stream.cjs'),
    worker_threads: lean('worker-threads.ts'),
  },
  inject: [lean('local-date-time-format.ts')],
}

const leave = ({ only, leaves }) => ({
  name: 'leave-to-other-chunks',
  setup({ onResolve }) {
    onResolve({ filter: /^\.\// }, ({ kind, importer, path }) => {
      if (kind !== 'dynamic-import') return undefined
      const others = importer.endsWith('/commands/registry.ts') ? path !== only : path === CAPTURED_TREE
      const unused = only !== undefined && others
      const chunk = leaves[path] ?? (unused ? 'vqtune-full' : undefined)
      return chunk === undefined ? undefined : { path: `./${chunk}.cjs`, external: true }
    })
  },
})

const metafiles = await Promise.all(
  Object.entries(CHUNKS).map(async ([name, chunk]) => {
    const { metafile } = await build({
      bundle: true,
      platform: 'node',
      format: 'cjs',
      target: 'node20',
      minify: true,
      legalComments: 'none',
      metafile: true,
      logLevel: 'warning',
      // require() instead of import(): the ES module loader takes milliseconds to start, and is not there for a script
      // that runs from the code cache (packaging/runtime/loader.cjs).
      supported: { 'dynamic-import': false },
      define: { 'import.meta.url': '__importMetaUrl', VQTUNE_VERSION: JSON.stringify(version) },
      ...(chunk.stays && LEAN),
      entryPoints: [`${top}${chunk.entry}`],
      absWorkingDir: top,
      outfile: `${out}/${name}.cjs`,
      plugins: [leave(chunk)],
      banner: { js: name === 'vqtune' ? '#!/usr/bin/env node' : urlBanner },
    })
    return [name, metafile]
  }),
)
writeFileSync(`${out}/meta.json`, JSON.stringify(Object.fromEntries(metafiles)))
