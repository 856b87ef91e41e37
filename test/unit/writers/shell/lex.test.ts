import { describe, expect, test } from 'vitest'
import { lexShell, type Part, type Token } from '../../../../src/writers/shell/lex'

/** 'x' quoted, x unquoted, $x, ${x-y}, $(x); a redirect is > or <, an operator stands for itself. */
function partShown(part: Part): string {
  if ('literal' in part) return part.quoted ? `'${part.literal}'` : part.literal
  const text =
    'variable' in part
      ? part.otherwise === undefined
        ? `$${part.variable}`
        : `\${${part.variable}-${part.otherwise}}`
      : `$(${part.substitution})`
  return part.quoted ? `"${text}"` : text
}

function shown(token: Token): string {
  if (token.kind === 'word') return token.parts.map(partShown).join('')
  if (token.kind === 'redirect') return token.writes ? '>' : '<'
  return token.text.replace('\n', 'NL')
}

const words = (text: string, isPlain?: boolean) => lexShell(text, isPlain).map(shown)
const lines = (text: string) => lexShell(text).map((token) => `${token.line} ${shown(token)}`)

describe('words', () => {
  test.each([
    ['ethtool -L eth0', ['ethtool', '-L', 'eth0']],
    ['\ta  b\t', ['a', 'b']],
    ['', []],
    [`a'b c'd`, [`a'b c'd`]],
    [`''`, [`''`]],
    [`"b c"`, [`'b c'`]],
    [`"a\\"b\\x"`, [`'a"b\\x'`]],
    ['a\\ b', [`a' 'b`]],
    ['a#b', ['a#b']],
    ['a #b c', ['a']],
    ['a # b\nc', ['a', 'NL', 'c']],
    // Quotes that are never closed, and a backslash at the very end.
    [`'a b`, [`'a b'`]],
    [`"a b`, [`'a b'`]],
    ['a\\', [`a''`]],
  ])('%j', (text, expected) => {
    expect(words(text)).toEqual(expected)
  })
})

describe('expansions', () => {
  test.each([
    ['$NIC', ['$NIC']],
    ['eth$N.1', ['eth$N.1']],
    ['"$NIC"', [`''"$NIC"`]],
    [`'$NIC'`, [`'$NIC'`]],
    ['\\$NIC', [`'$'NIC`]],
    ['$@ $* $# $? $$', ['$@', '$*', '$#', '$?', '$$']],
    [`\${NIC}0`, ['$NIC0']],
    [`\${NIC:-eth0} \${NIC-"eth1"}`, [`\${NIC-eth0}`, `\${NIC-eth1}`]],
    // What it becomes is not worked out.
    [`\${NIC%.*}`, ['$()']],
    [`\${NIC:-$OTHER}`, ['$()']],
    ['$(ls /sys) `nproc`', ['$(ls /sys)', '$(nproc)']],
    ['$(a $(b) ")" \\) c)d', ['$(a $(b) ")" \\) c)d']],
    ['"$(nproc)"', [`''"$(nproc)"`]],
    ['$((1 + 2))', ['$((1 + 2))']],
    ['$(never closed', ['$(never closed)']],
    ['5$ $%', ['5$', '$%']],
  ])('%j', (text, expected) => {
    expect(words(text)).toEqual(expected)
  })

  test('$10 is the first argument and a zero: see dash(1)', () => {
    const [word] = lexShell('$10')
    expect(word).toMatchObject({ parts: [{ variable: '1' }, { literal: '0' }] })
  })
})

describe('operators and redirects', () => {
  test.each([
    ['a;b&&c||d|e&f', ['a', ';', 'b', '&&', 'c', '||', 'd', '|', 'e', '&', 'f']],
    ['a |& b', ['a', '|&', 'b']],
    ['(a)', ['(', 'a', ')']],
    ['a;; b;& c;;& d', ['a', ';;', 'b', ';&', 'c', ';;&', 'd']],
    ['a>b >>c', ['a', '>', 'b', '>', 'c']],
    ['a <b', ['a', '<', 'b']],
    ['a 2>&1', ['a', '>', '1']],
    ['a 2>/dev/null', ['a', '>', '/dev/null']],
    ['a &>b &>>c', ['a', '>', 'b', '>', 'c']],
    ['a >|b', ['a', '>', 'b']],
    ['a <<<b', ['a', '<', 'b']],
    // The 2 belongs to the word.
    ['a2>b', ['a2', '>', 'b']],
    [`';' ">"`, [`';'`, `'>'`]],
  ])('%j', (text, expected) => {
    expect(words(text)).toEqual(expected)
  })

  test('one command without a shell has none, nor comments', () => {
    expect(words('a;b > c # d', true)).toEqual(['a;b', '>', 'c', '#', 'd'])
    expect(words(`a "b c" $D`, true)).toEqual(['a', `'b c'`, '$D'])
  })
})

describe('here-documents are no commands', () => {
  test.each(['<<EOF', '<<-EOF', `<<'EOF'`, '<<"EOF"', '<<\\EOF', '<< EOF'])('%s', (operator) => {
    expect(words(`cat ${operator}\nethtool -L eth0\n\tEOF\nb`)).toEqual(['cat', 'NL', 'b'])
  })

  test('the rest of their line is, and two follow each other', () => {
    expect(words('cat <<A <<B >c\nx\nA\ny\nB\nd')).toEqual(['cat', '>', 'c', 'NL', 'd'])
  })

  test('one that does not end goes to the end of the file; without a delimiter there is none', () => {
    expect(words('cat <<EOF\nethtool')).toEqual(['cat', 'NL'])
    expect(words('cat <<\nb')).toEqual(['cat', 'NL', 'b'])
  })
})

describe('the line of a token is the one it begins in', () => {
  test.each([
    ['a\nb', ['1 a', '1 NL', '2 b']],
    ['a\r\nb', ['1 a', '1 NL', '2 b']],
    ['a \\\n b\nc', ['1 a', '2 b', '2 NL', '3 c']],
    ['a \\\r\n b', ['1 a', '2 b']],
    [`'x\ny' b`, [`1 'x\ny'`, '2 b']],
    ['"x\ny" b', [`1 'x\ny'`, '2 b']],
    ['"x\\\ny" b', [`1 'xy'`, '2 b']],
    ['$(x\ny) b', ['1 $(x\ny)', '2 b']],
    ['cat <<E\nx\nE\nb', ['1 cat', '1 NL', '4 b']],
  ])('%j', (text, expected) => {
    expect(lines(text)).toEqual(expected)
  })
})
