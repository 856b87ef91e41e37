/** The output of `vqtune config check`. Pure. */
import { type Problem, problemLine } from '../config/problem'
import { NIC_KEYS, nicOrigin, nicSettings, type Settings } from '../config/settings'
import type { ObservedNic } from '../model'
import { paint } from '../text/paint'
import { plural } from '../text/plural'
import { renderTable } from '../text/table'
import { printJson } from './json'

/** Or why they cannot be observed. */
export type FoundNics = readonly ObservedNic[] | { readonly why: string }

export function problemText(problems: readonly Problem[], color: boolean): string {
  const { bad } = paint(color)
  return `${[...problems.map((problem) => bad(problemLine(problem))), plural(problems.length, 'problem')].join('\n')}\n`
}

export function settingsText(
  files: readonly string[],
  settings: Settings,
  nics: FoundNics,
  notes: readonly string[],
): string {
  const read = files.length === 0 ? 'no configuration file: built-in defaults' : `read ${files.join(', ')}`
  const parts = [`${read}\nno problems\n`]
  if ('why' in nics) parts.push(`the guest cannot be observed: ${nics.why}\n`)
  else if (nics.length === 0) parts.push('no virtio-net NIC in this network namespace\n')
  else parts.push('\n', settingsTable(settings, nics))
  return [...parts, ...notes.map((note) => `${note}\n`)].join('')
}

function settingsTable(settings: Settings, nics: readonly ObservedNic[]): string {
  const rows = nics.flatMap((nic) => {
    const values = nicSettings(settings, nic)
    return NIC_KEYS.map(({ key, none, valueIn }) => [
      nic.name,
      key,
      String(valueIn(values) ?? none),
      nicOrigin(settings, nic, key),
    ])
  })
  return renderTable(['NIC', 'KEY', 'VALUE', 'FROM'], rows)
}

export async function checkJson(
  files: readonly string[],
  problems: readonly Problem[],
  settings: Settings,
  nics: FoundNics,
  notes: readonly string[],
): Promise<string> {
  // The grammar, which is needed for nothing else if no file sets anything.
  const { allowedForNic } = await import('../config/grammar')
  const found = 'why' in nics ? [] : nics
  return printJson({
    files,
    problems: problems.map(({ file, line, text }) => ({ file, line: line ?? null, text })),
    nics: found.map((nic) => {
      const values = nicSettings(settings, nic)
      return {
        name: nic.name,
        settings: Object.fromEntries(NIC_KEYS.map(({ key, valueIn }) => [key, valueIn(values) ?? null])),
        from: Object.fromEntries(NIC_KEYS.map(({ key }) => [key, nicOrigin(settings, nic, key)])),
      }
    }),
    notes,
    keys: NIC_KEYS.map(({ key }) => {
      const { allowed, choices } = allowedForNic(key)
      return { key, allowed, choices: choices ?? null }
    }),
    unobserved: 'why' in nics ? nics.why : null,
  })
}
