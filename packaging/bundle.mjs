// Bundles src/main.ts to dist/vqtune.cjs: one file starts faster than many, and the RPM ships nothing else.
// Prints nothing but errors. The metafile feeds the RPM's bundled(npm(...)) provides.
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const top = fileURLToPath(new URL('..', import.meta.url))
const { version } = JSON.parse(readFileSync(`${top}package.json`, 'utf8'))

const result = await build({
  entryPoints: [`${top}src/main.ts`],
  outfile: `${top}dist/vqtune.cjs`,
  bundle: true,
  platform: 'node',
  format: 'cjs',
  target: 'node20',
  minify: true,
  keepNames: false,
  legalComments: 'none',
  metafile: true,
  logLevel: 'warning',
  define: { 'import.meta.url': '__importMetaUrl', VQTUNE_VERSION: JSON.stringify(version) },
  // node-cron asks for import.meta.url, which CommonJS does not have.
  banner: {
    js: '#!/usr/bin/env node\nconst __importMetaUrl=require("node:url").pathToFileURL(__filename).href;',
  },
})
writeFileSync(`${top}dist/meta.json`, JSON.stringify(result.metafile))
