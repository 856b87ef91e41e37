import { expect, it } from 'vitest'
import { notesText, readNotes } from '../../../src/capture/notes'
import { openSystem } from '../../../src/system/system'
import { systemWith } from '../../support/systems'

const NONE = { description: 'vqtune capture', replaced: false, unreadable: {}, failed: {} }
const read = (text: string) => readNotes(systemWith({ '/capture.json': text }))

it('of the running guest are new ones, with the time and the version', () => {
  const before = Date.now()
  const { at, vqtune, ...rest } = readNotes(openSystem())
  expect(rest).toEqual(NONE)
  expect(Date.parse(at ?? '')).toBeGreaterThanOrEqual(before)
  expect(at).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
  expect(vqtune).toMatch(/\S/)
})

it('of a captured guest are those that it came with; of one without, none', () => {
  const notes = {
    ...{ description: 'a ticket', at: '2026-03-01T10:00:00.000Z', vqtune: '1.0', replaced: true },
    ...{ unreadable: { '/etc/shadow': 'EACCES' }, failed: { status: 'why' } },
  }
  expect(read(JSON.stringify({ ...notes, more: 1 }))).toEqual(notes)
  expect(readNotes(systemWith({}))).toEqual(NONE)
})

it.each(['', '{', 'null', '7', '"text"', '[]'])('a file that holds %j has no notes', (text) => {
  expect(read(text)).toEqual(NONE)
})

it('what is of another type is left out, one by one', () => {
  expect(
    read(
      JSON.stringify({
        ...{ description: 1, at: 2, vqtune: null, replaced: 'yes' },
        ...{ unreadable: { '/a': 'EIO', '/b': 5 }, failed: 'all' },
      }),
    ),
  ).toEqual({ ...NONE, unreadable: { '/a': 'EIO' } })
})

it('as text are the same whatever the order of the readings', () => {
  const at = (paths: readonly string[]) =>
    notesText({ ...NONE, unreadable: Object.fromEntries(paths.map((path) => [path, 'EACCES'])) })
  expect(at(['/b', '/a'])).toBe(at(['/a', '/b']))
  expect(at(['/b', '/a'])).toBe(`{
  "description": "vqtune capture",
  "replaced": false,
  "unreadable": {
    "/a": "EACCES",
    "/b": "EACCES"
  },
  "failed": {}
}
`)
})
