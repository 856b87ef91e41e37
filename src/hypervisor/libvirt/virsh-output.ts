/** The output and the errors of virsh. Pure. */
import { VqtuneError } from '../../errors'
import type { ToolResult } from '../../system/system'

/** A guest as `virsh list` names it. */
export interface DomainRef {
  readonly name: string
  readonly uuid: string
}

/** `UUID NAME` lines; a name may hold blanks. */
export function parseDomainList(text: string): readonly DomainRef[] {
  return text
    .split('\n')
    .flatMap((line) => {
      const match = /^([0-9a-f-]{36})\s+(.+)$/s.exec(line.trim())
      return match === null ? [] : [{ uuid: match[1] as string, name: match[2] as string }]
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** `Key: value` lines, as `virsh dominfo` prints them. */
export function parseInfo(text: string): ReadonlyMap<string, string> {
  return new Map(
    text.split('\n').flatMap((line): [string, string][] => {
      const colon = line.indexOf(':')
      return colon <= 0 ? [] : [[line.slice(0, colon), line.slice(colon + 1).trim()]]
    }),
  )
}

/** One line from virsh's several, and the kind that fits. */
export function virshError(uri: string, result: ToolResult): VqtuneError {
  const lines = result.stderr
    .split('\n')
    .filter((line) => line.startsWith('error: '))
    .map((line) => line.slice('error: '.length).trim())
  const text = (lines.length === 0 ? result.stderr.trim().split('\n').slice(0, 1) : lines).join(': ')
  const message = text === '' ? `exit code ${result.code}, no output` : text
  if (
    /Permission denied|authentication (?:failed|unavailable)|access denied|operation forbidden|read only access/i.test(
      text,
    )
  ) {
    return new VqtuneError(
      'permission',
      `virsh ${uri}: ${message}; run as root or as a member of libvirt's group`,
    )
  }
  if (/failed to connect/.test(text)) {
    return new VqtuneError('tool-failed', `virsh ${uri}: ${message}; is virtqemud or libvirtd running?`)
  }
  return new VqtuneError('tool-failed', `virsh ${uri}: ${message}`)
}
