import { expect, test } from 'vitest'
import { readFragments } from '../../../src/config/fragments'
import { DEFAULT_SETTINGS } from '../../../src/config/settings'

test('files give settings, the last one first, and are named as they were found', async () => {
  const texts = [
    { file: '/a', text: '[boot]\nwait-ms = 1\nlimit-ms = 2000\n' },
    { file: '/b', text: '[boot]\nwait-ms = 2\n' },
  ]
  expect(await readFragments(texts, ['/a', '/b', '/of-comments'])).toEqual({
    problems: [],
    settings: {
      ...DEFAULT_SETTINGS,
      boot: { waitMs: 2, limitMs: 2_000 },
      sources: ['/a', '/b', '/of-comments'],
    },
  })
})

test('problems of all files are told in their order, and nothing of any file is then obeyed', async () => {
  const texts = [
    { file: '/a', text: '[boot]\nwait-ms = true\nlimit-ms = true\n' },
    { file: '/b', text: '[boot]\nwait-ms = 2\n' },
    { file: '/c', text: 'x' },
  ]
  const { problems, settings } = await readFragments(texts, ['/a', '/b', '/c'])
  expect(problems.map(({ file, line }) => [file, line])).toEqual([
    ['/a', 2],
    ['/a', 3],
    ['/c', 1],
  ])
  expect(settings).toEqual(DEFAULT_SETTINGS)
})
