/** A guest tree with configuration files, for the tests of this directory. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { onTestFinished } from 'vitest'
import { type Host, systemHost } from '../../../src/system/host'

/** @param files texts by path below the root. @returns a host on the tree, removed after the test. */
export function hostWith(files: Readonly<Record<string, string>>): Host {
  const root = mkdtempSync(join(tmpdir(), 'vqtune-config-'))
  onTestFinished(() => rmSync(root, { recursive: true, force: true }))
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(`${root}${path}`), { recursive: true })
    writeFileSync(`${root}${path}`, text)
  }
  return systemHost(root)
}

/** The same host, believing that it is the running guest: ownership is judged then. */
export function asRunningGuest(host: Host, changes: Partial<Host> = {}): Host {
  return Object.assign(Object.create(host) as Host, { paths: { ...host.paths, root: '' }, ...changes })
}

export const ETC = '/etc/vqtune/vqtune.toml'
export const VENDOR = '/usr/lib/vqtune/vqtune.toml'
