import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { grammarKeys } from '../../../src/config/grammar'
import { isEmptyConfig, readConfig } from '../../../src/config/load'
import { configurationManual, exampleConfiguration } from '../../../src/config/reference'
import { DEFAULT_NIC_SETTINGS, DEFAULT_SETTINGS, nicSettings } from '../../../src/config/settings'
import { systemWith } from '../../support/systems'
import { ETC } from './tree'

const shipped = exampleConfiguration(readFileSync('packaging/vqtune.toml.in', 'utf8'))
const manual = configurationManual(readFileSync('packaging/man/vqtune.toml.5.in', 'utf8'))

/** `#key = value` is a key at its default; `# text` is a comment. */
const uncommented = shipped.replace(/^#(?=[a-z])/gm, '')

describe('vqtune.toml as shipped', () => {
  test('as shipped it costs no parser at boot', () => {
    expect(isEmptyConfig(shipped)).toBe(true)
  })

  test('every commented key stands at its default', async () => {
    const system = systemWith({ [ETC]: uncommented })
    const { problems, settings } = await readConfig(system)
    expect(problems).toEqual([])
    const { rules, sources, ...rest } = settings
    const { rules: _rules, sources: _sources, ...standard } = DEFAULT_SETTINGS
    expect(rest).toEqual(standard)
    expect(sources).toEqual([system.paths.etcConfig])
    expect(rules.map((rule) => rule.match)).toEqual([{}])
    const nic = {
      name: 'eth0',
      altnames: [],
      mac: '52:54:00:00:00:01',
      busAddress: '0000:00:03.0',
      virtio: 'virtio0',
    }
    expect(nicSettings(settings, nic)).toEqual(DEFAULT_NIC_SETTINGS)
    expect(Object.keys(rules[0]?.settings ?? {}).sort()).toEqual(Object.keys(DEFAULT_NIC_SETTINGS).sort())
  })

  test('the examples of [[nic]] are valid', async () => {
    const examples = shipped
      .split('\n')
      .filter((line) => line.startsWith('#   '))
      .map((line) => line.slice(4))
    const { problems, settings } = await readConfig(systemWith({ [ETC]: examples.join('\n') }))
    expect(problems).toEqual([])
    expect(settings.rules).toHaveLength(4)
  })

  test.each(grammarKeys().filter((key) => !key.startsWith('nic[]')))('names %s in its table', (key) => {
    const [table, name] = key.includes('.') ? key.split('.') : [undefined, key]
    const start = table === undefined ? 0 : shipped.indexOf(`\n[${table}]\n`) + 1
    const end = shipped.indexOf('\n[', start + 1)
    expect(shipped.slice(start, end === -1 ? undefined : end)).toMatch(new RegExp(`^#${name} = `, 'm'))
  })

  test.each(grammarKeys().filter((key) => key.startsWith('nic[].match.')))('shows %s', (key) => {
    expect(shipped).toContain(`match = { ${key.split('.').at(-1)} = `)
  })
})

describe('vqtune.toml(5)', () => {
  test.each([...new Set(grammarKeys().map((key) => key.split('.').at(-1) ?? ''))])('documents %s', (name) => {
    expect(manual).toMatch(new RegExp(`^\\.It Ic (match\\.)?${name}\\b`, 'm'))
  })

  test('names each default as the example does', () => {
    let table = 'TOP-LEVEL'
    let compared = 0
    for (const line of shipped.split('\n')) {
      table = /^\[(.*)\]$/.exec(line)?.[1] ?? table
      const pair = /^#([a-z-]+) = (.*)$/.exec(line)
      if (pair === null) continue
      const section = manual.split(/^\.Sh /m).find((text) => text.split('\n')[0]?.includes(table))
      const entry = section?.split(/^\.It Ic /m).find((text) => text.startsWith(`${pair[1]} `))
      expect(entry?.split('\n')[0], line).toContain(pair[2]?.replaceAll('"', ''))
      compared++
    }
    expect(compared).toBe(grammarKeys().filter((key) => !key.startsWith('nic[]')).length)
  })
})

test('a template that has lost its place for the tunables is no template', () => {
  expect(() => exampleConfiguration('# x\n')).toThrow('@SWITCHES@')
  expect(() => configurationManual('.Sh x\n')).toThrow('@SWITCHES@')
})
