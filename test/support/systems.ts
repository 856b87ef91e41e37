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

export interface FakeProcess {
  readonly uid?: number
  readonly parent?: number
  readonly cmdline?: string
}

/** The files of a process in /proc, root's unless told; for systemWith. */
export function processFiles(pid: number, name: string, of: FakeProcess = {}): Record<string, string> {
  const { uid = 0, parent = 1, cmdline = '' } = of
  const ids = `${uid}\t${uid}\t${uid}\t${uid}`
  return {
    [`/proc/${pid}/comm`]: `${name}\n`,
    [`/proc/${pid}/cmdline`]: cmdline,
    [`/proc/${pid}/status`]: `Name:\t${name}\nUmask:\t0022\nPid:\t${pid}\nPPid:\t${parent}\nUid:\t${ids}\n`,
  }
}
