// build.mjs DIRECTORY METAFILES: the page for Cockpit in DIRECTORY, as it is installed in /usr/share/cockpit/vqtune, and in
// the directory METAFILES the meta.json from which packaging/bundled.mjs tells what is bundled. Prints nothing but errors.
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { readShapes } from './shapes.mjs'

const [directory, metafiles] = process.argv.slice(2)
if (metafiles === undefined) throw new Error('usage: build.mjs DIRECTORY METAFILES')
const here = fileURLToPath(new URL('.', import.meta.url))
const top = fileURLToPath(new URL('../..', import.meta.url))
const out = resolve(directory)

/** What the page checks of each answer: from the schemas of this very version. Read once for both builds. */
const SHAPES = JSON.stringify(await readShapes())
const shapes = {
  name: 'shapes',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^virtual:shapes$/ }, ({ path }) => ({ path, namespace: 'shapes' }))
    onLoad({ filter: /.*/, namespace: 'shapes' }, () => ({ contents: SHAPES, loader: 'json' }))
  },
}

/** PatternFly's own fonts, and the pictures of a theme that Cockpit does not have, are larger than all the rest. */
const withoutAssets = {
  name: 'without-assets',
  setup({ onResolve, onLoad }) {
    onLoad({ filter: /\/styles\/base\.css$/ }, ({ path }) => ({
      contents: readFileSync(path, 'utf8').replaceAll(/@font-face\s*\{[^}]*\}/g, ''),
      loader: 'css',
    }))
    onResolve({ filter: /^\.\/assets\/images\// }, ({ path }) => ({ path, namespace: 'no-picture' }))
    onLoad({ filter: /.*/, namespace: 'no-picture' }, () => ({ contents: '', loader: 'dataurl' }))
  },
}

const OPTIONS = {
  entryPoints: { index: `${here}src/index.tsx` },
  absWorkingDir: top,
  outdir: out,
  bundle: true,
  format: 'iife',
  // The browsers that Cockpit itself asks for.
  target: ['es2022', 'chrome105', 'firefox110', 'safari16'],
  jsx: 'automatic',
  minify: true,
  metafile: true,
  legalComments: 'none',
  logLevel: 'warning',
  define: { 'process.env.NODE_ENV': '"production"' },
}

/** The style sheets of the components that are in the bundle: esbuild drops unused code, but not what it imports of style. */
async function usedStyles() {
  const { metafile } = await build({
    ...OPTIONS,
    write: false,
    loader: { '.css': 'empty' },
    plugins: [shapes],
  })
  const inputs = Object.values(metafile.outputs).flatMap((output) => Object.entries(output.inputs))
  const used = new Set(inputs.flatMap(([path, { bytesInOutput }]) => (bytesInOutput > 0 ? [path] : [])))
  return {
    name: 'used-styles',
    setup({ onLoad }) {
      onLoad({ filter: /\/react-styles\/css\/.*\.css$/ }, ({ path }) =>
        used.has(relative(top, path).replace(/\.css$/, '.mjs')) ? undefined : { contents: '', loader: 'css' },
      )
    },
  }
}

const { metafile } = await build({ ...OPTIONS, plugins: [shapes, withoutAssets, await usedStyles()] })
for (const file of ['index.html', 'manifest.json']) copyFileSync(`${here}${file}`, `${out}/${file}`)
mkdirSync(metafiles, { recursive: true })
writeFileSync(`${metafiles}/meta.json`, JSON.stringify({ cockpit: metafile }))
