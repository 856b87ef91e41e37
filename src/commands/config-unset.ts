import type { CommandContext } from './command'
import { change } from './config-set'

export function run(context: CommandContext): Promise<number> {
  const [name = ''] = context.positionals
  return change(context, 'unset', name, undefined)
}
