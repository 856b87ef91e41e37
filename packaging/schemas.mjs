// schemas.mjs DIRECTORY: writes VERB.schema.json there for each verb that prints JSON, from src/output/schemas.
// Prints nothing but errors.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { loadSchemas } from './load-source.mjs'

const out = process.argv[2]
if (out === undefined) throw new Error('usage: schemas.mjs DIRECTORY')
const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))

mkdirSync(out, { recursive: true })
for (const [name, schema] of Object.entries(await loadSchemas(version))) {
  writeFileSync(`${out}/${name}.schema.json`, `${JSON.stringify(schema, undefined, 2)}\n`)
}
