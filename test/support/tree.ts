/** Small hand-made trees for layouts that no captured guest has. */
import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

/** @param entries path to content; a content that begins with `-> ` is a symbolic link, one that ends in `/` a directory */
export function makeTree(entries: Readonly<Record<string, string>>): string {
  const root = mkdtempSync(join(tmpdir(), 'vqtune-tree-'))
  for (const [path, content] of Object.entries(entries)) {
    const full = `${root}/${path}`
    mkdirSync(path.endsWith('/') ? full : dirname(full), { recursive: true })
    if (content.startsWith('-> ')) symlinkSync(content.slice(3), full)
    else if (!path.endsWith('/')) writeFileSync(full, content)
  }
  return root
}
