/** Common to the output of every `--json`. */
import { z } from 'zod'
import { JSON_VERSION } from '../json'

/** @param title the command that prints it */
export function document<Shape extends z.ZodRawShape>(title: string, shape: Shape) {
  const version = z
    .literal(JSON_VERSION)
    .describe('raised when a field changes its meaning or is removed; not for new fields')
  return z.object({ version, ...shape }).meta({ title })
}
