// The JSON schemas of src/output/schemas, reduced to what tells whether the page can read an answer: types and required keys.
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const top = fileURLToPath(new URL('../..', import.meta.url))
/** Not `enum`, pattern or ranges: a later vqtune may know more words, and a page that shows an unknown word is right. */
const KEPT = new Set([
  ...[
    'type',
    'const',
    'properties',
    'required',
    'items',
    'anyOf',
    'oneOf',
    '$ref',
    '$defs',
    'additionalProperties',
  ],
])
/** Their members are names, not keywords. */
const MAPS = new Set(['properties', '$defs'])

export async function readShapes() {
  const { outputFiles } = await build({
    entryPoints: [`${top}src/output/schemas/index.ts`],
    bundle: true,
    format: 'esm',
    platform: 'node',
    write: false,
    logLevel: 'warning',
    define: { VQTUNE_VERSION: '"of the page"' },
  })
  const { SCHEMAS, jsonSchema } = await import(
    `data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString('base64')}`
  )
  return Object.fromEntries(Object.keys(SCHEMAS).map((name) => [name, reduced(jsonSchema(name))]))
}

function reduced(schema) {
  if (Array.isArray(schema)) return schema.map(reduced)
  if (schema === null || typeof schema !== 'object') return schema
  return Object.fromEntries(
    Object.entries(schema)
      .filter(([key]) => KEPT.has(key))
      .map(([key, value]) => [
        key,
        MAPS.has(key)
          ? Object.fromEntries(Object.entries(value).map(([name, part]) => [name, reduced(part)]))
          : reduced(value),
      ]),
  )
}
