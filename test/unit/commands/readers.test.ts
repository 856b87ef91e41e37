import { expect, it } from 'vitest'
import { READERS } from '../../../src/commands/readers'
import { COMMANDS } from '../../../src/commands/registry'

it.each(Object.entries(READERS))('%s is a verb that changes nothing', async (name, load) => {
  const command = COMMANDS.find(({ words }) => words.join(' ') === name)
  expect(command?.readsOnly).toBe(true)
  expect((await load()).run).toBe((await command?.load())?.run)
})

it('report is none of them: it reads twice', () => {
  expect(Object.keys(READERS)).not.toContain('report')
})
