/** udev rules that run ethtool -L or write smp_affinity or xps_cpus. */
import type { TunableName } from '../model'
import type { System } from '../system/system'
import {
  allOf,
  globMatches,
  type Match,
  negated,
  readableFiles,
  readableText,
  type Writer,
  type WriterTarget,
} from './writer'

export function findUdevRules(system: System, nic: WriterTarget): readonly Writer[] {
  return readableFiles(system, system.paths.writers.udevRuleDirs, '.rules').flatMap((path) => {
    const text = readableText(system, path)
    return text === undefined
      ? []
      : rulesWriters(path, text, nic, system.paths.writers.udevRuleDirs[0] as string)
  })
}

/** Checks the rules of one file. @param overrides the directory whose files override those of the same name elsewhere */
export function rulesWriters(
  path: string,
  text: string,
  nic: WriterTarget,
  overrides: string,
): readonly Writer[] {
  return logicalLines(text).flatMap(({ line, rule }): Writer[] => {
    const tunable = writtenBy(rule)
    if (tunable === undefined) return []
    const verdict = allOf([...ruleConditions(rule, nic)])
    if (verdict === 'no') return []
    return [
      {
        writer: 'udev-rule',
        where: `${path}:${line}`,
        what: `a rule ${tunable === 'channels' ? 'runs ethtool -L' : tunable === 'xps' ? 'writes xps_cpus' : 'writes smp_affinity'} when its device appears`,
        tunable,
        matches: verdict,
        remedy: `remove the rule, or override it with a file of the same name in ${overrides}`,
      },
    ]
  })
}

function writtenBy(rule: string): TunableName | undefined {
  if (rule.split('"').some(setsChannels)) return 'channels'
  if (rule.includes('smp_affinity')) return 'irq-affinity'
  return rule.includes('xps_cpus') ? 'xps' : undefined
}

/** The text between two quotes runs `ethtool ... -L`. */
function setsChannels(part: string): boolean {
  const at = part.search(/ethtool\b/)
  return at !== -1 && /\s(-L|--set-channels)\b/.test(part.slice(at))
}

/** Rules with the number of their first line; a backslash at the end joins lines, # starts a comment line. */
function logicalLines(text: string): { line: number; rule: string }[] {
  const rules: { line: number; rule: string }[] = []
  let open: { line: number; rule: string } | undefined
  for (const [index, raw] of text.split('\n').entries()) {
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
