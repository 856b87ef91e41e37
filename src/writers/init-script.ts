/** SysV init scripts, which systemd runs where a link in rcN.d enables them. */
import type { System } from '../system/system'
import { resolved } from './bounded-system'
import { scriptFindings, scriptsIn } from './script-findings'
import { findUnits, isMasked } from './units'
import { type KnownWriter, listAllowed, readableText, type Writer, type WriterTarget } from './writer'

function find(system: System, nic: WriterTarget): readonly Writer[] {
  const units = findUnits(system)
  const seen = new Set<string>()
  return system.paths.writers.initDirs.flatMap((directory) =>
    scriptsIn(system, directory).flatMap((path) => {
      const name = path.slice(path.lastIndexOf('/') + 1)
      const real = resolved(system, path)
      if (real === undefined || seen.has(name) || seen.has(real)) return []
      seen.add(name).add(real)
      const text = readableText(system, path)
      if (text === undefined || name === 'README') return []
      const inactive = isMasked(units, `${name}.service`)
        ? `${name}.service is masked`
        : isLinked(system, name)
          ? undefined
          : 'no runlevel starts it'
      return scriptFindings(
        system,
        nic,
        { path, text, bindings: new Map([['1', ['start']]]) },
        {
          writer: initScript.name,
          when: 'at each boot',
          remedy: `chkconfig ${name} off, or systemctl mask ${name}.service`,
          inactive,
        },
      )
    }),
  )
}

function isLinked(system: System, name: string): boolean {
  return system.paths.writers.runlevelDirs.some((directory) => {
    const names = listAllowed(system, directory)
    return names !== 'unreadable' && names.some((link) => /^S\d\d/.test(link) && link.slice(3) === name)
  })
}

export const initScript: KnownWriter = { name: 'init-script', title: 'SysV init scripts', find }
