/** udev rules that run ethtool -L or write smp_affinity or xps_cpus. */
import type { System } from '../system/system'
import { ANY_NIC, scriptFindings } from './script-findings'
import {
  allOf,
  globMatches,
  type KnownWriter,
  type Match,
  negated,
  readableFiles,
  readableText,
  type Writer,
  type WriterTarget,
} from './writer'

function find(system: System, nic: WriterTarget): readonly Writer[] {
  return readableFiles(system, system.paths.writers.udevRuleDirs, '.rules').flatMap((path) => {
    const text = readableText(system, path)
    return text === undefined || path.endsWith(OWN) ? [] : rulesWriters(system, path, text, nic)
  })
}

/** It tells vqtune of new NICs, and writes nothing. */
const OWN = '/90-vqtune.rules'

/** Checks the rules of one file. */
export function rulesWriters(
  system: System,
  path: string,
  text: string,
  nic: WriterTarget,
): readonly Writer[] {
  const { root, writers } = system.paths
  const name = path.slice(path.lastIndexOf('/') + 1)
  const overrides = (writers.udevRuleDirs[0] as string).slice(root.length)
  const isOwn = path.startsWith(`${root}/etc/`)
  const remedy = isOwn
    ? `remove the rule, or override it with a file of the same name in ${overrides}`
    : `ln -s /dev/null ${overrides}/${name}`
  const jumps = new Map<string, Match>()
  return logicalLines(text).flatMap(({ line, rule }): readonly Writer[] => {
    const reached = reachedBy(rule, nic, jumps)
    if (!/ethtool|smp_affinity|[xr]ps_cpus|rps_flow_cnt|RUN|PROGRAM|IMPORT/.test(rule)) return []
    const verdict = allOf([...ruleConditions(rule, nic), reached])
    if (verdict === 'no') return []
    const called = programsOf(rule).flatMap((command) =>
      callWriters(system, path, line, command, nic, remedy),
    )
    const attribute = attributeWritten(rule)
    const own: Writer[] =
      attribute === undefined
        ? []
        : [
            {
              writer: udevRules.name,
              where: `${path.slice(root.length)}:${line}`,
              what: `a rule writes ${attribute} when its device appears`,
              tunable: ATTRIBUTES[attribute],
              matches: 'yes',
              remedy,
            },
          ]
    return [...called, ...own].map((writer) =>
      verdict === 'maybe' && writer.matches === 'yes' ? { ...writer, matches: 'maybe' } : writer,
    )
  })
}

/**
 * Whether the NIC's device comes to this rule, or has left for a LABEL further down. A jump backwards is refused (udev(7)), so
 * what was passed over ends at the label.
 * @param jumps the labels that it may have left for, and how certain that is
 */
function reachedBy(rule: string, nic: WriterTarget, jumps: Map<string, Match>): Match {
  const label = /\bLABEL\s*=\s*"([^"]*)"/.exec(rule)?.[1]
  if (label !== undefined) jumps.delete(label)
  const reached = allOf([...jumps.values()].map(negated))
  const target = /\bGOTO\s*=\s*"([^"]*)"/.exec(rule)?.[1]
  if (target !== undefined) {
    const jumped = allOf([...ruleConditions(rule, nic), reached])
    const earlier = jumps.get(target)
    if (earlier !== 'yes' && jumped !== 'no') jumps.set(target, jumped)
  }
  return reached
}

const ATTRIBUTES = { xps_cpus: 'xps', rps_cpus: 'rps', rps_flow_cnt: 'rfs' } as const

/** ATTR{queues/tx-0/xps_cpus}="f" */
function attributeWritten(rule: string): keyof typeof ATTRIBUTES | undefined {
  const found = /ATTR\{[^{}]*?(xps_cpus|rps_cpus|rps_flow_cnt)\}\s*[+:]?=\s*"/.exec(rule)?.[1]
  return found as keyof typeof ATTRIBUTES | undefined
}

/** The command lines of RUN, PROGRAM and IMPORT{program}. */
function programsOf(rule: string): readonly string[] {
  return [
    ...rule.matchAll(
      /(?:RUN(?:\{program\})?\s*[+:]?=|PROGRAM\s*={1,2}|IMPORT\{program\}\s*={1,2})\s*e?"((?:[^"\\]|\\.)*)"/g,
    ),
  ].map(([, command = '']) => command.replaceAll('\\"', '"'))
}

function callWriters(
  system: System,
  path: string,
  line: number,
  command: string,
  nic: WriterTarget,
  remedy: string,
): readonly Writer[] {
  // For a NIC, its name; in a rule of its queues the kernel's name is rx-0.
  const text = command
    .replace(
      /%k|\$kernel|\$name|%E\{INTERFACE\}|\$env\{INTERFACE\}|\$env\{ID_NET_NAME\}|%E\{ID_NET_NAME\}/g,
      '$name',
    )
    .replace(/%p|\$devpath|%S|\$sys/g, '$DEVPATH')
    .replaceAll('%%', '%')
    .replaceAll('$$', '$')
  const { udevProgramDirs } = system.paths.writers
  const [program = ''] = text.split(/\s+/)
  const helper = udevProgramDirs
    .map((directory) => `${directory}/${program}`)
    .find((file) => readableText(system, file) !== undefined)
  const isBare = !program.startsWith('/')
  const found =
    isBare && helper !== undefined
      ? `${helper.slice(system.paths.root.length)}${text.slice(program.length)}`
      : text
  return scriptFindings(
    system,
    nic,
    {
      path,
      line,
      text: found,
      isPlain: true,
      bindings: new Map([
        ['name', ANY_NIC],
        ['INTERFACE', ANY_NIC],
        ['ID_NET_NAME', ANY_NIC],
      ]),
    },
    { writer: udevRules.name, when: '(a udev rule, when its device appears)', remedy },
  ).map((writer): Writer => {
    const isHere = writer.where === `${path.slice(system.paths.root.length)}:${line}`
    // udev does not search PATH.
    if (isBare && helper === undefined) return { ...writer, matches: 'maybe' }
    return isHere
      ? writer
      : { ...writer, what: `${writer.what}, called by ${path.slice(system.paths.root.length)}:${line}` }
  })
}

/** Rules with the number of their first line; a backslash at the end joins lines, # starts a comment line. */
function logicalLines(text: string): { line: number; rule: string }[] {
  const rules: { line: number; rule: string }[] = []
  let open: { line: number; rule: string } | undefined
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    if (raw.trimStart().startsWith('#')) continue
    const joins = raw.endsWith('\\')
    const part = joins ? raw.slice(0, -1) : raw
    open = open === undefined ? { line: index + 1, rule: part } : { ...open, rule: `${open.rule} ${part}` }
    if (joins) continue
    if (open.rule.trim() !== '') rules.push(open)
    open = undefined
  }
  return open === undefined ? rules : [...rules, open]
}

function* ruleConditions(rule: string, nic: WriterTarget): Generator<Match> {
  for (const [, key = '', attribute = '', operator, value = ''] of rule.matchAll(
    /(?<![A-Z])([A-Z]+)(?:\{([^{}]*)\})?\s*(==|!=)\s*"([^"]*)"/g,
  )) {
    const verdict = condition(key, attribute, value.split('|'), nic)
    yield operator === '==' ? verdict : negated(verdict)
  }
}

function condition(key: string, attribute: string, globs: readonly string[], nic: WriterTarget): Match {
  const fits = (...texts: string[]): Match =>
    globs.some((glob) => texts.some((text) => globMatches(glob, text))) ? 'yes' : 'no'
  switch (key) {
    case 'SUBSYSTEM':
      return fits('net', 'queues')
    case 'ACTION':
      return fits('add', 'change', 'move', 'bind', 'online')
    case 'NAME':
      return fits(nic.name)
    case 'KERNEL':
      // Before it is renamed the NIC is ethN; in rules of the queues subsystem KERNEL is rx-N or tx-N.
      return fits(nic.name) === 'yes'
        ? 'yes'
        : fits('eth0', 'eth1', 'rx-0', 'tx-0') === 'yes'
          ? 'maybe'
          : 'no'
    case 'DRIVER':
    case 'DRIVERS':
      return fits('virtio_net', 'virtio-pci') === 'yes' ? 'yes' : 'no'
    case 'ATTR':
    case 'ATTRS':
      return attribute === 'address' ? fits(nic.mac, nic.mac.toUpperCase()) : 'maybe'
    case 'ENV':
      if (attribute === 'ID_NET_DRIVER') return fits('virtio_net')
      return attribute === 'INTERFACE' || attribute === 'ID_NET_NAME' ? fits(nic.name) : 'maybe'
    default:
      return 'maybe'
  }
}

export const udevRules: KnownWriter = {
  name: 'udev-rule',
  title: 'udev rules, and helpers that they call',
  actsByItself: true,
  find,
}
