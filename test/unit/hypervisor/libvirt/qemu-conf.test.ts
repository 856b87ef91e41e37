import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readNumber, scanConf, withNumber } from '../../../../src/hypervisor/libvirt/qemu-conf'
import { recorded } from '../recorded'

const debian = recorded('qemu.conf')

describe('withNumber', () => {
  it("sets the value after Debian's commented default, and changes it in place the next time", () => {
    const once = withNumber(debian, 'max_files', 2048, 'qemu.conf')
    expect(once).toBe(debian.replace('#max_files = 0\n', '#max_files = 0\nmax_files = 2048\n'))
    expect(withNumber(once, 'max_files', 4096, 'qemu.conf')).toBe(once.replace('2048', '4096'))
  })

  it('keeps a comment behind the value, a missing last newline and CRLF', () => {
    expect(withNumber('max_files=1 # why', 'max_files', 2, 'f')).toBe('max_files=2 # why')
    expect(withNumber('user = "root"', 'max_files', 2, 'f')).toBe('user = "root"\nmax_files = 2\n')
    expect(withNumber('max_files = 1\r\nx = 1\r\n', 'max_files', 2, 'f')).toBe('max_files = 2\r\nx = 1\r\n')
    expect(withNumber('', 'max_files', 2, 'f')).toBe('max_files = 2\n')
    expect(withNumber('#max_files = 0', 'max_files', 2, 'f')).toBe('#max_files = 0\nmax_files = 2\n')
  })

  it('of several takes the first to read, and sets all', () => {
    const twice = 'max_files = 7\nx = 1\nmax_files = 8\n'
    expect(readNumber(twice, 'max_files', 'f')).toBe(7)
    expect(withNumber(twice, 'max_files', 9, 'f')).toBe('max_files = 9\nx = 1\nmax_files = 9\n')
  })

  it('is not fooled by text inside strings', () => {
    const tricky = 'a = """\nmax_files = 7\n#max_files = 8\n"""\nb = [ "max_files = 9 ]",\n  "x" ]\n'
    expect(readNumber(tricky, 'max_files', 'f')).toBe(0)
    expect(withNumber(tricky, 'max_files', 2, 'f')).toBe(`${tricky}max_files = 2\n`)
  })

  it('names file and line of what it cannot read', () => {
    expect(() => readNumber('\nmax_files = many\n', 'max_files', 'q.conf')).toThrow(/^q\.conf:2: max_files: /)
    expect(() => readNumber('max_files = "2048"\n', 'max_files', 'q.conf')).toThrow(/expected a whole number/)
    expect(() => scanConf('a = [ "x"\n', 'q.conf')).toThrow(/^q\.conf:1: a: /)
    expect(() => scanConf('a = 1\nwhat?\n', 'q.conf')).toThrow("q.conf:2: expected 'name = value'")
  })

  const value = fc.oneof(
    fc.nat().map(String),
    fc.stringMatching(/^[^"\n]*$/).map((text) => `"${text}"`),
    fc.stringMatching(/^[^'\n]*$/).map((text) => `'${text}'`),
    fc
      .array(fc.stringMatching(/^[^"\n]*$/))
      .map((items) => `[ ${items.map((text) => `"${text}"`).join(',\n  ')} ]`),
    fc.stringMatching(/^[^"]*$/).map((text) => `"""${text}"""`),
  )
  const line = fc.oneof(
    fc.constantFrom('', '#max_files = 0', '# max_files = 5', '#', '  # note'),
    fc.stringMatching(/^#[^\n]*$/),
    fc
      .tuple(fc.constantFrom('user', 'group', 'max_files_more', 'x'), value)
      .map(([key, text]) => `${key} = ${text}`),
    fc.nat().map((count) => `max_files = ${count}`),
  )

  it('changes max_files only, whatever else the file holds', () => {
    fc.assert(
      fc.property(fc.array(line), fc.boolean(), fc.integer({ min: 0, max: 1e6 }), (lines, newline, count) => {
        const conf = lines.join('\n') + (newline ? '\n' : '')
        const after = withNumber(conf, 'max_files', count, 'f')
        const others = (text: string) =>
          scanConf(text, 'f')
            .filter(({ key }) => key !== 'max_files')
            .map(({ key, rawValue }) => [key, rawValue])
        const comments = (text: string) => text.split('\n').filter((each) => /^\s*#/.test(each))
        expect(readNumber(after, 'max_files', 'f')).toBe(count)
        expect(others(after)).toEqual(others(conf))
        expect(comments(after)).toEqual(comments(conf))
        expect(withNumber(after, 'max_files', count, 'f')).toBe(after)
      }),
    )
  })
})
