/** The settings of one module parameter in modprobe.d and on the kernel command line, in kmod's order. */
import { shadowedFiles } from '../../system/shadowed-files'
import type { System } from '../../system/system'
import { readConfigFile } from '../change/safe-file'

export const MODULE = 'vhost_net'
export const PARAMETER = 'experimental_zcopytx'

export interface ConfiguredValue {
  readonly value: string
  /** `FILE:LINE` or the kernel command line, for people. */
  readonly source: string
}

/** Every setting of the parameter; the last one wins. */
export function readConfigured(system: System): readonly ConfiguredValue[] {
  const { procCmdline, hypervisor } = system.paths
  const { modprobeDirs } = hypervisor
  const fromFiles = shadowedFiles(modprobeDirs, '.conf', (directory) => system.list(directory)).flatMap(
    (path) => parseModprobeConf(readConfigFile(system, path) ?? '', path),
  )
  // kmod reads the command line after the files.
  return [...fromFiles, ...parseCommandLine(system.readText(procCmdline) ?? '')]
}

/** `options vhost_net experimental_zcopytx=N` lines. Module names may be written with a dash, lines be continued. */
export function parseModprobeConf(text: string, path: string): readonly ConfiguredValue[] {
  const found: ConfiguredValue[] = []
  const lines = text.split('\n')
  for (let i = 0; i < lines.length; i++) {
    const source = `${path}:${i + 1}`
    const parts = [lines[i] as string]
    while (parts.at(-1)?.endsWith('\\') && i + 1 < lines.length) parts.push(lines[++i] as string)
    const line = parts.map((part, k) => (k < parts.length - 1 ? part.slice(0, -1) : part)).join('')
    const [word, module, ...parameters] = line.trim().split(/\s+/)
    if (word !== 'options' || !isOurs(module)) continue
    found.push(...parameters.flatMap((parameter) => setting(parameter, source)))
  }
  return found
}

function parseCommandLine(text: string): readonly ConfiguredValue[] {
  return text
    .trim()
    .split(/\s+/)
    .flatMap((word) => {
      const dot = word.indexOf('.')
      return dot > 0 && isOurs(word.slice(0, dot))
        ? setting(word.slice(dot + 1), 'the kernel command line')
        : []
    })
}

function isOurs(module: string | undefined): boolean {
  return module?.replaceAll('-', '_') === MODULE
}

function setting(parameter: string, source: string): ConfiguredValue[] {
  const [name, value = ''] = parameter.split('=', 2) as [string, string?]
  // Of parameters, too, the kernel takes a dash for an underscore.
  return name.replaceAll('-', '_') === PARAMETER ? [{ value: value.replace(/^"(.*)"$/, '$1'), source }] : []
}

/** The text of vqtune's own file. */
export function ownConf(on: boolean): string {
  return [
    `# Written by: vqtune host zerocopy ${on ? 'on' : 'off'}. To undo: vqtune host undo.`,
    ...(on
      ? ['# The administrator accepted the risk: denial of service and information leaks between guests.']
      : []),
    `options ${MODULE} ${PARAMETER}=${on ? 1 : 0}`,
    '',
  ].join('\n')
}

/** The parameter is an int: any number but 0 is on. undefined for a value that the kernel would reject. */
export function isOn(value: string): boolean | undefined {
  const text = value.trim()
  return /^[+-]?(?:\d+|0x[0-9a-f]+)$/i.test(text) ? /[1-9a-f]/i.test(text) : undefined
}
