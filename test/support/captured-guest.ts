/** A captured guest tree in place of the running guest: files from the tree, programs replayed from its recordings. */
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { openSystem, type System, type ToolResult } from '../../src/system/system'

export const GUESTS = fileURLToPath(new URL('../fixtures/guests', import.meta.url))

/** A Host on test/fixtures/guests/<name>. Calls are noted in `calls`; writes fail, a fixture is not to be changed. */
export function capturedGuest(name: string): { system: System; calls: string[] } {
  const tree = `${GUESTS}/${name}`
  const calls: string[] = []
  const system: System = Object.assign(Object.create(openSystem(tree)), {
    findTool: (tool: string) => `/usr/sbin/${tool}`,
    run: async (tool: string, args: readonly string[]): Promise<ToolResult> => {
      calls.push([tool, ...args].join(' '))
      return recorded(tree, tool, args)
    },
    writeAttribute: (path: string) => {
      throw new Error(`a test wrote ${path} of a fixture`)
    },
    touchFile: (path: string) => {
      throw new Error(`a test touched ${path} of a fixture`)
    },
    replaceFile: (path: string) => {
      throw new Error(`a test replaced ${path} of a fixture`)
    },
  })
  return { system, calls }
}

function recorded(tree: string, tool: string, args: readonly string[]): ToolResult {
  const read = (file: string): string | undefined =>
    existsSync(`${tree}/ethtool/${file}`) ? readFileSync(`${tree}/ethtool/${file}`, 'utf8') : undefined
  if (tool === 'ip') return { code: 0, stdout: read('ip-link.json') ?? '[]', stderr: '' }
  const [option = '', nic = ''] = args
  const file = `${nic}.${option.replace('-', '')}`
  return {
    code: Number(read(`${file}.code`) ?? 0),
    stdout: read(file) ?? '',
    stderr: read(`${file}.err`) ?? '',
  }
}
