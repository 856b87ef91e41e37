/** install and options lines of modprobe.d that run something when virtio_net is loaded; see modprobe.d(5). */
import type { System } from '../system/system'
import { scriptFindings } from './script-findings'
import { type KnownWriter, readableFiles, readableText, type Writer, type WriterTarget } from './writer'

function find(system: System, nic: WriterTarget): readonly Writer[] {
  return readableFiles(system, system.paths.writers.modprobeDirs, '.conf').flatMap((path) => {
    const text = readableText(system, path) ?? ''
    return text.split(/\r?\n/).flatMap((raw, index) => {
      const command = /^\s*install\s+\S+\s+(.*)$/.exec(raw)?.[1]
      if (command === undefined) return []
      const line = index + 1
      const where = path.slice(system.paths.root.length)
      return scriptFindings(
        system,
        nic,
        { path, line, text: command },
        { writer: modprobe.name, when: 'when a module is loaded', remedy: `remove line ${line} of ${where}` },
      )
    })
  })
}

export const modprobe: KnownWriter = { name: 'modprobe', title: '`install` lines of modprobe.d', find }
