import { expect, it } from 'vitest'
import { shadowedFiles } from '../../../src/system/shadowed-files'

it('a file hides those of its name in later directories; the order is that of the names', () => {
  const names: Readonly<Record<string, readonly string[]>> = {
    '/etc': ['b.conf', 'x.conf.tmp'],
    '/run': ['a.conf'],
    '/usr/lib': ['a.conf', 'b.conf', 'c.conf', 'README'],
  }
  const files = shadowedFiles(Object.keys(names), '.conf', (directory) => names[directory] ?? [])
  expect(files).toEqual(['/run/a.conf', '/etc/b.conf', '/usr/lib/c.conf'])
})
