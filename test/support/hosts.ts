/** Hosts for tests of what reads files: on a small tree, or with one answer for every file. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { onTestFinished } from 'vitest'
import { type Host, systemHost } from '../../src/system/host'

/** @param files texts by path below the root. @returns a host on the tree, removed after the test. */
export function hostWith(files: Readonly<Record<string, string>>): Host {
  const root = mkdtempSync(join(tmpdir(), 'vqtune-host-'))
  onTestFinished(() => rmSync(root, { recursive: true, force: true }))
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(`${root}${path}`), { recursive: true })
    writeFileSync(`${root}${path}`, text)
  }
  return systemHost(root)
}

/** A host that reads these texts and no file: thousands of inputs in a test are too many for a disk. */
export function hostReading(readText: (path: string) => string | undefined): Host {
  return Object.assign(Object.create(systemHost('/')) as Host, { readText })
}

/** A host on which every read and every listing fails with this errno: what root may do, tests cannot be denied. */
export function hostFailing(errno: string): Host {
  const fail = () => {
    throw Object.assign(new Error(errno), { code: errno })
  }
  return Object.assign(Object.create(systemHost('/t')) as Host, {
    ...{ readText: fail, list: fail, replaceFile: fail },
  })
}
