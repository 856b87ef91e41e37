/** Whether a text of a script means a NIC. Pure. */
import { globMatches, type Match, type WriterTarget } from '../writer'
import { UNRESOLVED, type Value } from './run'

/** A NIC's name as a script has it: a name, a glob, or what is not resolved. eth1 does not mean eth10. */
export function meansNic(texts: readonly string[], nic: WriterTarget): Match {
  const verdicts = texts.map((text) => oneMeans(text, nic))
  if (verdicts.includes('yes')) return 'yes'
  return verdicts.includes('maybe') ? 'maybe' : 'no'
}

function oneMeans(text: string, nic: WriterTarget): Match {
  const name = text.replace(/^.*\/sys\/class\/net\//, '').replace(/\/$/, '')
  const glob = name.replaceAll(UNRESOLVED, '*')
  if (![nic.name, ...nic.altnames].some((own) => own === glob || globMatches(glob, own))) return 'no'
  return name.includes(UNRESOLVED) ? 'maybe' : 'yes'
}

/** The name after /net/ in the path of a queue's attribute or of `threaded`, in any directory of sysfs. */
export function nicOfSysfsPath(text: string): string | undefined {
  return /\/net\/([^/]+)\/(?:queues(?:\/|$)|threaded$)/.exec(text)?.[1]
}

export function isUnresolved({ texts }: Value): boolean {
  return texts.some((text) => text.includes(UNRESOLVED))
}
