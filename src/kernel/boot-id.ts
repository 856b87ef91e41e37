/** Which boot this is: what lies below /run and is of another one describes settings that are gone. */
import type { System } from '../system/system'

/** Empty where the kernel does not tell, as in a tree without it. */
export function readBootId(system: System): string {
  return (system.readText(system.paths.procBootId) ?? '').trim()
}
