/** Files of a hypervisor's administrator, with one line for what goes wrong. A change is complete, or nothing was changed. */
import { fileErrorInWords, VqtuneError } from '../../errors'
import type { ReplaceOptions } from '../../system/replace-file'
import type { System } from '../../system/system'

/** Replaces or creates a file; see ReplaceOptions.keep. @throws VqtuneError kind permission or state */
export function writeSafely(
  system: System,
  path: string,
  text: string,
  fresh: Pick<ReplaceOptions, 'mode' | 'directoryMode'>,
): void {
  try {
    system.replaceFile(path, text, { ...fresh, keep: true })
  } catch (error) {
    throw writeError(path, error)
  }
}

/** Removes a file; no error when it is gone already. @throws VqtuneError kind permission or state */
export function removeSafely(system: System, path: string): void {
  try {
    system.removeFile(path)
  } catch (error) {
    throw writeError(path, error)
  }
}

/** The text of a configuration file, undefined when there is none. @throws VqtuneError when it may not be read. */
export function readConfigFile(system: System, path: string): string | undefined {
  try {
    return system.readText(path)
  } catch (error) {
    throw fileErrorInWords(error, path, 'cannot read')
  }
}

function writeError(path: string, error: unknown): VqtuneError {
  const known = fileErrorInWords(error, path, 'cannot write')
  return new VqtuneError(known.kind, `${known.message}; nothing was changed`, { cause: error })
}
