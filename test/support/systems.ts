/** Hosts for tests of what reads files: on a small tree, or with one answer for every file. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { onTestFinished } from 'vitest'
import { openSystem, type System, type ToolResult } from '../../src/system/system'

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

/** What programs answer by their name, each time the next answer. */
export type Answers = Readonly<Record<string, readonly Partial<ToolResult>[]>>

/** A host on which these programs are installed, and no others. */
export function withPrograms(system: System, answers: Answers): System {
  const left = new Map(Object.entries(answers).map(([tool, results]) => [tool, [...results]]))
  return Object.assign(Object.create(system) as System, {
    findTool: (tool: string) => (left.has(tool) ? `/usr/sbin/${tool}` : undefined),
    run: (tool: string, args: readonly string[]) => {
      const answer = left.get(tool)?.shift()
      if (answer === undefined) throw new Error(`nobody expected: ${tool} ${args.join(' ')}`)
      return Promise.resolve({ code: 0, stdout: '', stderr: '', ...answer })
    },
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
