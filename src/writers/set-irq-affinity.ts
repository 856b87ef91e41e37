/** Mellanox's and Intel's set_irq_affinity scripts, while one runs; what starts them is found where it starts them. */
import { findPrograms, readArguments } from '../kernel/processes'
import type { System } from '../system/system'
import { escapeToOneLine } from '../text/escape'
import type { KnownWriter, Writer, WriterTarget } from './writer'

function find(system: System, nic: WriterTarget): readonly Writer[] {
  return findPrograms(system, [{ name: /^set_irq_affinit/, script: true }]).flatMap(({ pid }): Writer[] => {
    const args = readArguments(system, pid)
    const names = args.slice(1).filter((arg) => /^(?!set_irq)[a-z]\w*\d/.test(arg))
    const isOwn = names.some((name) => name === nic.name || nic.altnames.includes(name))
    if (names.length > 0 && !isOwn) return []
    return [
      {
        writer: setIrqAffinity.name,
        where: `pid ${pid}`,
        what: `runs: ${escapeToOneLine(args.join(' ')).slice(0, 80)}`,
        tunable: 'irq-affinity',
        matches: isOwn ? 'yes' : 'maybe',
        remedy: 'remove it from what starts it',
      },
    ]
  })
}

export const setIrqAffinity: KnownWriter = {
  name: 'set_irq_affinity',
  title: "Mellanox's and Intel's `set_irq_affinity` scripts",
  find,
}
