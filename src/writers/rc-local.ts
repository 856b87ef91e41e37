/** rc.local of RHEL and others: run once at boot, if it is executable. */
import type { System } from '../system/system'
import { resolved } from './bounded-system'
import { isExecutable, scriptFindings } from './script-findings'
import { findUnits, isMasked } from './units'
import { type KnownWriter, readableText, type Writer, type WriterTarget } from './writer'

function find(system: System, nic: WriterTarget): readonly Writer[] {
  const isOff = isMasked(findUnits(system), 'rc-local.service')
  const seen = new Set<string>()
  return system.paths.writers.rcLocalFiles.flatMap((path) => {
    const real = resolved(system, path)
    if (real === undefined || seen.has(real)) return []
    seen.add(real)
    const text = readableText(system, real)
    if (text === undefined) return []
    return scriptFindings(
      system,
      nic,
      { path: real, text },
      {
        writer: rcLocal.name,
        when: 'at each boot',
        remedy: ({ path: where, line }) =>
          `remove line ${line} of ${where}, or run chmod -x ${real.slice(system.paths.root.length)}`,
        inactive: isOff
          ? 'rc-local.service is masked'
          : isExecutable(system, real)
            ? undefined
            : 'it is not executable, so it is not run',
      },
    )
  })
}

export const rcLocal: KnownWriter = { name: 'rc.local', title: '`rc.local`', find }
