/** JSON that vqtune printed against src/output/schemas, by another implementation of JSON Schema than the one that wrote it. */
import Ajv, { type ValidateFunction } from 'ajv/dist/2020'
import { expect } from 'vitest'
import { jsonSchema, type SchemaName } from '../../src/output/schemas/index'

/** What may be left out. Written down a second time, so that no field becomes optional unnoticed. */
const OPTIONAL: Readonly<Partial<Record<SchemaName, readonly string[]>>> = {
  report: [
    'flows.tracked',
    'nics[].conditions[].favours',
    'nics[].dropped',
    'nics[].evenness',
    'nics[].qdisc',
    'nics[].queues[].rxPackets',
    'nics[].queues[].txKicks',
    'nics[].queues[].txPackets',
    'nics[].rx.meanBytes',
    'nics[].tx.meanBytes',
    'tcp',
  ],
}
/** Below it anything goes. */
const FREE: Readonly<Partial<Record<SchemaName, string>>> = { explain: 'ledger.' }

const validators = new Map<string, ValidateFunction>()

/**
 * The validator of the schema that is installed as NAME.schema.json.
 * @param fields closed: a field that the schema does not name is wrong, too
 */
export function schema(name: SchemaName, fields: 'open' | 'closed' = 'open'): ValidateFunction {
  const key = `${name} ${fields}`
  const known = validators.get(key)
  if (known !== undefined) return known
  // Strict: a keyword that JSON Schema does not have is a mistake.
  const validator = new Ajv({ strict: true, allowUnionTypes: true }).compile(jsonSchema(name, fields))
  validators.set(key, validator)
  return validator
}

/**
 * Fails unless the value is as the schema says, down to the last field, and unless the schema would refuse it if any one
 * field were missing or of another type.
 */
export function expectSchema(name: SchemaName, value: unknown): void {
  for (const fields of ['closed', 'open'] as const) {
    const validate = schema(name, fields)
    validate(value)
    expect(validate.errors, `${name}, ${fields}`).toBeNull()
  }
  const optional = new Set(OPTIONAL[name]?.map((path) => `${path} removed`))
  const free = FREE[name]
  const copy = structuredClone(value) as object
  const accepted = new Set<string>()
  const acceptable = new Set<string>()
  for (const damage of damages(copy)) {
    if (free !== undefined && damage.startsWith(free)) continue
    if (optional.has(damage)) acceptable.add(damage)
    if (schema(name)(copy)) accepted.add(damage)
  }
  expect(accepted, `${name}, damaged`).toEqual(acceptable)
}

/** Damages the value in one place after the other, and says where and how: `nics[].name removed`. */
function* damages(value: object, path = ''): Generator<string> {
  const members = value as Record<string, unknown>
  for (const [key, member] of Object.entries(members)) {
    const at = Array.isArray(value) ? `${path}[]` : path === '' ? key : `${path}.${key}`
    if (!Array.isArray(value)) {
      delete members[key]
      yield `${at} removed`
    }
    members[key] = ofAnotherType(member)
    yield `${at} of another type`
    members[key] = member
    if (typeof member === 'object' && member !== null) yield* damages(member, at)
  }
}

/** Of a type that neither the value nor what else may stand in its place has. */
function ofAnotherType(value: unknown): unknown {
  // What a null stands for is not known here: nothing of ours is a list of lists.
  if (value === null) return [[]]
  return typeof value === 'string' ? 1 : 'text'
}
