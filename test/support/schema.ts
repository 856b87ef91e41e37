import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import Ajv, { type ValidateFunction } from 'ajv/dist/2020'
import { expect } from 'vitest'

/** The validator of src/output/schema/NAME.schema.json. */
export function schema(name: string): ValidateFunction {
  const file = fileURLToPath(new URL(`../../src/output/schema/${name}.schema.json`, import.meta.url))
  return new Ajv({ strict: false }).compile(JSON.parse(readFileSync(file, 'utf8')))
}

/** Fails with what is wrong unless the value is as the schema says. */
export function expectSchema(name: string, value: unknown): void {
  const validate = schema(name)
  validate(value)
  expect(validate.errors).toBeNull()
}
