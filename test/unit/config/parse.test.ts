import { describe, expect, test } from 'vitest'
import { parseFragment } from '../../../src/config/parse'
import { problemLine } from '../../../src/config/problem'
import { ETC } from './tree'

async function problemsOf(text: string): Promise<string[]> {
  const parsed = await parseFragment(ETC, text)
  return parsed.ok ? [] : parsed.problems.map(problemLine)
}

test('a file without mistakes gives its keys, with their lines', async () => {
  const text = '[boot]\nwait-ms = 1\n\n[[nic]]\nmatch.name = "eth*"\ncap = "none"\n'
  const parsed = await parseFragment(ETC, text)
  if (!parsed.ok) throw new Error('problems')
  const { file, fragment, lines } = parsed.located
  expect([file, fragment]).toEqual([
    ETC,
    { boot: { 'wait-ms': 1 }, nic: [{ match: { name: 'eth*' }, cap: 'none' }] },
  ])
  expect([lines.lineOf(['boot', 'wait-ms']), lines.lineOf(['nic', 0, 'cap'])]).toEqual([2, 6])
})

describe('errors name file, line, key, value and what is allowed', () => {
  test.each<[string, string[]]>([
    [
      '\n[[nic]]\nmatch = { name = "eth0" }\n\ncap = 300',
      ['5: nic[0].cap = 300: allowed is 1 to 256, or "none"'],
    ],
    ['[daemon]\nhistory-size-kib = 65537', ['2: daemon.history-size-kib = 65537: allowed is 16 to 65536']],
    ['[boot]\nwait-ms = "1"', ['2: boot.wait-ms = "1": allowed is 0 to 60000']],
    ['[boot]\nwait-ms = 1.5', ['2: boot.wait-ms = 1.5: allowed is 0 to 60000']],
    ['[boot]\nwait-sm = 1', ['2: boot.wait-sm: unknown key, did you mean wait-ms?']],
    ['[boot]\nWAIT_MS = 1', ['2: boot.WAIT_MS: unknown key, did you mean wait-ms?']],
    ['[boot]\ncolour = 1', ['2: boot.colour: unknown key, allowed here are wait-ms, limit-ms']],
    ...['100', '32', '65536', '"min"', 'true'].map((value): [string, string[]] => [
      `[defaults]\nrx-ring = ${value}`,
      [`2: defaults.rx-ring = ${value}: allowed is a power of two, 64 to 32768, or "keep" or "max"`],
    ]),
    ['[defaults]\nrx-ring = 64\ntx-ring = 32768\n[[nic]]\nmatch = { name = "a" }\nrx-ring = "max"', []],
    ['cap = 4', ['1: cap: unknown key here; it belongs in [defaults] or [[nic]]']],
    [
      '[boot]\nisolated-cpus = "use"',
      ['2: boot.isolated-cpus: unknown key here; it belongs in the top, before any table'],
    ],
    ['isolated-cpus = "maybe"', ['1: isolated-cpus = "maybe": allowed is "avoid" or "use"']],
    ['boot = 3', ['1: boot = 3: allowed is a table']],
    ['boot = [1, 2]', ['1: boot = an array of 2: allowed is a table']],
    ['boot = 2026-01-02T03:04:05Z', ['1: boot = 2026-01-02T03:04:05.000Z: allowed is a table']],
    ['boot = 03:04:05', ['1: boot = 03:04:05.000: allowed is a table']],
    ['nic = [{ match = 2026-01-02 }]', ['1: nic[0].match = 2026-01-02: allowed is a table']],
    [
      '[[nic]]\nmatch = 2026-01-02\ncap = 2026-01-02',
      [
        '2: nic[0].match = 2026-01-02: allowed is a table',
        '3: nic[0].cap = 2026-01-02: allowed is 1 to 256, or "none"',
      ],
    ],
    [`boot = "${'x'.repeat(80)}"`, [`1: boot = "${'x'.repeat(56)}...: allowed is a table`]],
    [
      `[boot]\n${'x'.repeat(65)} = 1`,
      [`2: boot.${'x'.repeat(57)}...: unknown key, allowed here are wait-ms, limit-ms`],
    ],
    [
      '[[nic]]\nmatch = { name = "a", mac = "*" }\n[[nic]]\nmatch = { mac = "*", name = "a" }',
      ['4: nic[1].match: nic[0] has the same match: allowed is one [[nic]] for it in a file'],
    ],
    [
      '[nic]\nmatch = { name = "a" }',
      ['1: nic = a table: allowed is tables written as [[nic]], one per rule'],
    ],
    [
      '[[nic]]\ncap = 1',
      [
        '1: nic[0]: match is missing: it takes one or more of name, mac, pci, virtio; for every NIC use [defaults]',
      ],
    ],
    [
      '[[nic]]\n\nmatch = {}',
      [
        '3: nic[0]: match is missing: it takes one or more of name, mac, pci, virtio; for every NIC use [defaults]',
      ],
    ],
    ['[[nic]]\nmatch = { nmae = "a" }', ['2: nic[0].match.nmae: unknown key, did you mean name?']],
    [
      '[[nic]]\nmatch.name = "eth[0"',
      ['2: nic[0].match.name = "eth[0": allowed is a glob over interface names, such as "eth*"'],
    ],
    [
      '[[nic]]\nmatch.mac = "52:54"',
      ['2: nic[0].match.mac = "52:54": allowed is a MAC address or a glob over it, such as "52:54:00:*"'],
    ],
    [
      '[[nic]]\nmatch.pci = "3"',
      ['2: nic[0].match.pci = "3": allowed is a PCI address, such as "0000:00:03.0"'],
    ],
    [
      '[[nic]]\nmatch.virtio = "2"',
      ['2: nic[0].match.virtio = "2": allowed is a name on the virtio bus, such as "virtio2"'],
    ],
    [
      '[defaults]\ncap = 2\nchannels = 4',
      ['3: defaults: channels = 4 is more than cap = 2: allowed is up to the cap'],
    ],
    [
      '[[nic]]\nmatch.name = "a"\n[[nic]]\nmatch = { name = "a" }',
      ['4: nic[1].match: nic[0] has the same match: allowed is one [[nic]] for it in a file'],
    ],
    [
      '[daemon]\ncheck-cron = "none"',
      ['2: daemon.check-cron = "none": allowed is a cron expression, such as "*/5 * * * *"'],
    ],
    [
      '[daemon]\nreport-cron = "61 * * * *"',
      [
        '2: daemon.report-cron = "61 * * * *": allowed is a cron expression, such as "*/5 * * * *", or "none"',
      ],
    ],
    [
      '[metrics]\nlisten = "0.0.0.0:9917"',
      [
        '2: metrics.listen = "0.0.0.0:9917": allowed is "none", "unix:/run/vqtune/metrics.sock" or "127.0.0.1:PORT"',
      ],
    ],
    [
      '[metrics]\ntextfile = "x.prom"',
      ['2: metrics.textfile = "x.prom": allowed is an absolute path that ends in .prom, or "none"'],
    ],
    [
      '[guard]\nenabled = 1\n\n[boot]\nwait-ms = -1\nlimit-ms = 1',
      [
        '2: guard.enabled = 1: allowed is true or false',
        '5: boot.wait-ms = -1: allowed is 0 to 60000',
        '6: boot.limit-ms = 1: allowed is 1000 to 25000',
      ],
    ],
    [
      '[boot]\nwait-ms = 1\nwait-ms = 2',
      ['3: not TOML: trying to redefine an already defined table or value (column 1)'],
    ],
    ['\n\nwait-ms = ', ['3: not TOML: invalid value (column 11)']],
    ['[boot]\n"wait\\nms" = 1', ['2: boot."wait\\nms": unknown key, did you mean wait-ms?']],
  ])('%j', async (text, expected) => {
    expect(await problemsOf(text)).toEqual(expected.map((line) => `${ETC}:${line}`))
  })

  test('of TOML that is none: only its first', async () => {
    expect(await problemsOf('[boot\nwait-ms = "x"\n[guard')).toHaveLength(1)
  })

  test('of tables in tables without end: not read', async () => {
    const [line, ...more] = await problemsOf(`a = ${'['.repeat(100)}${']'.repeat(100)}`)
    expect(line).toMatch(/^\/etc\/vqtune\/vqtune\.toml:1: not TOML: /)
    expect(more).toEqual([])
  })

  test('in the order of the lines, whatever the order of the keys in the grammar', async () => {
    const lines = await problemsOf('[guard]\nenabled = 1\n[boot]\nwait-ms = -1\n[daemon]\nno-key = 1\n')
    expect(lines.map((line) => line.split(':')[1])).toEqual(['2', '4', '6'])
  })

  test('without a line, where the parser itself failed', async () => {
    // Not a text at all.
    expect(await parseFragment('f', null as unknown as string)).toMatchObject({
      ok: false,
      problems: [{ file: 'f', line: undefined, text: expect.stringMatching(/^not TOML: /) }],
    })
  })
})

describe('cron expressions', () => {
  test.each([
    ['check-cron = "*/5 * * * *"', true],
    ['check-cron = "@hourly"', true],
    ['report-cron = "none"', true],
    ['report-cron = "0 6 * * 1-5"', true],
    ['check-cron = "* * * *"', false],
    ['check-cron = "0 25 * * *"', false],
    // A range would be expanded before its ends are looked at.
    ['check-cron = "0-999 * * * *"', false],
  ])('%s', async (line, isValid) => {
    expect((await problemsOf(`[daemon]\n${line}\n`)).length === 0).toBe(isValid)
  })
})
