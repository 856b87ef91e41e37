import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Fragment } from '../../../src/config/grammar'
import { dropInTextOf, placeOf, scalarOf, settableKeys, withKey } from '../../../src/config/own-drop-in'
import { parseFragment } from '../../../src/config/parse'

const MAC = '52:54:00:00:00:01'

async function read(text: string | undefined): Promise<Fragment> {
  const parsed = await parseFragment('f', text ?? '')
  if (!parsed.ok) throw new Error(parsed.problems.map((problem) => problem.text).join())
  return parsed.located.fragment
}

describe('keys', () => {
  it('are those of the grammar, a NIC default by its own name', () => {
    expect(placeOf('cap')).toEqual({ table: 'defaults', key: 'cap', mac: undefined })
    expect(placeOf('defaults.cap')).toEqual({ table: 'defaults', key: 'cap', mac: undefined })
    expect(placeOf('isolated-cpus')).toEqual({ table: undefined, key: 'isolated-cpus', mac: undefined })
    expect(placeOf('guard.enabled')).toEqual({ table: 'guard', key: 'enabled', mac: undefined })
    expect(placeOf('cap', MAC)).toEqual({ table: undefined, key: 'cap', mac: MAC })
  })

  it('unknown ones, and those that no NIC has of its own, are told with what is near', () => {
    expect(placeOf('guard.enable')).toEqual({ problem: 'unknown key, did you mean guard.enabled?' })
    expect(placeOf('nonsense')).toEqual({ problem: expect.stringContaining('allowed are isolated-cpus, ') })
    expect(placeOf('guard.enabled', MAC)).toEqual({
      problem: expect.stringMatching(/^unknown key for one NIC, /),
    })
    expect(placeOf('nic[].cap')).toHaveProperty('problem')
    expect(settableKeys(true)).not.toContain('match.mac')
  })
})

it('values are numbers, true, false, and else strings', () => {
  expect(['4', '-1', 'true', 'false', 'auto', '"4"', "'x y'", '"', '*/5 * * * *', ''].map(scalarOf)).toEqual([
    ...[4, -1, true, false, 'auto', '4', 'x y', '"', '*/5 * * * *', ''],
  ])
})

describe('the file', () => {
  const set = async (text: string | undefined, key: string, value: string | undefined, mac?: string) => {
    const place = placeOf(key, mac)
    if ('problem' in place) throw new Error(place.problem)
    const scalar = value === undefined ? undefined : scalarOf(value)
    return dropInTextOf(withKey(await read(text), place, scalar))
  }

  it('has tables in the order of the grammar, whatever comes first, and rules by MAC at the end', async () => {
    let text: string | undefined
    for (const [key, value, mac] of [
      ['channels', '2', MAC],
      ['cap', '4', undefined],
      ['guard.enabled', 'true', undefined],
      ['isolated-cpus', 'use', undefined],
      ['cap', 'none', MAC],
    ] as const)
      text = await set(text, key, value, mac)
    expect(text?.split('\n').slice(1)).toEqual([
      ...['', 'isolated-cpus = "use"', '', '[guard]', 'enabled = true', '', '[defaults]', 'cap = 4', ''],
      ...['[[nic]]', `match = { mac = "${MAC}" }`, 'cap = "none"', 'channels = 2', ''],
    ])
  })

  it('goes when its last key goes, and rules of others stay', async () => {
    const other = '[[nic]]\nmatch = { name = "eth*" }\ncap = 1\n'
    const both = await set(other, 'cap', '2', MAC)
    expect(both).toContain('eth*')
    expect(await read(await set(both, 'cap', undefined, MAC))).toEqual(await read(other))
    expect(await set('[guard]\nenabled = true\n', 'guard.enabled', undefined)).toBeUndefined()
    expect(await set(undefined, 'cap', undefined)).toBeUndefined()
    const rule = await set(undefined, 'cap', '2', MAC)
    expect(rule).toContain('[[nic]]')
    expect(await set(rule, 'cap', undefined, MAC)).toBeUndefined()
    expect(await set(undefined, 'cap', '2')).toMatch(/\n\n\[defaults\]\ncap = 2\n$/)
  })

  it('is read back as it was meant, for any text', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'grapheme', maxLength: 12 }), async (name) => {
        const document = { nic: [{ match: { name }, cap: 1 }] }
        const parsed = await parseFragment('f', dropInTextOf(document) ?? '')
        // Not every text is a glob; but what is refused is the value, never the file.
        if (parsed.ok) expect(parsed.located.fragment).toEqual(document)
        else for (const { text } of parsed.problems) expect(text).not.toContain('not TOML')
      }),
    )
  })
})
