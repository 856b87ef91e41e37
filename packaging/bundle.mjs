// bundle.mjs [DIRECTORY] bundles src/main.ts there, in dist/ unless told: vqtune.cjs is the entry and holds the boot path
// (`apply`); vqtune-full.cjs holds every verb and is loaded for all others. One file starts faster than many, a small one faster than a large one.
// Prints nothing but errors. The metafiles feed the RPM's bundled(npm(...)) provides.
import { readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const top = fileURLToPath(new URL('..', import.meta.url))
const out = resolve(process.argv[2] ?? `${top}dist`)
const { version } = JSON.parse(readFileSync(`${top}package.json`, 'utf8'))

const common = {
  bundle: true,
  platform: 'node',
  format: 'cjs',
  target: 'node20',
  minify: true,
  legalComments: 'none',
  metafile: true,
  logLevel: 'warning',
  // require() instead of import(): the ES module loader takes milliseconds to start, and is not there for a script that
  // runs from the code cache (packaging/runtime/loader.cjs).
  supported: { 'dynamic-import': false },
  // node-cron asks for import.meta.url, which CommonJS does not have.
  define: { 'import.meta.url': '__importMetaUrl', VQTUNE_VERSION: JSON.stringify(version) },
}
const urlBanner = 'const __importMetaUrl=require("node:url").pathToFileURL(__filename).href;'

/** In the entry everything but `apply` is left to the full bundle; main.ts never gets there through the registry. */
const leaveToFull = {
  name: 'leave-to-full',
  setup({ onResolve }) {
    onResolve({ filter: /^\.\// }, ({ kind, importer, path }) => {
      if (kind !== 'dynamic-import') return undefined
      const outside =
        path === './cli-full' || (importer.endsWith('/commands/registry.ts') && path !== './apply')
      return outside ? { path: './vqtune-full.cjs', external: true } : undefined
    })
  },
}

const [boot, full] = await Promise.all([
  build({
    ...common,
    entryPoints: [`${top}src/main.ts`],
    absWorkingDir: top,
    outfile: `${out}/vqtune.cjs`,
    plugins: [leaveToFull],
    banner: { js: `#!/usr/bin/env node\n${urlBanner}` },
  }),
  build({
    ...common,
    entryPoints: [`${top}src/cli-full.ts`],
    absWorkingDir: top,
    outfile: `${out}/vqtune-full.cjs`,
    banner: { js: urlBanner },
  }),
])
writeFileSync(`${out}/meta.json`, JSON.stringify({ boot: boot.metafile, full: full.metafile }))
