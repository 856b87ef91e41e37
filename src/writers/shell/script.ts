/** What a script writes to the settings of one NIC, with file and line. Pure, but for the scripts that it calls. */
import { SETTING_FLAGS } from '../../kernel/ethtool'
import type { TunableName } from '../../model'
import { escapeToOneLine } from '../../text/escape'
import type { Match, WriterTarget } from '../writer'
import { type Helper, helperOf } from './helpers'
import { isUnresolved, meansNic, nicOfSysfsPath } from './nic-names'
import { type Bindings, type Command, commandsOf, UNRESOLVED, type Value } from './run'

/** A place in a file that writes a setting. */
export interface ScriptWrite {
  readonly path: string
  readonly line: number
  readonly tunable: TunableName
  /** One clause: `runs ethtool -L eth0 combined 2`. */
  readonly what: string
  readonly matches: Exclude<Match, 'no'>
  /** Channels that it sets: a number, `max`, `vcpus`; absent if unresolved, or not of channels. */
  readonly value?: string
}

export interface Script {
  readonly path: string
  readonly text: string
  /** Line of the file at which the text begins, from 1. */
  readonly line?: number
  readonly bindings?: Bindings
  /** One command, without a shell. */
  readonly isPlain?: boolean
}

/** The text of a script that another one calls; undefined if it cannot be read or is none. */
export type OpenScript = (path: string) => string | undefined

const MAX_CALLS = 4
/** They start the program in their arguments. */
const WRAPPERS = new Set(
  'sudo env nice ionice timeout nohup exec command setsid chrt taskset numactl ip nsenter xargs stdbuf systemd-run flock runuser su busybox doas'.split(
    ' ',
  ),
)
const SHELLS = new Set(['sh', 'bash', 'dash', 'ksh', 'ash', 'zsh'])
const INTERPRETERS = /^(?:python[\d.]*|platform-python|perl)$/

export function scriptWrites(
  script: Script,
  nic: WriterTarget,
  open: OpenScript = () => undefined,
): readonly ScriptWrite[] {
  return new Reader(nic, open).read(script, 0)
}

class Reader {
  private readonly seen = new Set<string>()

  constructor(
    private readonly nic: WriterTarget,
    private readonly open: OpenScript,
  ) {}

  read(script: Script, depth: number): readonly ScriptWrite[] {
    const { text, bindings = new Map<string, readonly string[]>() } = script
    const first = (script.line ?? 1) - 1
    if (script.isPlain !== true && isOtherLanguage(text)) return this.loosely(script)
    return commandsOf(text, bindings, script.isPlain).flatMap((command) =>
      this.command({ ...command, line: command.line + first }, script, depth),
    )
  }

  private command(command: Command, script: Script, depth: number): readonly ScriptWrite[] {
    const found = [...command.writesTo.flatMap((target) => this.file(command, target, script.path))]
    const start = this.programAt(command.argv)
    const argv = command.argv.slice(start)
    const [program, ...args] = argv
    if (program === undefined) return found
    const name = baseName(program)
    if (name === 'ethtool' || (isUnresolved(program) && /ethtool/i.test(program.shown)))
      return [...found, ...this.ethtool(command, args, script.path)]
    if (name === 'tee' || name === 'cp' || name === 'install') {
      // cp and install write their last operand only.
      const written = name === 'tee' ? args : args.slice(-1)
      return [...found, ...written.flatMap((arg) => this.file(command, arg, script.path))]
    }
    if (name === 'dd')
      return [
        ...found,
        ...args
          .filter(({ shown }) => shown.startsWith('of='))
          .flatMap((arg) => this.file(command, strip(arg, 'of='), script.path)),
      ]
    if (name === 'sysctl') return [...found, ...this.sysctl(command, args, script.path)]
    return [...found, ...this.call(command, argv, script, depth)]
  }

  /** Behind sudo, nice, ip netns exec and the like. */
  private programAt(argv: readonly Value[]): number {
    let at = 0
    while (at < argv.length && WRAPPERS.has(baseName(argv[at] as Value))) {
      const from = at + 1
      const known = argv.findIndex((value, index) => index >= from && isKnown(value))
      const next =
        known === -1
          ? argv.findIndex(({ texts }, index) => index >= from && (texts[0] ?? '').startsWith('/'))
          : known
      if (next === -1) return at
      at = next
    }
    return at
  }

  private ethtool(command: Command, args: readonly Value[], path: string): readonly ScriptWrite[] {
    return (['channels', 'rings'] as const).flatMap((tunable) =>
      this.ethtoolSet(command, args, path, tunable),
    )
  }

  private ethtoolSet(
    command: Command,
    args: readonly Value[],
    path: string,
    tunable: keyof typeof SETTING_FLAGS,
  ): readonly ScriptWrite[] {
    const flags: readonly string[] = SETTING_FLAGS[tunable]
    const at = args.findIndex(({ texts }) => texts.some((text) => flags.includes(text)))
    const device = args[at + 1]
    if (at === -1 || device === undefined) return []
    const matches = meansNic(device.texts, this.nic)
    if (matches === 'no') return []
    const pairs = args.slice(at + 2)
    // Debian's ethtool has a script that sets what interfaces(5) says, in every guest: nothing, as a rule.
    if (tunable === 'rings' && pairs.every(isUnresolved)) return []
    const value = tunable === 'channels' ? channelsOf(pairs) : undefined
    const shown = escapeToOneLine(['ethtool', ...args.map((arg) => arg.shown)].join(' '))
    const unresolved = [
      ...new Set(args.filter((arg) => arg.shown.includes('$') || isUnresolved(arg)).map((arg) => arg.shown)),
    ].filter((text) => text.includes('$') || text.includes('{}'))
    const open =
      unresolved.length === 0 || (matches === 'yes' && value !== undefined)
        ? ''
        : ` (unresolved: ${escapeToOneLine(unresolved.join(', '))})`
    return [
      {
        path,
        line: command.line,
        tunable,
        what: `runs ${shown}${open}`,
        matches,
        ...(value === undefined ? {} : { value }),
      },
    ]
  }

  /** A file of procfs or sysfs that is written to. */
  private file(command: Command, target: Value, path: string): readonly ScriptWrite[] {
    const kinds = {
      smp_affinity: 'irq-affinity',
      smp_affinity_list: 'irq-affinity',
      xps_cpus: 'xps',
      xps_rxqs: 'xps',
      rps_cpus: 'rps',
      rps_flow_cnt: 'rfs',
      threaded: 'threaded-napi',
    } as const
    const verdicts = target.texts.map((text) => {
      const file = text.slice(text.lastIndexOf('/') + 1) as keyof typeof kinds
      const tunable = kinds[file]
      // A plain word: only below an interface, as far as can be told.
      const isOther = file === 'threaded' && !text.includes(UNRESOLVED) && nicOfSysfsPath(text) === undefined
      return tunable === undefined || isOther ? undefined : { tunable, file, matches: this.fileMeans(text) }
    })
    const hit =
      verdicts.find((one) => one?.matches === 'yes') ?? verdicts.find((one) => one?.matches === 'maybe')
    if (hit === undefined || hit.matches === 'no') return []
    const open = target.shown.includes('$') ? ` (${escapeToOneLine(target.shown)})` : ''
    return [
      {
        path,
        line: command.line,
        tunable: hit.tunable,
        what: `writes ${hit.file}${open}`,
        matches: hit.matches,
      },
    ]
  }

  private fileMeans(text: string): Match {
    const name = nicOfSysfsPath(text)
    if (name !== undefined) return meansNic([name], this.nic)
    const irq = /\/irq\/([^/]+)\//.exec(text)?.[1]
    if (irq === undefined || irq.includes(UNRESOLVED)) return 'maybe'
    if (!/^\d+$/.test(irq)) return 'yes'
    const own = this.nic.queues.flatMap((queue) => [queue.rxIrq?.irq, queue.txIrq?.irq])
    return own.includes(Number(irq)) ? 'yes' : 'no'
  }

  private sysctl(command: Command, args: readonly Value[], path: string): readonly ScriptWrite[] {
    const sets = args.find(({ texts }) => texts.some((text) => /net[./]core[./]rps_default_mask=/.test(text)))
    if (sets === undefined) return []
    return [
      {
        path,
        line: command.line,
        tunable: 'rps',
        what: `sets ${escapeToOneLine(sets.shown)} for new NICs`,
        matches: 'maybe',
      },
    ]
  }

  private call(
    command: Command,
    argv: readonly Value[],
    script: Script,
    depth: number,
  ): readonly ScriptWrite[] {
    const [program, ...args] = argv as [Value, ...Value[]]
    const name = baseName(program)
    if (SHELLS.has(name)) {
      const at = args.findIndex(({ texts }) => /^-\w*c$/.test(texts[0] ?? ''))
      const text = at === -1 ? undefined : args[at + 1]
      if (text !== undefined) return this.inline(command, text, args.slice(at + 2), script, depth)
    }
    const isRunner = SHELLS.has(name) || INTERPRETERS.test(name) || name === '.' || name === 'source'
    const at = isRunner
      ? argv.findIndex(({ texts }, index) => index > 0 && !(texts[0] ?? '').startsWith('-'))
      : 0
    const file = argv[at]
    if (file === undefined) return []
    const rest = argv.slice(at + 1)
    const called = file.texts[0] as string
    const inner = this.called(called, rest, script, depth)
    if (inner.length > 0) return inner
    const helper = helperOf(called)
    return helper === undefined ? [] : this.helper(command, helper, file, rest, script.path)
  }

  private inline(
    command: Command,
    text: Value,
    args: readonly Value[],
    script: Script,
    depth: number,
  ): readonly ScriptWrite[] {
    if (depth >= MAX_CALLS) return []
    const bindings = new Map(script.bindings ?? [])
    for (const [index, arg] of args.entries()) bindings.set(String(index), arg.texts)
    return text.texts.flatMap((one) =>
      this.read(
        { path: script.path, text: one.replaceAll(UNRESOLVED, '$UNRESOLVED'), bindings },
        depth + 1,
      ).map((write) => ({ ...write, line: command.line + write.line - 1 })),
    )
  }

  private called(
    path: string,
    args: readonly Value[],
    script: Script,
    depth: number,
  ): readonly ScriptWrite[] {
    const key = `${path} ${args.map(({ texts }) => texts.join()).join(' ')}`
    if (depth >= MAX_CALLS || !path.startsWith('/') || this.seen.has(key)) return []
    this.seen.add(key)
    const text = this.open(path)
    if (text === undefined) return []
    const bindings = new Map([...(script.bindings ?? [])].filter(([name]) => !/^[\d@*]/.test(name)))
    for (const [index, arg] of args.entries()) bindings.set(String(index + 1), arg.texts)
    bindings.set(
      '@',
      args.flatMap(({ texts }) => texts),
    )
    return this.read({ path, text, bindings }, depth + 1)
  }

  private helper(
    command: Command,
    helper: Helper,
    file: Value,
    args: readonly Value[],
    path: string,
  ): readonly ScriptWrite[] {
    const names = args.filter(({ texts }) =>
      texts.some(
        (text) =>
          !text.startsWith('-') &&
          !/^[\d,-]+$/.test(text) &&
          !/^(?:all|local|remote|one|custom|start|stop|restart)$/.test(text),
      ),
    )
    const matches =
      !helper.takesNames || names.length === 0
        ? 'maybe'
        : meansNic(
            names.flatMap(({ texts }) => texts),
            this.nic,
          )
    if (matches === 'no') return []
    const shown = escapeToOneLine([file.shown, ...args.map((arg) => arg.shown)].join(' '))
    return helper.writes.map((tunable) => ({
      path,
      line: command.line,
      tunable,
      what: `runs ${shown}`,
      matches,
    }))
  }

  /** Python, Perl: no values are known, and what is found is a possibility. */
  private loosely({ path, text, line = 1 }: Script): readonly ScriptWrite[] {
    const found: ScriptWrite[] = []
    for (const [index, raw] of text.split('\n').entries()) {
      const code = raw.replace(/(^|\s)#.*$/, '')
      const at = { path, line: line + index, matches: 'maybe' } as const
      if (/ethtool/.test(code) && /(?<![\w-])(?:-L|--set-channels)(?![\w-])/.test(code)) {
        if (otherNicOnly(code, this.nic)) continue
        found.push({
          ...at,
          tunable: 'channels',
          what: 'runs ethtool -L (unresolved: it is no shell script)',
        })
      }
      for (const [file, tunable] of [
        ['smp_affinity', 'irq-affinity'],
        ['xps_cpus', 'xps'],
        ['rps_cpus', 'rps'],
        ['rps_flow_cnt', 'rfs'],
      ] as const)
        if (code.includes(file) && !code.includes('default_smp_affinity'))
          found.push({ ...at, tunable, what: `names ${file} (unresolved: it is no shell script)` })
    }
    // Once for each setting: a program of a thousand lines is one writer.
    return found.filter((one, index) => found.findIndex(({ tunable }) => tunable === one.tunable) === index)
  }
}

/** A literal argument after -L that is another NIC's name. */
function otherNicOnly(code: string, nic: WriterTarget): boolean {
  const device = /(?:-L|--set-channels)["']?[\s,]+["']?([\w.@-]+)["'\s]/.exec(code)?.[1]
  return (
    device !== undefined &&
    /^(?:eth|en|ens|enp)\w*\d/.test(device) &&
    ![nic.name, ...nic.altnames].includes(device)
  )
}

function isOtherLanguage(text: string): boolean {
  const shebang = /^#!\s*(\S+)(?:\s+(\S+))?/.exec(text)
  if (shebang === null) return false
  const program = shebang[1]?.endsWith('/env') === true ? shebang[2] : shebang[1]
  const name = (program ?? '').slice((program ?? '').lastIndexOf('/') + 1)
  return !SHELLS.has(name)
}

function baseName({ texts }: Value): string {
  const text = texts[0] ?? ''
  return text.slice(text.lastIndexOf('/') + 1)
}

function isKnown(value: Value): boolean {
  const name = baseName(value)
  return ['ethtool', 'tee', 'dd', 'sysctl'].includes(name) || SHELLS.has(name) || helperOf(name) !== undefined
}

function strip(value: Value, prefix: string): Value {
  return {
    texts: value.texts.map((text) => text.slice(prefix.length)),
    shown: value.shown.slice(prefix.length),
  }
}

/** `combined 4`; rx and tx where virtio_net takes none are shown, not valued. */
function channelsOf(pairs: readonly Value[]): string | undefined {
  const at = pairs.findIndex(({ texts }) => texts[0] === 'combined')
  const value = at === -1 ? undefined : pairs[at + 1]
  if (value === undefined) return undefined
  const [text] = value.texts
  if (value.texts.length === 1 && text !== undefined && /^\d{1,5}$/.test(text)) return text
  return /nproc|cpuinfo|_NPROCESSORS_/.test(value.shown) && value.texts.length === 1 && text === UNRESOLVED
    ? 'vcpus'
    : undefined
}
