import { describe, expect, it } from 'vitest'
import { canShowLinks, withLinks } from '../../../src/text/links'

/** `[target|text]` for each hyperlink. */
const shown = (text: string): string =>
  withLinks(text, 'guest').replace(
    // biome-ignore lint/suspicious/noControlCharactersInRegex: what a terminal gets.
    /\u001b\]8;;([^\u001b]+)\u001b\\([^\u001b]*)\u001b\]8;;\u001b\\/g,
    '[$1|$2]',
  )

describe('hyperlinks', () => {
  it.each([
    [
      'tuned (/etc/tuned/mine/tuned.conf:7): x',
      'tuned ([file://guest/etc/tuned/mine/tuned.conf|/etc/tuned/mine/tuned.conf]:7): x',
    ],
    ['see vqtune.toml(5).', 'see [man:vqtune.toml(5)|vqtune.toml(5)].'],
    ['at https://example.com/a?b=c.', 'at [https://example.com/a?b=c|https://example.com/a?b=c].'],
    ['cp /usr/share/a /etc/b/', 'cp [file://guest/usr/share/a|/usr/share/a] [file://guest/etc/b/|/etc/b/]'],
    ['\u001b[2m/etc/b\u001b[22m', '\u001b[2m[file://guest/etc/b|/etc/b]\u001b[22m'],
  ])('%j', (text, expected) => {
    expect(shown(text)).toBe(expected)
  })

  it.each([
    '/etc/x/*.conf',
    '/proc/irq/$N/x',
    '/home/a',
    'a/etc/b',
    'min(4)',
    'stat(9)',
    'f(x)',
    '/usr/<dir>',
  ])('none in %s', (text) => {
    expect(shown(text)).toBe(text)
  })

  it('show the same text', () => {
    const text = 'vqtune(8), /etc/vqtune/vqtune.toml and https://example.com\n'
    // biome-ignore lint/suspicious/noControlCharactersInRegex: what a terminal gets.
    expect(withLinks(text, 'guest').replace(/\u001b\]8;;[^\u001b]*\u001b\\/g, '')).toBe(text)
  })

  it.each([
    [{ TERM: 'xterm-256color' }, true],
    [{ TERM: 'tmux-256color' }, true],
    [{ TERM: 'xterm-256color', VTE_VERSION: '7006' }, true],
    [{ TERM: 'xterm-256color', VTE_VERSION: '4800' }, false],
    [{ TERM: 'linux' }, false],
    [{ TERM: 'screen' }, false],
    [{ TERM: 'dumb' }, false],
    [{}, false],
  ])('where the terminal can: %j %s', (env, expected) => {
    expect(canShowLinks(env)).toBe(expected)
  })
})
