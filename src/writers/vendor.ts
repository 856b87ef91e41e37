/** Tools of clouds and vendors, known by their files, units and processes. */
import { findPrograms, type Program } from '../kernel/processes'
import type { TunableName } from '../model'
import type { System } from '../system/system'
import { resolved } from './bounded-system'
import { findUnits, isEnabled, isMasked } from './units'
import { type KnownWriter, listAllowed, type Writer } from './writer'

export interface VendorTool {
  readonly writer: KnownWriter
  /** The first that exists is the evidence. */
  readonly files: readonly string[]
  /** What it does, one clause. */
  readonly what: string
  readonly writes: readonly { readonly tunable: TunableName; readonly value?: string }[]
  /** Units that start it; init scripts have the same name without the suffix. */
  readonly units: readonly string[]
  readonly processes: readonly Program[]
  readonly remedy: string
  /** Switched off by its configuration, with the reason. */
  readonly off?: string | undefined
}

/** One finding for each setting; none if none of the files exists and no process of it runs. */
export function vendorFindings(system: System, tool: VendorTool): readonly Writer[] {
  const { root } = system.paths
  const [running] = findPrograms(system, tool.processes)
  const file = tool.files.find((path) => exists(system, path))
  if (file === undefined && running === undefined) return []
  const units = findUnits(system)
  const masked = tool.units.find((unit) => isMasked(units, unit))
  const enabled = tool.units.find((unit) => isEnabled(units, unit))
  const initScript = tool.units

    .map((unit) => unit.replace(/\.\w+$/, ''))
    .find((name) => isLinked(system, name) && !isMasked(units, `${name}.service`))
  const isActive = running !== undefined || enabled !== undefined || initScript !== undefined
  const started =
    running !== undefined
      ? `; runs as pid ${running.pid}`
      : enabled !== undefined
        ? `; ${enabled} is enabled`
        : initScript !== undefined
          ? `; init script ${initScript} is enabled`
          : masked !== undefined
            ? ` (${masked} is masked)`
            : ' (what starts it was not found)'
  const why = tool.off === undefined ? started : ` (${tool.off})`
  return tool.writes.map(({ tunable, value }) => ({
    writer: tool.writer.name,
    where: file === undefined ? `pid ${running?.pid}` : file.slice(root.length),
    what: `${tool.what}${why}`,
    tunable,
    matches: isActive && tool.off === undefined ? 'yes' : 'maybe',
    remedy: tool.remedy,
    ...(value === undefined ? {} : { value }),
  }))
}

function exists(system: System, path: string): boolean {
  const real = resolved(system, path)
  return real !== undefined && system.exists(real)
}

function isLinked(system: System, name: string): boolean {
  return system.paths.writers.runlevelDirs.some((directory) => {
    const names = listAllowed(system, directory)
    return names !== 'unreadable' && names.some((link) => /^S\d\d/.test(link) && link.slice(3) === name)
  })
}
