/** Configuration in several directories: of the administrator, the running system and the vendor. */

/**
 * Files, sorted by name; a file hides files of the same name in later directories, as in systemd, udev and kmod.
 * @param directories highest precedence first
 * @param list the names in a directory
 */
export function shadowedFiles(
  directories: readonly string[],
  suffix: string,
  list: (directory: string) => readonly string[],
): readonly string[] {
  const found = new Map<string, string>()
  for (const directory of directories) {
    for (const name of list(directory)) {
      if (name.endsWith(suffix) && !found.has(name)) found.set(name, `${directory}/${name}`)
    }
  }
  return [...found.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, path]) => path)
}
