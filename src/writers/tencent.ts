/** Tencent Cloud's scripts below /usr/local/qcloud, run by rc.local: IRQ affinity, RPS and XPS. */
import type { TunableName } from '../model'
import type { System } from '../system/system'
import { isExecutable, scriptsIn } from './script-findings'
import { findUnits, isMasked } from './units'
import { type KnownWriter, readableText, type Writer } from './writer'

const SCRIPTS: ReadonlyMap<string, TunableName> = new Map([
  ['net_smp_affinity.sh', 'irq-affinity'],
  ['set_rps.sh', 'rps'],
  ['set_xps.sh', 'xps'],
])

function find(system: System): readonly Writer[] {
  const { tencentDirs, rcLocalFiles } = system.paths.writers
  const { root } = system.paths
  const starters = isMasked(findUnits(system), 'rc-local.service') ? [] : rcLocalFiles
  return tencentDirs.flatMap((directory) => {
    return scriptsIn(system, directory).flatMap((script): Writer[] => {
      const tunable = SCRIPTS.get(script.slice(directory.length + 1))
      if (tunable === undefined) return []
      const path = script.slice(root.length)
      const starter = starters.find(
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

/** As a word of its own: set_rps.sh.old is another script. */
function callsIt(text: string | undefined, path: string): boolean {
  return (text ?? '').split('\n').some((line) =>
    line
      .replace(/(?:^|\s)#.*/, '')
      .split(/[\s;&|()<>'"]+/)
      .includes(path),
  )
}

export const tencent: KnownWriter = {
  name: 'tencent-qcloud',
  title: "Tencent's scripts in `/usr/local/qcloud`",
  find,
}
