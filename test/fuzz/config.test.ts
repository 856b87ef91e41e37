/** vqtune.toml: text -> fragment or problems -> merged -> settings. */
import fc from 'fast-check'
import { stringify } from 'smol-toml'
import { describe, expect } from 'vitest'
import type { Fragment } from '../../src/config/grammar'
import { isEmptyConfig } from '../../src/config/load'
import { locateKeys } from '../../src/config/locate'
import { fullPciAddress, globMatcher, matchesNic } from '../../src/config/match'
import { mergeFragments, toSettings } from '../../src/config/merge'
import { parseFragment } from '../../src/config/parse'
import { dottedPath, problemLine, shownValue } from '../../src/config/problem'
import { DEFAULT_SETTINGS, NIC_KEYS, nicOrigin, nicSettings } from '../../src/config/settings'
import { nearest } from '../../src/text/nearest'
import { nicOf } from '../support/simulated-kernel'
import { holds, holdsAsync, must } from './lib/check'
import { damaged, mac, word } from './lib/texts'

const FILE = '/etc/vqtune/vqtune.toml'
const ONE_PRINTABLE_LINE = /^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]+$/u

const EXAMPLE = `# policy of this guest
isolated-cpus = "avoid"
[boot]
wait-ms = 5_000
[daemon]
report-cron = "0 6 * * *"
check-cron = '*/5 * * * *'
history-size-kib = 1024
[metrics]
textfile = "/run/vqtune/vqtune.prom"
listen = "127.0.0.1:9917"
[guard]
enabled = true
[defaults]
cap = 8
[[nic]]
match = { name = "eth*", mac = "52:54:00:*" }
channels = 4
on-conflict = "yield"
[[nic]]
match.pci = "0000:00:03.0"
enabled = false
cap = "none"
`

const some = <T>(inner: fc.Arbitrary<T>) => fc.option(inner, { nil: undefined })
const count = (low: number, high: number) => fc.integer({ min: low, max: high })

const nicTable = fc.record(
  {
    enabled: fc.boolean(),
    channels: fc.oneof(count(1, 256), fc.constant('auto' as const)),
    affinity: fc.boolean(),
    xps: fc.boolean(),
    'on-conflict': fc.constantFrom('reassert', 'yield', 'report'),
  },
  { requiredKeys: [] },
)

/** Everything that the grammar accepts. */
const fragment = fc
  .record({
    isolated: some(fc.constantFrom('avoid', 'use')),
    wait: some(count(0, 60_000)),
    debounce: some(count(10, 60_000)),
    listen: some(
      fc.oneof(
        fc.constant('none'),
        count(1, 65_535).map((port) => `127.0.0.1:${port}`),
        word.map((name) => `unix:/run/${name}`),
      ),
    ),
    defaults: some(nicTable),
    rules: fc.uniqueArray(fc.tuple(word, nicTable), { maxLength: 4, selector: ([name]) => name }),
  })
  .map(
    ({ isolated, wait, debounce, listen, defaults, rules }): Fragment =>
      JSON.parse(
        JSON.stringify({
          'isolated-cpus': isolated,
          boot: wait === undefined ? undefined : { 'wait-ms': wait },
          daemon: debounce === undefined ? undefined : { 'debounce-ms': debounce },
          metrics: listen === undefined ? undefined : { listen },
          defaults,
          nic: rules.length === 0 ? undefined : rules.map(([name, table]) => ({ match: { name }, ...table })),
        }),
      ) as Fragment,
  )

async function located(file: string, text: string) {
  const parsed = await parseFragment(file, text)
  if (!parsed.ok) throw new Error(parsed.problems.map(problemLine).join('\n'))
  return parsed.located
}

describe('vqtune.toml', () => {
  holdsAsync(
    'of any text is a fragment, or problems of one printable line each, in file order',
    damaged(EXAMPLE),
    async (text) => {
      const parsed = await parseFragment(FILE, text)
      if (parsed.ok) {
        const settings = toSettings(mergeFragments([parsed.located]), [FILE])
        const nic = nicOf({ ifindex: 2, maximum: 4 }, [0, 1, 2, 3])
        const { cap, channels } = nicSettings(settings, nic)
        for (const limit of [cap, channels]) must(limit === undefined || (limit >= 1 && limit <= 256), limit)
        for (const source of NIC_KEYS.map(({ key }) => nicOrigin(settings, nic, key)))
          expect(source).toMatch(/^(\/etc\/vqtune\/vqtune\.toml:\d+|built-in)$/)
        return
      }
      expect(parsed.problems).not.toEqual([])
      const lines = parsed.problems.map((problem) => problem.line ?? 0)
      expect(lines).toEqual([...lines].sort((a, b) => a - b))
      for (const problem of parsed.problems) {
        must((problem.line ?? 1) >= 1 && (problem.line ?? 1) <= text.split('\n').length, problem.line)
        expect(problemLine(problem)).toMatch(ONE_PRINTABLE_LINE)
        must(
          problemLine(problem).startsWith(`${FILE}:`) && problemLine(problem).length < 400,
          problemLine(problem),
        )
      }
    },
  )

  holdsAsync('reads back what was written', fragment, async (written) => {
    const { fragment: read, lines } = await located(FILE, stringify(written))
    expect(read).toEqual(written)
    const text = stringify(written).split('\n')
    for (const path of lines.paths()) {
      const line = text[(lines.lineOf(path) ?? 0) - 1] ?? ''
      must(
        path.some((part) => line.includes(String(part))),
        `${dottedPath(path)} is not on: ${line}`,
      )
    }
  })

  holdsAsync(
    'merges: what a later file says wins, what it does not say stays',
    fc.tuple(fragment, fragment),
    async ([first, second]) => {
      const one = await located('/a.toml', stringify(first))
      const two = await located('/b.toml', stringify(second))
      const settings = toSettings(mergeFragments([one, two]), [])
      expect(settings.isolated).toBe(
        second['isolated-cpus'] ?? first['isolated-cpus'] ?? DEFAULT_SETTINGS.isolated,
      )
      expect(settings.boot.waitMs).toBe(
        second.boot?.['wait-ms'] ?? first.boot?.['wait-ms'] ?? DEFAULT_SETTINGS.boot.waitMs,
      )
      expect(settings.daemon.debounceMs).toBe(
        second.daemon?.['debounce-ms'] ?? first.daemon?.['debounce-ms'] ?? DEFAULT_SETTINGS.daemon.debounceMs,
      )
      const tables = [first, second].flatMap(({ defaults, nic }) => [
        ...(defaults === undefined ? [] : [defaults]),
        ...(nic ?? []),
      ])
      expect(settings.rules).toHaveLength(tables.length)
      // Of a file given twice only the rules are there twice.
      const { rules: _, ...once } = toSettings(mergeFragments([one]), [])
      expect(toSettings(mergeFragments([one, one]), [])).toMatchObject(once)
      const nic = nicOf({ ifindex: 2, maximum: 4 }, [0, 1])
      expect(nicSettings(toSettings(mergeFragments([one, one]), []), nic)).toEqual(
        nicSettings({ ...settings, rules: toSettings(mergeFragments([one]), []).rules }, nic),
      )
    },
  )

  holdsAsync(
    'that passes for empty on the boot path says nothing',
    damaged('# policy\n\n[boot]\n# wait-ms = 5\n[daemon] # none\n\t[metrics]\n[guard]\n[defaults]\n'),
    async (text) => {
      fc.pre(isEmptyConfig(text))
      const parsed = await parseFragment(FILE, text)
      // A control character in a comment is no TOML, and harmless.
      if (parsed.ok) for (const table of Object.values(parsed.located.fragment)) expect(table).toEqual({})
    },
  )

  holds('finds lines within the text, whatever the text', damaged(EXAMPLE), (text) => {
    const found = locateKeys(text)
    const last = text.split('\n').length
    for (const path of found.paths()) {
      const line = found.lineOf(path) ?? 0
      must(line >= 1 && line <= last, `${JSON.stringify(path)}: ${line} of ${last}`)
    }
  })

  holds(
    'shows any value and any key shortened',
    fc.tuple(fc.anything({ withDate: true, withBigInt: true }), fc.string({ unit: 'binary' })),
    ([value, key]) => {
      must([...shownValue(value)].length <= 60, shownValue(value))
      must([...dottedPath(['nic', 0, key])].length <= 70, key)
      const known = ['cap', 'channels', 'affinity']
      const meant = nearest(key, known)
      must(meant === undefined || known.includes(meant), meant)
    },
  )
})

describe('globs', () => {
  const alphabet = fc.constantFrom('a', 'b', '*', '?', '[ab]', '[!a]', '[a-c]', '\\*', '.')
  const regexOf: Record<string, string> = { '*': '.*', '?': '.', '[!a]': '[^a]', '.': '\\.', '\\*': '\\*' }
  holds(
    'match as the regular expression that they stand for',
    fc.tuple(
      fc.array(alphabet, { minLength: 1, maxLength: 7 }),
      fc.array(fc.constantFrom('a', 'b', 'c', '.', '*'), { maxLength: 9 }),
    ),
    ([glob, text]) => {
      const regex = new RegExp(`^${glob.map((token) => regexOf[token] ?? token).join('')}$`)
      expect(globMatcher(glob.join(''))(text.join(''))).toBe(regex.test(text.join('')))
    },
  )
  holds(
    'match themselves when escaped; malformed ones say why in one line',
    fc.string({ minLength: 1, maxLength: 20, unit: 'binary' }),
    (text) => {
      expect(globMatcher(text.replace(/[*?[\\]/g, '\\$&'))(text)).toBe(true)
      try {
        globMatcher(text)('eth0')
      } catch (error) {
        expect(error).toBeInstanceOf(SyntaxError)
      }
    },
  )
  holds(
    'rules match whatever the case of the MAC address and with or without the PCI domain',
    fc.record({ mac, slot: fc.nat(31) }),
    ({ mac, slot }) => {
      const short = `00:${slot.toString(16).padStart(2, '0')}.0`
      const nic = { ...nicOf({ ifindex: 2, maximum: 1 }, [0]), mac, busAddress: `0000:${short}` }
      expect(fullPciAddress(fullPciAddress(short))).toBe(nic.busAddress)
      expect(matchesNic({ mac: mac.toUpperCase(), pci: short.toUpperCase() }, nic)).toBe(true)
      expect(matchesNic({ mac, virtio: 'virtio3' }, nic)).toBe(false)
    },
  )
})
