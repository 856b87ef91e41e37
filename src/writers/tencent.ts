/** Tencent Cloud's scripts below /usr/local/qcloud, run by rc.local: IRQ affinity, RPS and XPS. */
import type { System } from '../system/system'
import { isExecutable } from './script-findings'
import { type KnownWriter, listAllowed, readableText, type Writer } from './writer'

const SCRIPTS = { 'net_smp_affinity.sh': 'irq-affinity', 'set_rps.sh': 'rps', 'set_xps.sh': 'xps' } as const

function find(system: System): readonly Writer[] {
  const { tencentDirs, rcLocalFiles } = system.paths.writers
  const { root } = system.paths
  return tencentDirs.flatMap((directory) => {
    const names = listAllowed(system, directory)
    if (names === 'unreadable') return []
    return names.flatMap((name): Writer[] => {
      const tunable = (SCRIPTS as Readonly<Record<string, string>>)[name]
      if (tunable === undefined) return []
      const path = `${directory}/${name}`.slice(root.length)
      const starter = rcLocalFiles.find(
        (file) => callsIt(readableText(system, file), path) && isExecutable(system, file),
      )
      return [
        {
          writer: tencent.name,
          where: path,
          what: `Tencent's script sets ${tunable} of all NICs at boot${starter === undefined ? ' (what starts it was not found)' : `; ${starter.slice(root.length)} runs it`}`,
          tunable,
          matches: starter === undefined ? 'maybe' : 'yes',
          remedy: `remove ${path} from ${starter?.slice(root.length) ?? 'what runs it'}`,
        },
      ]
    })
  })
}

function callsIt(text: string | undefined, path: string): boolean {
  return (text ?? '').split('\n').some((line) => !line.trimStart().startsWith('#') && line.includes(path))
}

export const tencent: KnownWriter = {
  name: 'tencent-qcloud',
  title: "Tencent's scripts in `/usr/local/qcloud`",
  find,
}
