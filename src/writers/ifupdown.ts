/** ifupdown: `up` and `post-up` lines of /etc/network/interfaces, and its hook scripts; see interfaces(5). */
import type { System } from '../system/system'
import { joinedLines } from './joined-lines'
import { ANY_NIC, executableFindings, scriptFindings, scriptsIn } from './script-findings'
import { globMatches, type KnownWriter, readableText, type Writer, type WriterTarget } from './writer'

const COMMANDS = /^(?:pre-up|up|post-up|down|pre-down|post-down)$/

function find(system: System, nic: WriterTarget): readonly Writer[] {
  const { ifupdownFiles, ifupdownDir, ifupdownHookDirs } = system.paths.writers
  const hook = (path: string): readonly Writer[] => {
    const text = readableText(system, path)
    if (text === undefined) return []
    return executableFindings(
      system,
      nic,
      { path, text, bindings: new Map([['IFACE', ANY_NIC]]) },
      { writer: ifupdown.name, when: 'when an interface comes up or goes down' },
    )
  }
  return [
    ...[...ifupdownFiles, ...scriptsIn(system, ifupdownDir)].flatMap((path) => {
      const text = readableText(system, path)
      return text === undefined ? [] : interfaceWriters(system, nic, path, text)
    }),
    ...ifupdownHookDirs.flatMap((directory) => scriptsIn(system, directory).flatMap(hook)),
  ]
}

function interfaceWriters(system: System, nic: WriterTarget, path: string, text: string): readonly Writer[] {
  const found: Writer[] = []
  let patterns: readonly string[] = []
  for (const { line, text: whole } of joinedLines(text)) {
    const [keyword = '', ...words] = whole.trim().split(/\s+/)
    if (keyword === 'iface' || keyword === 'mapping') patterns = keyword === 'iface' ? words.slice(0, 1) : []
    if (['auto', 'source', 'source-directory'].includes(keyword) || keyword.startsWith('allow-'))
      patterns = []
    const [pattern] = patterns
    if (pattern === undefined) continue
    const own = [nic.name, ...nic.altnames].some((name) => globMatches(pattern.replace(/^\//, ''), name))
    const remedy = `remove line ${line} of ${path.slice(system.paths.root.length)}`
    if (COMMANDS.test(keyword)) {
      const bindings = new Map([['IFACE', own ? [nic.name] : [pattern]]])
      const command = whole.trim().slice(keyword.length).trim()
      found.push(
        ...scriptFindings(
          system,
          nic,
          { path, line, text: command, bindings },
          { writer: ifupdown.name, when: `(${keyword} of ${pattern})`, remedy },
        ),
      )
    }
    // Of the package ethtool: channels by a line of their own.
    if (/^(?:ethernet-channels?|channels)(?:-\w+)?$/.test(keyword) && own)
      found.push({
        writer: ifupdown.name,
        where: `${path.slice(system.paths.root.length)}:${line}`,
        what: `sets ${keyword} ${words.join(' ')}`,
        tunable: 'channels',
        matches: 'maybe',
        remedy,
      })
  }
  return found
}

export const ifupdown: KnownWriter = {
  name: 'ifupdown',
  title: 'ifupdown (`up` and `post-up` lines, hooks)',
  find,
}
