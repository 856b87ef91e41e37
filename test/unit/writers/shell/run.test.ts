import { describe, expect, test } from 'vitest'
import { type Command, commandsOf, UNRESOLVED } from '../../../../src/writers/shell/run'

/** A word that can be several texts: a|b; what is not known: ?. */
const textOf = ({ texts }: Command['argv'][number]) => texts.join('|').replaceAll(UNRESOLVED, '?')

function shown({ line, argv, writesTo }: Command): string {
  return [`${line}:`, ...argv.map(textOf), ...writesTo.map((file) => `>${textOf(file)}`)].join(' ')
}

/** $1 is any NIC, $2 not known, $LIST one of two. */
const BINDINGS = new Map([
  ['1', ['*']],
  ['LIST', ['eth0', 'eth1']],
])
const runs = (text: string) => commandsOf(text, BINDINGS).map(shown)

describe('what a script runs', () => {
  test.each([
    ['a b; c\nd', ['1: a b', '1: c', '2: d']],
    ['a | b && c &', ['1: a', '1: b', '1: c']],
    ['! a; time b', ['1: a', '1: b']],
    ['{ a; }; ( b )', ['1: a', '1: b']],
    ['while a; do b; done', ['1: a', '1: b']],
    ['until a; do b; done', ['1: a', '1: b']],
    // Both branches.
    ['if a; then b; elif c; then d; else e; fi', ['1: a', '1: b', '1: c', '1: d', '1: e']],
    ['a >/x 2>&1 </in', ['1: a >/x >1']],
    ['<in', []],
    ['a >', ['1: a']],
    // Inside $( ), and inside quotes.
    ['x=$(a\nb "$(c)")', ['1: a', '2: c', '2: b ?']],
    [`e "\`a\`" \${x%y}`, ['1: a', '1: e ? ?']],
    ['e $((1+2))', ['1: e ?']],
    ['eval "a b"', ['1: a b']],
    ['', []],
    // Ends of what never began.
    ['fi; esac; done; }; )', []],
  ])('%j', (text, expected) => {
    expect(runs(text)).toEqual(expected)
  })

  test('one command without a shell is one command, with its variables', () => {
    const [command, ...more] = commandsOf('a ; b $LIST', BINDINGS, true)
    expect(command && shown(command)).toBe('1: a ; b eth0|eth1')
    expect(more).toEqual([])
  })

  test('as an administrator reads it: resolved where there is one text, else as written', () => {
    const [command] = commandsOf(
      `N=4\ne $N $1 \${LIST}.5 $(ls  /a) $(${'x'.repeat(50)})`,
      new Map([...BINDINGS, ['N', ['4']]]),
    ).slice(-1)
    expect(command?.argv.map((value) => value.shown)).toEqual([
      'e',
      '4',
      '$1',
      '$LIST.5',
      '$(ls /a)',
      `$(${'x'.repeat(37)}...)`,
    ])
  })
})

describe('values', () => {
  test.each([
    ['N=4; e $N "$N" x$N', '1: e 4 4 x4'],
    ['N=4 M=$N; e $M', '1: e 4'],
    ['export N=4; e $N', '1: e 4'],
    ['export N; e $N', '1: e ?'],
    ['N=4 e a', '1: e a'],
    ['N=\'a b\'; e $N "$N"', '1: e a b a b'],
    ['N=4; N+=5; e $N', '1: e ?'],
    ['e $UNKNOWN $(nproc)', '1: e ? ?'],
    [`e \${UNKNOWN:-eth5} \${LIST:-eth5}`, '1: e eth5 eth0|eth1'],
    // In a branch it may or may not be assigned.
    ['N=4; if a; then N=5; fi; e $N', '1: e 4|5'],
    ['if a; then N=5; fi; e $N', '1: e 5'],
    ['N=4; for x in 1; do N=5; done; e $N', '1: e 4|5'],
    // Read, counted, unset: not known any more.
    ['N=4; read N; e $N', '1: e ?'],
    ['N=4; let N=N+1; e $N', '1: e ?'],
    ['N=4; unset N; e $N', '1: e ?'],
    ['N=4; mapfile -t N <f; e $N', '1: e ?'],
    ['for ((N = 0; N < 4; N++)); do e $N; done', '1: e ?'],
    // Arguments.
    ['shift; e $1', '1: e ?'],
    ['set -- a b; e $1', '1: e ?'],
    ['set -e; e $1', '1: e *'],
  ])('%j', (text, expected) => {
    expect(runs(text).at(-1)).toBe(expected)
  })
})

describe('loops over words', () => {
  test.each([
    ['for i in eth0 eth1; do e $i; done', '1: e eth0|eth1'],
    ['N="eth0 eth1"; for i in $N; do e $i; done', '1: e eth0|eth1'],
    ['N="eth0 eth1"; for i in "$N"; do e "$i"; done', '1: e eth0 eth1'],
    ['for i in eth{0,1}.5; do e $i; done', '1: e eth0.5|eth1.5'],
    ['for i in eth{1..3}; do e $i; done', '1: e eth1|eth2|eth3'],
    ['for i in eth{3..1}; do e $i; done', '1: e eth1|eth2|eth3'],
    ['for i in {a,b}{1,2}; do e $i; done', '1: e b1|b2|a1|a2'],
    ['for i in eth{0}; do e $i; done', '1: e eth{0}'],
    ['for i in $(ls); do e $i; done', '1: e ?'],
    ['for i; do e $i; done', '1: e ?'],
  ])('%j', (text, expected) => {
    expect(runs(text).at(-1)?.split(/[ |]/).sort()).toEqual(expected.split(/[ |]/).sort())
  })

  test('those over the arguments are over all of them', () => {
    const [command] = commandsOf('for i; do e $i; done', new Map([['@', ['eth0', 'eth1']]]))
    expect(command && shown(command)).toBe('1: e eth0|eth1')
  })

  test('of many words, the first 64 count', () => {
    const [command] = commandsOf('for i in {1..99}; do e $i$i; done', BINDINGS)
    expect(command?.argv[1]?.texts).toHaveLength(64)
  })
})

describe('a comparison narrows a variable', () => {
  test.each([
    // For the rest of a list of &&, and no longer.
    ['[ "$1" = eth1 ] && e $1; f $1', ['1: e eth1', '1: f *']],
    ['[ eth1 = "$1" ] && e $1', ['1: e eth1']],
    ['[[ $1 == eth* ]] && e $1', ['1: e eth*']],
    ['test "x$1" = xeth1 && e $1', ['1: e eth1']],
    ['[ "$LIST" != eth0 ] && e $LIST', ['1: e eth1']],
    ['[ ! "$LIST" = eth0 ] && e $LIST', ['1: e eth1']],
    ['[ "$LIST" = "eth*" ] && e $LIST', ['1: e eth0|eth1']],
    // It cannot hold.
    ['[ "$LIST" = eth5 ] && e $LIST; f', ['1: f']],
    ['[ "$LIST" = eth0 ] && [ "$LIST" != eth0 ] && e; f', ['1: f']],
    // In a branch.
    ['if [ "$1" = eth1 ]; then e $1; fi; f $1', ['1: e eth1', '1: f *']],
    ['if [ "$1" = eth1 ] && [ "$2" = up ]; then e $1 $2; fi', ['1: e eth1 up']],
    ['if [ "$1" = eth1 ]; then e $1; else f $1; fi', ['1: e eth1', '1: f *']],
    ['if [ "$1" = a ]; then e $1; elif [ "$1" = b ]; then f $1; fi', ['1: e a', '1: f b']],
    ['if [ "$LIST" = eth5 ]; then e; fi; f', ['1: f']],
    // Either of two is not worked out.
    ['if [ "$1" = a ] || [ "$1" = b ]; then e $1; fi', ['1: e *']],
    ['if [ "$1" = a -o "$1" = b ]; then e $1; fi', ['1: e *']],
    // The script leaves if it does not hold.
    ['[ "$1" = eth1 ] || exit 0\ne $1', ['2: e eth1']],
    ['[ "$1" != eth1 ] && exit 0\ne $1', ['2: e eth1']],
    ['[ "$1" = eth1 ] || f\ne $1', ['1: f', '2: e *']],
    // It compares with what is not known, not a variable, or not for equality.
    ['[ "$1" = "$2" ] && e $1', ['1: e *']],
    ['[ a = b ] && e $1', ['1: e *']],
    ['[ "x$1" = yeth1 ] && e $1', ['1: e *']],
    ['[ "$1$2" = a ] && e $1', ['1: e *']],
    ['[ -n "$1" ] && e $1', ['1: e *']],
    ['[ = a ] && e $1', ['1: e *']],
    ['[ "$1" != eth1 ] && e $1', ['1: e *']],
  ])('%j', (text, expected) => {
    expect(runs(text)).toEqual(expected)
  })
})

describe('case', () => {
  test.each([
    ['case $1 in\neth0|eth1) e $1 ;;\n*) f $1 ;;\nesac\ng $1', ['2: e eth0|eth1', '3: f *', '5: g *']],
    ['case "$1" in (a) e $1;; esac', ['1: e a']],
    ['case $LIST in eth1) e $LIST;; eth5) f;; esac; g $LIST', ['1: e eth1', '1: g eth0|eth1']],
    ['case $LIST in eth*) e $LIST;; esac', ['1: e eth0|eth1']],
    ['case $1-$2 in eth1-up) e $1;; esac', ['1: e *']],
    ['case $1 in a) e;& b) f;; esac', ['1: e', '1: f']],
  ])('%j', (text, expected) => {
    expect(runs(text)).toEqual(expected)
  })
})

describe('functions', () => {
  test.each([
    ['f() { e $1; }\nf eth1\nf eth2', ['1: e eth1', '1: e eth2']],
    ['f()\n{\n  e $1\n}\nf a', ['3: e a']],
    ['function f { e $1; }; f a', ['1: e a']],
    ['f() { e "$@"; }; f a b', ['1: e a|b']],
    ['f() { { e; }; g; }; f', ['1: e', '1: g']],
    ['f() { e; }', []],
    // What it assigns is seen by its caller; its arguments are its own.
    ['f() { N=4; }; f a; e $N $1', ['1: e 4 *']],
    ['f() { g; }; g() { e; }; f', ['1: e']],
  ])('%j', (text, expected) => {
    expect(runs(text)).toEqual(expected)
  })
})

test('a function that calls itself ends', () => {
  expect(new Set(runs('f() { e; f; }; f; g'))).toEqual(new Set(['1: e', '1: g']))
})

describe('what follows its end does not run', () => {
  test.each([
    ['a; exit 0; b', ['1: a']],
    ['return; b', []],
    ['exit; x=$(b); f() { c; }; f; eval d', []],
    // It may not come to it.
    ['a && exit; b', ['1: a', '1: b']],
    ['a || exit; b', ['1: a', '1: b']],
    ['if a; then exit; fi; b', ['1: a', '1: b']],
    ['( exit ); b', ['1: b']],
  ])('%j', (text, expected) => {
    expect(runs(text)).toEqual(expected)
  })
})

describe('what holds after a script has left for all else', () => {
  const ONE_OR_TWO = '1: e eth0|ens3'
  test.each([
    ['[ "$1" = eth0 ] || exit 0; e $1', ['1: e eth0']],
    ['[ "$1" = eth0 ] || [ "$1" = ens3 ] || exit 0; e $1', [ONE_OR_TWO]],
    ['[ "$1" != eth0 ] && [ "$1" != ens3 ] && exit 0; e $1', [ONE_OR_TWO]],
    ['[ "$1" = eth0 ] || { a; exit 0; }; e $1', ['1: a', '1: e eth0']],
    ['if [ "$1" != eth0 ]; then exit 0; fi; e $1', ['1: e eth0']],
    ['if ! [ "$1" = eth0 ]; then exit 0; fi; e $1', ['1: e eth0']],
    ['! [ "$1" = eth0 ] && exit; e $1', ['1: e eth0']],
    ['! { [ "$1" = eth0 ] || exit; }; e $1', ['1: e *']],
    ['case "$1" in eth0|ens3) ;; *) exit 0 ;; esac; e $1', [ONE_OR_TWO]],
    ['case "$1" in ens4) exit ;; eth0) a ;; *) exit ;; esac; e $1', ['1: a', '1: e eth0']],
    ['for i in eth0 ens3; do [ $i = ens3 ] && continue; e $i; done', ['1: e eth0']],
    // Another variable, or another command: nothing is known.
    ['[ "$1" = eth0 ] || [ "$2" = up ] || exit 0; e $1', ['1: e *']],
    ['[ "$1" = eth0 ] || a || exit 0; e $1', ['1: a', '1: e *']],
    ['[ "$2" = up ] && [ "$1" != eth0 ] && exit 0; e $1', ['1: e *']],
    ['if [ -f /x ] && [ "$1" != eth0 ]; then exit 0; fi; e $1', ['1: e *']],
    ['if [ "$1" != eth0 ]; then a; fi; e $1', ['1: a', '1: e *']],
    ['if [ "$1" != eth0 ]; then exit; else a; fi; e $1', ['1: a', '1: e *']],
    ['case "$1" in eth0) ;; *) a ;; esac; e $1', ['1: a', '1: e *']],
  ])('%j', (text, expected) => {
    expect(runs(text).filter((line) => !line.includes(']]'))).toEqual(expected)
  })

  test('two comparisons in [[ ]]', () => {
    expect(runs('[[ $1 == eth0 || $1 == ens3 ]] || exit 0; e $1')).toContain(ONE_OR_TWO)
  })
})

describe('a comparison holds', () => {
  test.each([
    ['[ "$1" = eth0 ] && { a; e $1; }; e $1', ['1: a', '1: e eth0', '1: e *']],
    ['[ "$1" = eth0 ] && ( a; e $1 ); e $1', ['1: a', '1: e eth0', '1: e *']],
    ['[ "$1" = eth0 ] && a | e $1; e $1', ['1: a', '1: e eth0', '1: e *']],
    // What is assigned meanwhile outlives it.
    ['D=eth0; [ "$D" = eth0 ] && D=ens3; e $D', ['1: e eth0|ens3']],
  ])('%j', (text, expected) => {
    expect(runs(text)).toEqual(expected)
  })
})

describe('output goes to a file', () => {
  test.each([
    ['for x in a b; do c; done >/f', ['1: c', '1: >/f']],
    ['{ a; } >/f', ['1: a', '1: >/f']],
    ['>/f a', ['1: >/f', '1: a']],
    ['a </f', ['1: a']],
  ])('%j', (text, expected) => {
    expect(runs(text)).toEqual(expected)
  })
})

test('of a script of very many commands, the first 20,000 are seen', () => {
  expect(commandsOf('a\n'.repeat(20_005), BINDINGS)).toHaveLength(20_000)
})
