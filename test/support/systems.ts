/** Hosts for tests of what reads files: on a small tree, or with one answer for every file. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { onTestFinished } from 'vitest'
import { openSystem, type System } from '../../src/system/system'

/** @param files texts by path below the root. @returns a host on the tree, removed after the test. */
export function systemWith(files: Readonly<Record<string, string>>): System {
  const root = mkdtempSync(join(tmpdir(), 'vqtune-host-'))
  onTestFinished(() => rmSync(root, { recursive: true, force: true }))
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(`${root}${path}`), { recursive: true })
    writeFileSync(`${root}${path}`, text)
  }
  return openSystem(root)
}

/** A host that reads these texts and no file: thousands of inputs in a test are too many for a disk. */
export function systemReading(readText: (path: string) => string | undefined): System {
  return Object.assign(Object.create(openSystem('/')) as System, { readText })
}

/** A host on which every read and every listing fails with this errno: what root may do, tests cannot be denied. */
export function systemFailing(errno: string): System {
  const fail = () => {
    throw Object.assign(new Error(errno), { code: errno })
  }
  return Object.assign(Object.create(openSystem('/t')) as System, {
    ...{ readText: fail, list: fail, replaceFile: fail },
  })
}
