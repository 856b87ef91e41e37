// The JSON schemas of src/output/schemas, reduced to what tells whether the page can read an answer: types and required keys.
import { loadSchemas } from '../load-source.mjs'

/** Not `enum`, pattern or ranges: a later vqtune may know more words, and a page that shows an unknown word is right. */
const KEPT = new Set(
  'type const properties required items anyOf oneOf $ref $defs additionalProperties'.split(' '),
)
/** Their members are names, not keywords. */
const MAPS = new Set(['properties', '$defs'])

export async function readShapes() {
  const schemas = await loadSchemas('of the page')
  return Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [name, reduced(schema)]))
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
