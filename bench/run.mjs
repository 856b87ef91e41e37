// Runs bench/<name>.ts: `node bench/run.mjs startup`. Bundled on the fly, because Node 20 does not run TypeScript.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const top = fileURLToPath(new URL('..', import.meta.url))
const name = process.argv[2] ?? 'startup'
const outfile = `${top}dist/bench/${name}.cjs`
await build({
  entryPoints: [`${top}bench/${name}.ts`],
  outfile,
  bundle: true,
  platform: 'node',
  format: 'cjs',
  logLevel: 'warning',
})
process.exit(
  spawnSync(process.execPath, [outfile, ...process.argv.slice(3)], { stdio: 'inherit', cwd: top }).status ??
    1,
)
