/** systemd units as files: overrides, masks, drop-ins, enablement; see systemd.unit(5). */

import type { System } from '../system/system'
import { resolved } from './bounded-system'
import { type IniLine, iniLines } from './ini'
import { listAllowed, readableText } from './writer'

export interface UnitLine extends IniLine {
  readonly path: string
}

export interface Unit {
  /** As it is run: with the instance, for a template. */
  readonly name: string
  /** Of a template: between @ and the suffix. */
  readonly instance: string
  readonly path: string
  /** Of the file and its drop-ins; an empty value ends what came before. */
  readonly lines: readonly UnitLine[]
  readonly isEnabled: boolean
}

export interface Units {
  readonly all: readonly Unit[]
  readonly masked: ReadonlySet<string>
  /** By unit: those that pull it in by a link in a .wants or .requires directory. */
  readonly wantedBy: ReadonlyMap<string, readonly string[]>
}

const KINDS = /\.(?:service|timer|path|socket)$/
/** One search reads them once, for all that ask. */
const known = new WeakMap<System, Units>()

export function findUnits(system: System): Units {
  const before = known.get(system)
  if (before !== undefined) return before
  const units = readUnits(system)
  known.set(system, units)
  return units
}

export function isMasked(units: Units, name: string): boolean {
  return units.masked.has(name)
}

export function isEnabled(units: Units, name: string): boolean {
  return units.all.some((unit) => unit.name === name && unit.isEnabled)
}

function readUnits(system: System): Units {
  const names = new Map<string, string>()
  const dropIns = new Map<string, Map<string, string>>()
  const wantedBy = new Map<string, string[]>()
  const listed = (directory: string): readonly string[] => {
    const found = listAllowed(system, directory)
    return found === 'unreadable' ? [] : found
  }
  for (const directory of system.paths.writers.unitDirs) {
    for (const name of listed(directory)) {
      const path = `${directory}/${name}`
      if (KINDS.test(name)) {
        if (!names.has(name)) names.set(name, path)
      } else if (/\.(?:wants|requires|upholds)$/.test(name)) {
        for (const unit of listed(path)) wantedBy.set(unit, [...(wantedBy.get(unit) ?? []), name])
      } else if (name.endsWith('.d')) {
        const unit = name.slice(0, -2)
        const files = dropIns.get(unit) ?? new Map<string, string>()
        for (const file of listed(path))
          if (file.endsWith('.conf') && !files.has(file)) files.set(file, `${path}/${file}`)
        dropIns.set(unit, files)
      }
    }
  }
  const masked = new Set<string>()
  const texts = new Map<string, string>()
  for (const [name, path] of names) {
    const text = readableText(system, path)
    if (isMask(system, path, text)) masked.add(name)
    else if (text !== undefined) texts.set(name, text)
  }
  const all = [...texts].flatMap(([name, text]): Unit[] => {
    const path = names.get(name) as string
    const [template, suffix] = /^([^@]+@)\.(\w+)$/.exec(name)?.slice(1) ?? []
    const instances =
      template === undefined
        ? [name]
        : [...new Set([...wantedBy.keys(), ...names.keys()])].filter(
            (unit) => unit !== name && unit.startsWith(template) && unit.endsWith(`.${suffix}`),
          )
    // A template without an instance does nothing.
    return (instances.length === 0 ? [name] : instances).flatMap((unit): Unit[] => {
      if (masked.has(unit) || (unit !== name && names.has(unit))) return []
      const instance = /@(.*)\.\w+$/.exec(unit)?.[1] ?? ''
      const lines = [
        ...iniLines(text).map((line) => ({ ...line, path })),
        ...dropInLines(system, [unit, name, `${unit.slice(unit.lastIndexOf('.') + 1)}`], dropIns),
      ]
      return [{ name: unit, instance, path, lines, isEnabled: wantedBy.has(unit) }]
    })
  })
  return {
    all: all.map((unit) => ({ ...unit, isEnabled: unit.isEnabled || isPulledIn(unit, all) })),
    masked,
    wantedBy,
  }
}

function isMask(system: System, path: string, text: string | undefined): boolean {
  return text === '' || resolved(system, path) === `${system.paths.root}/dev/null`
}

/** Drop-ins by file name, of the unit, its template and its kind. */
function dropInLines(
  system: System,
  units: readonly string[],
  dropIns: ReadonlyMap<string, ReadonlyMap<string, string>>,
): readonly UnitLine[] {
  const files = new Map<string, string>()
  for (const unit of [...units].reverse())
    for (const [file, path] of dropIns.get(unit) ?? []) files.set(file, path)
  return [...files]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([, path]) => iniLines(readableText(system, path) ?? '').map((line) => ({ ...line, path })))
}

/** By a timer, path or socket that is enabled, or by a Wants= of a unit that is. */
function isPulledIn(unit: Unit, all: readonly Unit[]): boolean {
  const stem = unit.name.replace(/\.\w+$/, '')
  return all.some((other) => {
    if (other.name === unit.name || !other.isEnabled) return false
    const named = effective(other, /^(?:Unit|Wants|Requires|BindsTo|Upholds)$/)
    const own = /\.(?:timer|path|socket)$/.test(other.name) && !named.some(({ key }) => key === 'Unit')
    if (own && other.name.replace(/\.\w+$/, '') === stem && unit.name.endsWith('.service')) return true
    return named.some(({ value }) => value.split(/\s+/).includes(unit.name))
  })
}

/** Lines that are in effect: an empty assignment resets a list. */
export function effective(unit: Unit, key: RegExp): readonly UnitLine[] {
  const found: UnitLine[] = []
  for (const line of unit.lines) {
    if (!key.test(line.key)) continue
    if (line.value === '') {
      const kept = found.filter((one) => one.key !== line.key)
      found.splice(0, found.length, ...kept)
    } else found.push(line)
  }
  return found
}
