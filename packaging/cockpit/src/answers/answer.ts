/** What vqtune answers with --json, in the types of its own schemas. */
import shapes from 'virtual:shapes'
import type { z } from 'zod'
import type { SCHEMAS, SchemaName } from '../../../../src/output/schemas/index'
import { differenceOf } from './shape'

export type Answer<Name extends SchemaName> = z.infer<(typeof SCHEMAS)[Name]>
export type Status = Answer<'status'>
export type Nic = Status['nics'][number]
export type Step = Answer<'plan'>['nics'][number]['steps'][number]
export type Skip = Answer<'plan'>['nics'][number]['skips'][number]
export type DriftRecord = Answer<'drift'>['drift'][number]
export type { SchemaName }

/** A sentence for people. */
export class Failure extends Error {}

const SAME_VERSION = 'Install vqtune and vqtune-cockpit in the same version.'

/** @throws Failure if the answer is not what this page reads */
export function readAnswer<Name extends SchemaName>(name: Name, text: string): Answer<Name> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new Failure(`vqtune did not answer with JSON. ${SAME_VERSION}`)
  }
  const shape = shapes[name]
  const where = shape === undefined ? name : differenceOf(shape, value)
  if (where === undefined) return value as Answer<Name>
  if (where === 'version') {
    const said = (value as { version?: unknown }).version
    throw new Failure(
      `This page does not read version ${String(said)} of the output of vqtune. ${SAME_VERSION}`,
    )
  }
  throw new Failure(
    `The output of this vqtune has no ${where === '' ? 'content' : where} that this page reads. ${SAME_VERSION}`,
  )
}
