/** tuned: the active profile and the profiles it includes. */
import { findPrograms } from '../kernel/processes'
import type { System } from '../system/system'
import { type IniSections, iniLines, parseIni } from './ini'
import { scriptFindings } from './script-findings'
import {
  certainIf,
  globMatches,
  type KnownWriter,
  type Match,
  readableText,
  type Writer,
  type WriterTarget,
} from './writer'

/** A section of a profile after inclusion. */
export interface TunedSection {
  readonly name: string
  readonly options: ReadonlyMap<string, string>
  /** File of the last definition of `channels`, or of the section. */
  readonly where: string
  /** By option: the value as written, with its file and line. */
  readonly said: ReadonlyMap<string, Said>
}

interface Said {
  readonly path: string
  readonly line: number
  readonly value: string
}

interface ActiveProfile {
  readonly name: string
  readonly sections: readonly TunedSection[]
  readonly variables: ReadonlyMap<string, string>
}

/** Sections of the active profile that set channels, move interrupts or run scripts. */
function find(system: System, nic: WriterTarget): readonly Writer[] {
  const { tunedActiveProfile, tunedPostProfile } = system.paths.writers
  const profiles = [tunedActiveProfile, tunedPostProfile].flatMap((path) =>
    (readableText(system, path) ?? '').trim().split(/\s+/).filter(Boolean),
  )
  const isRunning = findPrograms(system, [{ name: 'tuned', script: true }]).length > 0
  const active: ActiveProfile = {
    name: profiles.join(' '),
    sections: activeSections(system, profiles),
    variables: variablesOf(system, profiles),
  }
  return active.sections
    .flatMap((section) => [
      ...sectionWriters(system, section, nic, active),
      ...scripts(system, section, nic, active),
    ])
    .map((writer) => certainIf(isRunning, writer))
}

function sectionWriters(
  system: System,
  section: TunedSection,
  nic: WriterTarget,
  active: ActiveProfile,
): readonly Writer[] {
  const { name } = section
  const options = new Map(
    [...section.options].map(([key, value]) => [key, expand(value, active.variables)] as const),
  )
  if (isOff(options.get('enabled'))) return []
  const type = options.get('type') ?? name
  const finding = (
    key: string,
    what: string,
    tunable: Writer['tunable'],
    matches: Match,
    undo: string,
  ): Writer => ({
    writer: tuned.name,
    where: placeOf(system, section, key),
    what: `profile ${active.name} ${what} in [${name}]${unresolvedIn(what)}`,
    tunable,
    matches: matches === 'yes' && unresolvedIn(what) === '' ? 'yes' : 'maybe',
    remedy: remedyFor(system, section, key, undo),
  })
  const channels = options.get('channels')
  if (type === 'net' && channels !== undefined && channels !== '') {
    const verdict = meansNic({ ...section, options }, nic)
    if (verdict === 'no') return []
    const value = /(?:^|\s)combined\s+(\d+)(?:\s|$)/.exec(channels)?.[1]
    const writer = finding(
      'channels',
      `sets channels = ${channels}`,
      'channels',
      verdict,
      'without channels=',
    )
    return [value === undefined ? writer : { ...writer, value }]
  }
  const isolated = type === 'scheduler' ? options.get('isolated_cores') : undefined
  if (isolated !== undefined && isolated !== '' && !isOff(options.get('irq_process')))
    return [
      finding(
        'isolated_cores',
        `moves interrupts away from isolated_cores = ${isolated}`,
        'irq-affinity',
        'maybe',
        'with irq_process=false',
      ),
    ]
  const smp = type === 'scheduler' ? options.get('default_irq_smp_affinity') : undefined
  if (smp !== undefined && smp !== 'ignore' && smp !== '')
    return [
      finding(
        'default_irq_smp_affinity',
        `sets default_irq_smp_affinity = ${smp}`,
        'irq-affinity',
        'maybe',
        'with default_irq_smp_affinity=ignore',
      ),
    ]
  if (type === 'irq')
    return [finding('affinity', 'sets IRQ affinity', 'irq-affinity', 'maybe', `without [${name}]`)]
  if (type === 'sysfs') return sysfsWriters(options, finding, nic)
  return []
}

/** [sysfs]: the options are files. */
function sysfsWriters(
  options: ReadonlyMap<string, string>,
  finding: (key: string, what: string, tunable: Writer['tunable'], matches: Match, undo: string) => Writer,
  nic: WriterTarget,
): readonly Writer[] {
  return [...options].flatMap(([key, value]): Writer[] => {
    const file = key.slice(key.lastIndexOf('/') + 1)
    const tunable = {
      rps_cpus: 'rps',
      rps_flow_cnt: 'rfs',
      xps_cpus: 'xps',
      smp_affinity: 'irq-affinity',
    }[file]
    const name = /\/net\/([^/]+)\/queues\//.exec(key)?.[1]
    if (tunable === undefined || (name !== undefined && !globMatches(name, nic.name))) return []
    return [
      finding(
        key,
        `writes ${value} to ${key}`,
        tunable,
        name === undefined ? 'maybe' : 'yes',
        `without ${key}=`,
      ),
    ]
  })
}

/** [script]: what the profile's own scripts do. */
function scripts(
  system: System,
  section: TunedSection,
  nic: WriterTarget,
  active: ActiveProfile,
): readonly Writer[] {
  if ((section.options.get('type') ?? section.name) !== 'script' || isOff(section.options.get('enabled')))
    return []
  const said = section.said.get('script')
  if (said === undefined) return []
  const { root } = system.paths
  const own = said.path.slice(root.length).replace(/\/[^/]*$/, '')
  const entries = said.value.split(/[,;\s]+/).filter(Boolean)
  return entries.flatMap((entry) => {
    const path = expand(entry, active.variables).replace(/\$\{i:PROFILE_DIR\}/, () => own)
    const file = path.startsWith('/') ? `${root}${path}` : `${root}${own}/${path}`
    const text = readableText(system, file)
    if (text === undefined) return []
    return scriptFindings(
      system,
      nic,
      { path: file, text, bindings: new Map([['1', ['start']]]) },
      {
        writer: tuned.name,
        when: `(a script of profile ${active.name})`,
        remedy: remedyFor(system, section, 'script', 'without that script'),
      },
    )
  })
}

function isOff(value: string | undefined): boolean {
  return ['0', 'false', 'no', 'off'].includes((value ?? '').toLowerCase())
}

function placeOf(system: System, { said, where }: TunedSection, key: string): string {
  const place = said.get(key)
  const path = (place?.path ?? where).slice(system.paths.root.length)
  return place === undefined ? path : `${path}:${place.line}`
}

/** A vendor's profile is never edited: an update would bring it back. tuned prefers a copy in /etc. */
function remedyFor(system: System, section: TunedSection, key: string, undo: string): string {
  const { root, writers } = system.paths
  const path = section.said.get(key)?.path ?? section.where
  const shown = path.slice(root.length)
  const profile = path.split('/').at(-2) as string
  const isOwn = path.startsWith(`${root}/etc/`)
  const copy = `${(writers.tunedProfileDirs[1] as string).slice(root.length)}/${profile}`
  const first = isOwn
    ? `change ${shown} to be ${undo}`
    : `cp -r ${shown.replace(/\/[^/]*$/, '')} ${copy}, change the copy to be ${undo}`
  return `${first}, then run systemctl restart tuned; or set on-conflict = "yield" for this NIC`
}

function unresolvedIn(text: string): string {
  const open = [...text.matchAll(/\$\{[^{}]*\}/g)].map(([all]) => all)
  return open.length === 0 ? '' : ` (unresolved: ${[...new Set(open)].join(', ')})`
}

const MAX_EXPANSIONS = 20

/** Variables of the profile; functions, `${f:...}`, are tuned's own and stay as they are. */
function expand(text: string, variables: ReadonlyMap<string, string>): string {
  let now = text
  for (let round = 0; round < MAX_EXPANSIONS; round++) {
    const next = now.replace(/\$\{(\w+)\}/g, (all, name: string) => variables.get(name) ?? all)
    if (next === now || next.length > 4096) break
    now = next
  }
  return now
}

/** [variables] of all profiles, and of the files that they include. */
function variablesOf(system: System, profiles: readonly string[]): ReadonlyMap<string, string> {
  const variables = new Map<string, string>()
  const add = (text: string, isFile: boolean, depth: number): void => {
    for (const { section, key, value } of iniLines(text)) {
      if (!isFile && section !== 'variables') continue
      if (key === 'include' && depth < 4)
        add(readableText(system, `${system.paths.root}${value}`) ?? '', true, depth + 1)
      else variables.set(key, value)
    }
  }
  for (const file of profileFiles(system, profiles)) add(file.text, false, 0)
  return variables
}

/** Whether the devices of a section include the NIC; see tuned's plugin base: devices= are globs, ! excludes. */
function meansNic({ options }: TunedSection, nic: WriterTarget): Match {
  const regex = options.get('devices_udev_regex')
  if (regex !== undefined) return meansByProperties(regex, nic)
  const devices = (options.get('devices') ?? '*').split(/[,;\s]+/).filter(Boolean)
  if (devices.some((device) => device.includes('${'))) return 'maybe'
  const excluded = devices.filter((device) => device.startsWith('!')).map((device) => device.slice(1))
  const included = devices.filter((device) => !device.startsWith('!'))
  if (excluded.some((glob) => globMatches(glob, nic.name))) return 'no'
  return included.length === 0 || included.some((glob) => globMatches(glob, nic.name)) ? 'yes' : 'no'
}

/** tuned searches the text of all udev properties, of which we know some. */
function meansByProperties(pattern: string, nic: WriterTarget): Match {
  try {
    const regex = new RegExp(pattern, 'm')
    if (regex.test(`ID_NET_DRIVER=virtio_net\nINTERFACE=${nic.name}\nID_BUS=${nic.bus}`)) return 'yes'
  } catch {
    return 'maybe'
  }
  return /ID_NET_DRIVER|INTERFACE/.test(pattern) ? 'no' : 'maybe'
}

/** Sections of several profiles, later ones over earlier ones, as tuned merges them. */
export function activeSections(system: System, profiles: readonly string[]): readonly TunedSection[] {
  const merged = new Map<string, TunedSection>()
  for (const profile of profiles) addProfile(system, profile, merged, new Set())
  return [...merged.values()]
}

function addProfile(
  system: System,
  profile: string,
  merged: Map<string, TunedSection>,
  seen: Set<string>,
): void {
  // An include that cannot be named without tuned's variables, or that includes itself, is left out.
  if (seen.has(profile) || !/^[\w.@+-]+$/.test(profile) || profile.startsWith('.')) return
  seen.add(profile)
  const file = profileFile(system, profile)
  if (file === undefined) return
  for (const included of includedProfiles(file.sections)) addProfile(system, included, merged, seen)
  for (const [name, pairs] of file.sections) {
    if (name === 'main' || name === 'variables') continue
    const own = new Map(pairs)
    const before = own.get('replace') === '1' ? undefined : merged.get(name)
    const keepsWhere = before !== undefined && !own.has('channels') && before.options.has('channels')
    const options = new Map([...(before?.options ?? []), ...own])
    const said = new Map<string, Said>([...(before?.said ?? []), ...file.said(name)])
    merged.set(name, { name, options, where: keepsWhere ? before.where : file.path, said })
  }
}

interface ProfileFile {
  readonly path: string
  readonly text: string
  readonly sections: IniSections
  readonly said: (section: string) => readonly (readonly [string, Said])[]
}

function profileFile(system: System, profile: string): ProfileFile | undefined {
  for (const directory of system.paths.writers.tunedProfileDirs) {
    const path = `${directory}/${profile}/tuned.conf`
    const text = readableText(system, path)
    if (text === undefined) continue
    const said = (name: string) =>
      iniLines(text)
        .filter(({ section }) => section === name)
        .map(({ key, line, value }) => [key, { path, line, value }] as const)
    return { path, text, sections: parseIni(text), said }
  }
  return undefined
}

/** The files of these profiles and of all that they include, included ones first. */
function profileFiles(system: System, profiles: readonly string[]): readonly ProfileFile[] {
  const found: ProfileFile[] = []
  const seen = new Set<string>()
  const add = (profile: string): void => {
    if (seen.has(profile) || !/^[\w.@+-]+$/.test(profile) || profile.startsWith('.')) return
    seen.add(profile)
    const file = profileFile(system, profile)
    if (file === undefined) return
    for (const included of includedProfiles(file.sections)) add(included)
    found.push(file)
  }
  for (const profile of profiles) add(profile)
  return found
}

/** `include=a b` and `include=a,-${x}`: the names before a variable are known. */
function includedProfiles(sections: IniSections): readonly string[] {
  const value = sections.get('main')?.findLast(([key]) => key === 'include')?.[1] ?? ''
  return value
    .split(/[,;\s]+/)
    .map((name) => name.replace(/^-/, ''))
    .filter(Boolean)
}

export const tuned: KnownWriter = {
  name: 'tuned',
  title: 'tuned (`[net] channels`, `[irq]`, `isolated_cores`, scripts)',
  actsByItself: true,
  find,
}
