/** The schemas as files, and that the program is not the larger for them. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { jsonSchema, SCHEMAS, type SchemaName } from '../../src/output/schemas/index'
import { TOP } from './rpms'

const out = mkdtempSync(join(tmpdir(), 'vqtune-schemas-'))
afterAll(() => rmSync(out, { recursive: true, force: true }))

it('are written one for each verb, with the release that they are of', () => {
  execFileSync(process.execPath, [join(TOP, 'packaging/schemas.mjs'), join(out, 'schema')], {
    stdio: 'inherit',
  })
  const names = Object.keys(SCHEMAS) as SchemaName[]
  expect(readdirSync(join(out, 'schema')).sort()).toEqual(names.map((name) => `${name}.schema.json`).sort())
  const { version } = JSON.parse(readFileSync(join(TOP, 'package.json'), 'utf8'))
  for (const name of names) {
    const text = readFileSync(join(out, 'schema', `${name}.schema.json`), 'utf8')
    expect(JSON.parse(text)).toEqual({ ...jsonSchema(name), $comment: `of vqtune ${version}` })
  }
})

it('are in none of the bundles', () => {
  const metafiles: Record<string, { inputs: object }> = JSON.parse(
    readFileSync(join(TOP, 'dist/meta.json'), 'utf8'),
  )
  const inputs = Object.values(metafiles).flatMap((metafile) => Object.keys(metafile.inputs))
  expect(inputs).toContain('src/output/json.ts')
  expect(inputs.filter((input) => input.startsWith('src/output/schemas/'))).toEqual([])
})
