/** net.core.rps_default_mask: RPS of NICs that appear later; see sysctl.d(5). */
import type { System } from '../system/system'
import { escapeToOneLine } from '../text/escape'
import { type KnownWriter, readableFiles, readableText, type Writer, type WriterTarget } from './writer'

function find(system: System, _nic: WriterTarget): readonly Writer[] {
  const { sysctlDirs, sysctlFile } = system.paths.writers
  return [...readableFiles(system, sysctlDirs, '.conf'), sysctlFile].flatMap((path) =>
    (readableText(system, path) ?? '').split(/\r?\n/).flatMap((raw, index): Writer[] => {
      const value = /^\s*-?net[./]core[./]rps_default_mask\s*=\s*(.*?)\s*$/.exec(raw)?.[1]
      if (value === undefined || /^[0,]*$/.test(value)) return []
      const where = `${path.slice(system.paths.root.length)}:${index + 1}`
      return [
        {
          writer: sysctl.name,
          where,
          what: escapeToOneLine(`net.core.rps_default_mask = ${value} is the RPS of NICs that appear`),
          tunable: 'rps',
          matches: 'maybe',
          remedy: `remove the line of ${where}, then sysctl -w net.core.rps_default_mask=0`,
        },
      ]
    }),
  )
}

export const sysctl: KnownWriter = { name: 'sysctl', title: 'sysctl (`net.core.rps_default_mask`)', find }
