import { describe, expect, it } from 'vitest'
import { type FileFacts, ownershipProblem } from '../../../src/system/ownership'

describe('the way to a file', () => {
  /** Facts as a guest would show them, by path; what is not listed is a directory of root. */
  const guest = (files: Record<string, Partial<FileFacts> & { to?: string }>) => ({
    linkStat: (path: string): FileFacts => ({
      uid: 0,
      mode: 0o755,
      size: 1,
      kind: files[path]?.to === undefined ? 'directory' : 'link',
      ...files[path],
    }),
    readLink: (path: string) => files[path]?.to,
  })

  it('is checked up to the part that exists', () => {
    const missing = {
      linkStat: (path: string) => (path === '/' || path === '/etc' ? guest({}).linkStat(path) : undefined),
      readLink: () => undefined,
    }
    expect(ownershipProblem(missing, '/etc/vqtune/x.toml')).toBeUndefined()
    expect(ownershipProblem(guest({ '/etc': { mode: 0o777 } }), '/etc/vqtune/x.toml')).toContain(
      'its directory /etc',
    )
  })

  it.each([
    ['a home further up', { '/home/eve': { uid: 1000 } }, 'its directory /home/eve belongs to user 1000'],
    ['a link of somebody else', { '/etc/v': { uid: 1000, to: '/root' } }, 'its link /etc/v belongs to user'],
    [
      'a link through a directory of somebody else',
      { '/etc/v': { to: '../home/eve/x' }, '/home/eve': { mode: 0o777 } },
      'its directory /home/eve is group- or world-writable (mode 0777)',
    ],
    ['links in a circle', { '/etc/v': { to: '/etc/v' } }, 'too many levels of symbolic links'],
  ])('%s is refused', (_, files, expected) => {
    const path = '/home/eve' in files && !('/etc/v' in files) ? '/home/eve/d/x.toml' : '/etc/v/x.toml'
    expect(ownershipProblem(guest(files), path)).toContain(`refused: ${expected}`)
  })

  it('only the directories of root, sticky ones, and links between them', () => {
    const files = { '/tmp': { mode: 0o1777 }, '/tmp/v': { to: '../srv/./v' } }
    expect(ownershipProblem(guest(files), '/tmp/v/x.toml')).toBeUndefined()
  })

  it('may be one of the caller, who could only harm himself', () => {
    const own = process.geteuid?.() ?? 0
    expect(ownershipProblem(guest({ '/srv/x': { uid: own, kind: 'file' } }), '/srv/x')).toBeUndefined()
  })

  it('begins with /, and what is wrong with the end is told with its remedy', () => {
    expect(ownershipProblem(guest({ '/': { uid: 7 } }), '/etc/x')).toMatch(
      /^refused: its directory \/ belongs to user 7, not to root/,
    )
    expect(ownershipProblem(guest({ '/etc/x': { uid: 7, kind: 'file' } }), '/etc/x')).toMatch(
      /^refused: it belongs to user 7, not to root/,
    )
    expect(ownershipProblem(guest({ '/etc/x': { mode: 0o664, kind: 'file' } }), '/etc/x')).toBe(
      'refused: it is group- or world-writable (mode 0664); run chmod go-w',
    )
    expect(ownershipProblem(guest({ '/etc/d': { mode: 0o775 } }), '/etc/d/x')).toBe(
      'refused: its directory /etc/d is group- or world-writable (mode 0775); run chmod go-w on it',
    )
  })

  it('may have bits that only a directory makes harmless: sticky files are refused', () => {
    expect(ownershipProblem(guest({ '/etc/x': { mode: 0o1666, kind: 'file' } }), '/etc/x')).toContain(
      '(mode 1666)',
    )
  })

  it('takes 40 links, as the kernel does, and no more', () => {
    const chain = (length: number) =>
      Object.fromEntries(Array.from({ length }, (_, i) => [`/l${i}`, { mode: 0o777, to: `/l${i + 1}` }]))
    expect(ownershipProblem(guest(chain(40)), '/l0')).toBeUndefined()
    expect(ownershipProblem(guest(chain(41)), '/l0')).toBe('refused: too many levels of symbolic links')
  })

  it('is that of the link, not of the text: dots after a link are those of its target', () => {
    const files = { '/a': { to: '/b/c' }, '/b': { uid: 7 } }
    // /a/../x is /b/x.
    expect(ownershipProblem(guest({ '/a': { to: '/b/c/../x' }, '/b/c': { uid: 7 } }), '/a')).toContain(
      'its directory /b/c belongs to user 7',
    )
    expect(ownershipProblem(guest(files), '/a/y')).toContain('its directory /b belongs to user 7')
  })
})
