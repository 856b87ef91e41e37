import type { CommandContext } from '../command'
import { runSwitch } from './zerocopy-switch'

export function run(context: CommandContext): Promise<number> {
  return runSwitch(context, true)
}
