/** vqtune as packaged, but with other flags for its runtime, and the code cache that belongs to these flags. */
import { execFileSync } from 'node:child_process'
import { chmodSync, copyFileSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { generateTree } from '../../test/support/generated-tree'
import type { Packaged } from './packaged'

const LIMIT_MS = 120_000

/** @returns a directory with vqtune.cjs, the other files and their caches */
export function flagged({ node, vqtune }: Packaged, flags: readonly string[]): string {
  const from = dirname(vqtune)
  const directory = `${process.cwd()}/dist/bench/flagged`
  rmSync(directory, { recursive: true, force: true })
  mkdirSync(directory, { recursive: true })
  for (const name of readdirSync(from).filter((file) => /^vqtune.*\.c?js$/.test(file))) {
    copyFileSync(join(from, name), join(directory, name))
    chmodSync(join(directory, name), 0o644)
  }
  const tree = generateTree(4, [{ name: 'eth0', maximum: 4, current: 4, counts: [] }])
  try {
    // As %build of packaging/vqtune.spec; the entry's own cache is written anew by each, so its most used code comes last.
    for (const argv of [['--version'], ['daemon', '--help'], ['apply', '--root', tree.root]]) {
      const script = `${process.cwd()}/packaging/runtime/cache.cjs`
      execFileSync(node, [...flags, script, directory, ...argv], { timeout: LIMIT_MS, env: { LC_ALL: 'C' } })
    }
  } finally {
    tree.remove()
  }
  return directory
}
