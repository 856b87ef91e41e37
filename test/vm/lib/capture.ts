import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { guestArchive, packGuest } from '../../support/captured-guest'
import type { Guest } from './guest'
import { progress } from './locks'

const script = '/root/capture.cjs'

let bundled: Promise<Buffer> | undefined
function bundle(): Promise<Buffer> {
  bundled ??= build({
    entryPoints: [fileURLToPath(new URL('./capture-in-guest.ts', import.meta.url))],
    bundle: true,
    platform: 'node',
    target: 'node20',
    write: false,
  }).then(({ outputFiles }) => Buffer.from(outputFiles[0]?.contents ?? []))
  return bundled
}

/** Stores the guest's state as the fixture `name`, replacing an earlier one. The guest needs `node: true`. */
export async function capture(guest: Guest, name: string, description: string): Promise<void> {
  await guest.writeFile(script, await bundle())
  const inGuest = '/tmp/capture'
  await guest.run(['rm', '-rf', inGuest])
  await guest.run(['node', script, inGuest, description])
  const tree = mkdtempSync(join(tmpdir(), 'vqtune-capture-'))
  try {
    await guest.pullDir(inGuest, tree)
    packGuest(tree, guestArchive(name))
    progress(`captured ${name}: ${readdirSync(tree).join(' ')}`)
  } finally {
    rmSync(tree, { recursive: true, force: true })
  }
}
