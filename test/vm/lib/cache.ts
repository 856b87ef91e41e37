import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { acquireLock } from './locks'

export function cacheDirectory(): string {
  return process.env.VQTUNE_TEST_CACHE ?? '/var/cache/vqtune-test'
}

/** Hash of the names, below the given paths, and contents of all files there; the same in every checkout. */
export function contentHash(paths: readonly string[], extra: readonly string[] = []): string {
  const hash = createHash('sha256')
  const visit = (path: string, shown: string): void => {
    if (statSync(path).isDirectory()) {
      for (const name of readdirSync(path).sort()) visit(join(path, name), `${shown}/${name}`)
      return
    }
    hash.update(`${shown.length}:${shown}`).update(readFileSync(path))
  }
  for (const path of paths) visit(path, '')
  for (const text of extra) hash.update(`\0${text}`)
  return hash.digest('hex').slice(0, 16)
}

/**
 * The directory `name-key` in the cache; `build` fills it when it is missing. Built beside and renamed, under a lock:
 * an interrupted build leaves nothing that looks complete, and processes starting together build once.
 */
export async function cached(
  name: string,
  key: string,
  build: (directory: string) => Promise<void>,
): Promise<string> {
  const root = cacheDirectory()
  const target = join(root, `${name}-${key}`)
  if (existsSync(target)) return target
  mkdirSync(root, { recursive: true })
  const lock = await acquireLock(join(root, `${name}.lock`), {
    waitMs: 1_200_000,
    what: `the build of ${name}`,
  })
  try {
    if (existsSync(target)) return target
    const partial = `${target}.partial`
    rmSync(partial, { recursive: true, force: true })
    mkdirSync(partial)
    await build(partial)
    renameSync(partial, target)
    return target
  } finally {
    lock.release()
  }
}
