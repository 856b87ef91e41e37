/** rc.local of RHEL and others: run once at boot, if it is executable. */
import type { System } from '../system/system'
import { resolved } from './bounded-system'
import { executableFindings } from './script-findings'
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
    const off = isOff ? 'rc-local.service is masked' : undefined
    return executableFindings(
      system,
      nic,
      { path: real, text },
      { writer: rcLocal.name, when: 'at each boot', off },
    )
  })
}

export const rcLocal: KnownWriter = { name: 'rc.local', title: '`rc.local`', find }
