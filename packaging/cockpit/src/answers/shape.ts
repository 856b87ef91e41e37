/** Whether an answer has what the page reads: types and required keys of the schema. Pure. */

/** A JSON schema, reduced by shapes.mjs. */
export interface Shape {
  readonly type?: string | readonly string[]
  readonly const?: unknown
  readonly properties?: Readonly<Record<string, Shape>>
  readonly required?: readonly string[]
  readonly items?: Shape
  readonly anyOf?: readonly Shape[]
  readonly oneOf?: readonly Shape[]
  readonly $ref?: string
  readonly $defs?: Readonly<Record<string, Shape>>
}

/** @returns where the value first differs from the shape, such as `nics[0].queues`; undefined if it does not */
export function differenceOf(shape: Shape, value: unknown): string | undefined {
  return difference(shape, value, '', shape.$defs ?? {})
}

type Definitions = Readonly<Record<string, Shape>>

function difference(shape: Shape, value: unknown, path: string, defs: Definitions): string | undefined {
  if (shape.$ref !== undefined) {
    const target = defs[shape.$ref.replace('#/$defs/', '')]
    return target === undefined ? undefined : difference(target, value, path, defs)
  }
  const choices = shape.anyOf ?? shape.oneOf
  if (choices !== undefined) {
    const found = choices.map((choice) => difference(choice, value, path, defs))
    // The deepest one is of the choice that was meant.
    return found.includes(undefined)
      ? undefined
      : found.reduce((a, b) => ((b ?? '').length > (a ?? '').length ? b : a))
  }
  if (shape.const !== undefined && shape.const !== value) return path
  if (shape.type !== undefined && ![shape.type].flat().some((type) => isOf(type, value))) return path
  if (Array.isArray(value)) return ofItems(shape, value, path, defs)
  if (isRecord(value)) return ofProperties(shape, value, path, defs)
  return undefined
}

function ofItems(shape: Shape, value: readonly unknown[], path: string, defs: Definitions) {
  if (shape.items === undefined) return undefined
  for (const [index, item] of value.entries()) {
    const found = difference(shape.items, item, `${path}[${index}]`, defs)
    if (found !== undefined) return found
  }
  return undefined
}

function ofProperties(
  shape: Shape,
  value: Readonly<Record<string, unknown>>,
  path: string,
  defs: Definitions,
): string | undefined {
  const at = (key: string): string => (path === '' ? key : `${path}.${key}`)
  for (const key of shape.required ?? []) if (!Object.hasOwn(value, key)) return at(key)
  for (const [key, inner] of Object.entries(shape.properties ?? {})) {
    if (!Object.hasOwn(value, key)) continue
    const found = difference(inner, value[key], at(key), defs)
    if (found !== undefined) return found
  }
  return undefined
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isOf(type: string, value: unknown): boolean {
  if (type === 'null') return value === null
  if (type === 'array') return Array.isArray(value)
  if (type === 'object') return isRecord(value)
  if (type === 'integer') return Number.isInteger(value)
  // The other types of JSON Schema have the names of typeof.
  const found: string = typeof value
  return found === type
}
