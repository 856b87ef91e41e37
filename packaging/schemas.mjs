// schemas.mjs DIRECTORY: writes VERB.schema.json there for each verb that prints JSON, from src/output/schemas.
// Prints nothing but errors.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const out = process.argv[2]
if (out === undefined) throw new Error('usage: schemas.mjs DIRECTORY')
const top = fileURLToPath(new URL('..', import.meta.url))
const { version } = JSON.parse(readFileSync(`${top}package.json`, 'utf8'))

const { outputFiles } = await build({
  entryPoints: [`${top}src/output/schemas/index.ts`],
  bundle: true,
  format: 'esm',
  platform: 'node',
  write: false,
  logLevel: 'warning',
  define: { VQTUNE_VERSION: JSON.stringify(version) },
})
const { SCHEMAS, jsonSchema } = await import(
  `data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString('base64')}`
)

mkdirSync(out, { recursive: true })
for (const name of Object.keys(SCHEMAS)) {
  writeFileSync(`${out}/${name}.schema.json`, `${JSON.stringify(jsonSchema(name), undefined, 2)}\n`)
}
