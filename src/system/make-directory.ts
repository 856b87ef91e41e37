import { closeSync, constants, fchmodSync, fstatSync, mkdirSync, openSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { errnoOf } from '../errors'

/**
 * Makes a directory and those on the way to it. The mode is set on what was made, whatever the umask, so that others can
 * read what is for them; what is there already keeps its own. Not mkdir's own `recursive`, which says ENOENT for EROFS.
 * @param mode permission bits, of the last one only: those on the way get 0755
 * @throws the system error
 */
export function makeDirectory(path: string, mode = 0o755): void {
  try {
    mkdirSync(path, mode)
    setMode(path, mode)
  } catch (error) {
    const errno = errnoOf(error)
    if (errno === 'ENOENT' && dirname(path) !== path) {
      makeDirectory(dirname(path))
      makeDirectory(path, mode)
    } else if (errno !== 'EEXIST' || !statSync(path).isDirectory()) throw error
  }
}

/** On the open directory: where others may write they may have put something else in its place. */
function setMode(path: string, mode: number): void {
  const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW)
  try {
    if (fstatSync(fd).uid === process.geteuid?.()) fchmodSync(fd, mode)
  } finally {
    closeSync(fd)
  }
}
