// Runs bench/main.ts with the same arguments. Bundled on the fly, because Node 20 does not run TypeScript.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'esbuild'

const top = fileURLToPath(new URL('..', import.meta.url))
const run = (file, args) =>
  spawnSync(process.execPath, [file, ...args], { stdio: 'inherit', cwd: top }).status ?? 1

// What is measured is what is here, not what was bundled some time ago.
if (run(`${top}packaging/bundle.mjs`, []) !== 0) process.exit(1)

const outfile = `${top}dist/bench/main.mjs`
await build({
  entryPoints: [`${top}bench/main.ts`],
  outfile,
  bundle: true,
  platform: 'node',
  format: 'esm',
  packages: 'external',
  logLevel: 'warning',
  plugins: [
    {
      // The guest library finds its image recipe beside itself.
      name: 'own-url-of-each-source',
      setup({ onLoad }) {
        onLoad({ filter: /\/(test|bench)\/.*\.ts$/ }, ({ path }) => ({
          contents: readFileSync(path, 'utf8').replaceAll(
            'import.meta.url',
            JSON.stringify(pathToFileURL(path).href),
          ),
          loader: 'ts',
        }))
      },
    },
  ],
})
process.exit(run(outfile, process.argv.slice(2)))
