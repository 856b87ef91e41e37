/** install and options lines of modprobe.d that run something when virtio_net is loaded; see modprobe.d(5). */
import type { System } from '../system/system'
import { joinedLines } from './joined-lines'
import { scriptFindings } from './script-findings'
import {
  globMatches,
  type KnownWriter,
  readableFiles,
  readableText,
  type Writer,
  type WriterTarget,
} from './writer'

function find(system: System, nic: WriterTarget): readonly Writer[] {
  return readableFiles(system, system.paths.writers.modprobeDirs, '.conf').flatMap((path) => {
    const text = readableText(system, path) ?? ''
    return joinedLines(text).flatMap(({ line, text: whole }) => {
      const install = /^\s*install\s+(\S+)\s+(.*)$/.exec(whole)
      if (install === null) return []
      const [, module, command] = install as unknown as readonly [string, string, string]
      // Whether another module is ever loaded is not known here.
      const isDriver = globMatches(module.replaceAll('-', '_'), 'virtio_net')
      const where = path.slice(system.paths.root.length)
      return scriptFindings(
        system,
        nic,
        { path, line, text: command },
        { writer: modprobe.name, when: 'when a module is loaded', remedy: `remove line ${line} of ${where}` },
      ).map((writer) => (isDriver ? writer : { ...writer, matches: 'maybe' as const }))
    })
  })
}

export const modprobe: KnownWriter = { name: 'modprobe', title: '`install` lines of modprobe.d', find }
