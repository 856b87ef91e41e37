import { z } from 'zod'
import { document } from './document'

function change(verb: 'set' | 'unset') {
  return document(`vqtune config ${verb} --json`, {
    file: z.string().describe('the drop-in'),
    diff: z.string().describe('unified diff; empty if nothing differs'),
    written: z.boolean().describe('false: a dry run, or nothing to change'),
    effective: z.boolean().describe('false: no setting changes: it was so before, or a later file sets it'),
  })
}

export const configSet = change('set')
export const configUnset = change('unset')
