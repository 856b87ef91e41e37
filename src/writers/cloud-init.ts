/** cloud-init: bootcmd and runcmd of its configuration and user data, and scripts; see its documentation of modules. */
import type { System } from '../system/system'
import { scriptFindings, scriptsIn } from './script-findings'
import { findUnits, isMasked } from './units'
import { type KnownWriter, readableText, type Writer, type WriterTarget } from './writer'

function find(system: System, nic: WriterTarget): readonly Writer[] {
  const { cloudConfigFiles, cloudConfigDir, cloudScriptDirs } = system.paths.writers
  const units = findUnits(system)
  const isOff = ['cloud-init.service', 'cloud-final.service', 'cloud-init-main.service'].some((unit) =>
    isMasked(units, unit),
  )
  const options = (when: string) => ({
    writer: cloudInit.name,
    when,
    remedy: ({ path, line }: { path: string; line: number }) =>
      `remove line ${line} of ${path} (user data: at its source, too), or create /etc/cloud/cloud-init.disabled`,
    inactive: isOff ? 'cloud-init is masked' : undefined,
  })
  return [
    ...[...cloudConfigFiles, ...scriptsIn(system, cloudConfigDir)].flatMap((path) => {
      const text = readableText(system, path)
      if (text === undefined) return []
      if (text.startsWith('#!'))
        return scriptFindings(system, nic, { path, text }, options('by cloud-init, once for each instance'))
      return cloudCommands(text).flatMap(({ line, command, key }) =>
        scriptFindings(
          system,
          nic,
          { path, line, text: command },
          options(key === 'bootcmd' ? 'by cloud-init at each boot' : 'by cloud-init, once for each instance'),
        ),
      )
    }),
    ...cloudScriptDirs.flatMap((directory) =>
      scriptsIn(system, directory).flatMap((path) => {
        const text = readableText(system, path)
        const when = directory.endsWith('per-boot')
          ? 'by cloud-init at each boot'
          : 'by cloud-init, once for each instance'
        return text === undefined ? [] : scriptFindings(system, nic, { path, text }, options(when))
      }),
    ),
  ]
}

interface CloudCommand {
  readonly key: string
  readonly line: number
  readonly command: string
}

/**
 * The items of bootcmd and runcmd: strings, lists as [ a, b ] or as `- - a` (which cloud-init itself writes), and | blocks. Of
 * YAML no more than such files need. Pure.
 */
export function cloudCommands(text: string): readonly CloudCommand[] {
  const found: CloudCommand[] = []
  let key = ''
  let block: { readonly indent: number; readonly line: number; lines: string[] } | undefined
  let nested: { readonly indent: number; readonly line: number; words: string[] } | undefined
  const close = (): void => {
    if (block !== undefined) found.push({ key, line: block.line, command: block.lines.join('\n') })
    if (nested !== undefined) found.push({ key, line: nested.line, command: asWords(nested.words) })
    block = undefined
    nested = undefined
  }
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    const indent = raw.search(/\S/)
    if (block !== undefined) {
      if (indent === -1 || indent > block.indent) {
        block.lines.push(raw.trim())
        continue
      }
      close()
    }
    if (indent === -1 || raw.trimStart().startsWith('#')) continue
    if (nested !== undefined && indent <= nested.indent) close()
    const header = /^([\w-]+):\s*(.*)$/.exec(raw)
    if (header !== null) {
      key = header[1] as string
      const list = /^\[(.*)\]\s*(?:#.*)?$/.exec(header[2] as string)?.[1]
      if (list !== undefined && isCommands(key))
        for (const command of flowCommands(list)) found.push({ key, line: index + 1, command })
      continue
    }
    if (!isCommands(key)) continue
    const item = /^\s*-\s+(.*)$/.exec(raw)?.[1]
    if (item === undefined) continue
    const first = /^-\s+(.*)$/.exec(item)?.[1]
    if (nested !== undefined) nested.words.push(fromItem(item))
    else if (first !== undefined) nested = { indent, line: index + 1, words: [fromItem(first)] }
    else if (/^[|>][+-]?\d?\s*$/.test(item)) block = { indent, line: index + 2, lines: [] }
    else found.push({ key, line: index + 1, command: fromItem(item) })
  }
  close()
  return found
}

function isCommands(key: string): boolean {
  return key === 'bootcmd' || key === 'runcmd'
}

function fromItem(item: string): string {
  const list = /^\[(.*)\]\s*(?:#.*)?$/.exec(item)?.[1]
  if (list !== undefined) return fromList(list)
  const quoted = /^"((?:[^"\\]|\\.)*)"|^'((?:[^']|'')*)'/.exec(item)
  if (quoted === null) return item.replace(/\s+#.*$/, '')
  return quoted[1]?.replace(/\\(.)/g, '$1') ?? (quoted[2] as string).replaceAll("''", "'")
}

/** `ethtool, -L, "eth0"` as a command line: each item is one word. */
function fromList(list: string): string {
  return asWords(flowScalars(list))
}

/** `[ethtool, -L, eth0], "echo x"`: each item is one command. */
function flowCommands(list: string): readonly string[] {
  return [
    ...list.matchAll(
      /\[((?:"(?:[^"\\]|\\.)*"|'[^']*'|[^[\]"'])*)\]|((?:"(?:[^"\\]|\\.)*"|'[^']*'|[^,"'[])+)/g,
    ),
  ].flatMap(([, inner, scalar]) => (inner === undefined ? flowScalars(scalar as string) : [fromList(inner)]))
}

function flowScalars(list: string): readonly string[] {
  return [...list.matchAll(/"((?:[^"\\]|\\.)*)"|'((?:[^']|'')*)'|([^,\s][^,]*)/g)].map(
    ([, double, single, plain]) => double?.replace(/\\(.)/g, '$1') ?? single ?? (plain as string).trim(),
  )
}

function asWords(words: readonly string[]): string {
  return words.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ')
}

export const cloudInit: KnownWriter = {
  name: 'cloud-init',
  title: 'cloud-init (user data, `runcmd`, `bootcmd`, scripts)',
  find,
}
