import { chmodSync, mkdirSync } from 'node:fs'
import { dirname } from 'node:path'

/**
 * Makes a directory and those on the way to it. The mode is set on what was made, whatever the umask, so that others can
 * read what is for them; what is there already keeps its own.
 * @param mode permission bits, of the last one only: those on the way get 0755
 * @throws the system error
 */
export function makeDirectory(path: string, mode = 0o755): void {
  const first = mkdirSync(path, { recursive: true, mode })
  if (first === undefined) return
  chmodSync(path, mode)
  for (let made = path; made.length > first.length; ) {
    made = dirname(made)
    chmodSync(made, 0o755)
  }
}
