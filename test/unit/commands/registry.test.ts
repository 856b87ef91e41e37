import { describe, expect, it } from 'vitest'
import { COMMANDS, GLOBAL_OPTIONS } from '../../../src/commands/registry'

const NAMES = COMMANDS.map(({ words }) => words.join(' '))

describe('the verbs', () => {
  it('have a name each, and none is the beginning of another', () => {
    expect(new Set(NAMES).size).toBe(NAMES.length)
    const nested = NAMES.filter((name) => NAMES.some((other) => other.startsWith(`${name} `)))
    expect(nested).toEqual([])
  })

  it('have no option of their own by the name of a global one', () => {
    const clashes = COMMANDS.flatMap(({ options = {} }) =>
      Object.keys(options).filter((name) => name in GLOBAL_OPTIONS),
    )
    expect(clashes).toEqual([])
  })

  it.each(COMMANDS.map((command) => [command.words.join(' '), command] as const))(
    '%s can be loaded, and is told in lines without a full stop',
    async (_, { load, summary, options = {} }) => {
      expect(typeof (await load()).run).toBe('function')
      for (const line of [summary, ...Object.values(options).map((option) => option.summary)])
        expect(line).toMatch(/^[^\n]*[^.\n]$/)
    },
  )
})
