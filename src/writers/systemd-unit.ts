/** systemd units whose commands run ethtool -L or write affinity, XPS or RPS, directly or by a script. */
import type { System } from '../system/system'
import { type Bindings, scriptFindings } from './script-findings'
import { effective, findUnits, type Unit, type UnitLine } from './units'
import { type KnownWriter, readableText, type Writer, type WriterTarget } from './writer'

/** Ours write nothing that needs attribution. */
const OWN = /^vqtune/

function find(system: System, nic: WriterTarget): readonly Writer[] {
  return findUnits(system).all.flatMap((unit) => {
    if (!unit.name.endsWith('.service') || OWN.test(unit.name)) return []
    const commands = effective(unit, /^Exec(?:Start|StartPre|StartPost|Reload|Stop|StopPost|Condition)$/)
    const bindings = environment(system, unit)
    return commands.flatMap((command) => findings(system, nic, unit, command, bindings))
  })
}

function findings(
  system: System,
  nic: WriterTarget,
  unit: Unit,
  { key, value, line, path }: UnitLine,
  bindings: Bindings,
): readonly Writer[] {
  const text = withSpecifiers(value.replace(/^[-@:+!|]+/, ''), unit)
  const found = scriptFindings(
    system,
    nic,
    { path, line, text, bindings, isPlain: true },
    {
      writer: systemdUnit.name,
      when: `(${key}= of ${unit.name})`,
      remedy: unit.isEnabled
        ? `systemctl disable --now ${unit.name}`
        : `systemctl mask ${unit.name}, so that nothing starts it (systemctl disable --now ${unit.name} if it runs)`,
      inactive: unit.isEnabled ? undefined : 'the unit is not enabled',
    },
  )
  return found
}

/** Environment= and EnvironmentFile=, later ones over earlier ones. */
function environment(system: System, unit: Unit): Bindings {
  const bindings = new Map<string, readonly string[]>()
  for (const { key, value } of effective(unit, /^Environment(?:File)?$/)) {
    if (key === 'Environment') addAssignments(withSpecifiers(value, unit), bindings)
    else {
      const text = readableText(
        system,
        `${system.paths.root}${withSpecifiers(value.replace(/^-/, ''), unit)}`,
      )
      for (const line of (text ?? '').split(/\r?\n/))
        if (!/^\s*[#;]/.test(line)) addAssignments(line, bindings, true)
    }
  }
  return bindings
}

function addAssignments(text: string, bindings: Map<string, readonly string[]>, isLine = false): void {
  const pattern = isLine
    ? /^\s*(\w+)=(?:"([^"]*)"|'([^']*)'|(.*?))\s*$/gm
    : /(?:^|\s)["']?(\w+)=(?:"([^"]*)"|'([^']*)'|([^"'\s]*))/g
  const quoted = isLine ? text : text.replace(/(^|\s)(["'])(\w+)=(.*?)\2(?=\s|$)/g, '$1$3="$4"')
  for (const [, name = '', ...values] of quoted.matchAll(pattern))
    bindings.set(name, [values.find((value) => value !== undefined) as string])
}

function withSpecifiers(text: string, { name, instance }: Unit): string {
  const values: Readonly<Record<string, string>> = {
    i: instance,
    I: instance
      .replaceAll('-', '/')
      .replace(/\\x([0-9a-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    n: name,
    N: name.replace(/\.\w+$/, ''),
    p: name.replace(/[@.].*$/, ''),
    '%': '%',
  }
  return text.replace(/%([a-zA-Z%])/g, (all, letter: string) => {
    if ((letter === 'i' || letter === 'I') && instance === '') return '*'
    return values[letter] ?? all
  })
}

export const systemdUnit: KnownWriter = {
  name: 'systemd-unit',
  title: 'systemd units and timers, and scripts that they run',
  find,
}
