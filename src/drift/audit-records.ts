/**
 * Records of auditd about runs of ethtool. One event has several, with the same time and serial number: SYSCALL says who and
 * which program, EXECVE the arguments. sudo writes USER_CMD by itself. Pure.
 *
 * Odd text is in hexadecimal without quotes, a long argument in pieces (`a3_len=9000 a3[0]=... a3[1]=...`), many arguments in
 * several EXECVE records. With `log_format = ENRICHED`, RHEL's default, names follow a group separator: `AUID="alice"`.
 */
import { parseWholeNumber } from '../text/numbers'

export interface AuditedCommand {
  readonly args: readonly string[]
  /** undefined: as sudo records it. */
  readonly pid: number | undefined
  readonly parentPid: number | undefined
  /** The user who logged in, whoever it became by sudo or su; undefined if no login led to it. */
  readonly loginUid: number | undefined
  /** That user's name, where auditd writes names. */
  readonly user: string | undefined
  readonly terminal: string | undefined
  /** Milliseconds since the epoch. */
  readonly at: number
}

const NO_LOGIN = 4_294_967_295

/** Runs of ethtool by root that succeeded, oldest first. */
export function parseAuditRecords(text: string): readonly AuditedCommand[] {
  const events = new Map<string, string[]>()
  for (const line of text.split('\n')) {
    const [, serial] =
      /^(?:node=\S+ )?type=(?:SYSCALL|EXECVE|USER_CMD) msg=audit\((\d+\.\d+:\d+)\)/.exec(line) ?? []
    if (serial !== undefined) events.set(serial, [...(events.get(serial) ?? []), line])
  }
  return [...events].flatMap(([serial, lines]) => commandIn(timeOf(serial), lines))
}

/** When the first event of the text was, milliseconds since the epoch; undefined for none. */
export function firstTime(text: string): number | undefined {
  const [, serial] = /\bmsg=audit\((\d+\.\d+):/.exec(text) ?? []
  return serial === undefined ? undefined : timeOf(serial)
}

function timeOf(serial: string): number {
  return Math.round(Number.parseFloat(serial) * 1000)
}

function commandIn(at: number, lines: readonly string[]): readonly AuditedCommand[] {
  const of = (type: string): readonly string[] => lines.filter((line) => line.includes(`type=${type} `))
  const [[call], [sudo]] = [of('SYSCALL'), of('USER_CMD')]
  if (call !== undefined) {
    // Only root can set channels, and what failed set none. The program is what ran, whatever it was called by.
    const isIt =
      isEthtool(field(call, 'exe')) && field(call, 'uid') === '0' && field(call, 'success') === 'yes'
    const args = argumentsIn(of('EXECVE').join(' '))
    if (!isIt || args.length === 0) return []
    const [pid, parentPid] = [field(call, 'pid'), field(call, 'ppid')].map(parseWholeNumber)
    return [{ args, pid, parentPid, ...whoIn(call), at }]
  }
  if (sudo === undefined || !/\bres=success\b/.test(sudo)) return []
  const args = (field(sudo, 'cmd') ?? '').split(/\s+/).filter(Boolean)
  return isEthtool(args[0]) ? [{ args, pid: undefined, parentPid: undefined, ...whoIn(sudo), at }] : []
}

function whoIn(line: string): Pick<AuditedCommand, 'loginUid' | 'user' | 'terminal'> {
  const uid = parseWholeNumber(field(line, 'auid'))
  const loginUid = uid === NO_LOGIN ? undefined : uid
  const terminal = field(line, 'tty') ?? field(line, 'terminal')
  return {
    loginUid,
    user: loginUid === undefined ? undefined : field(line, 'AUID'),
    terminal: terminal === '(none)' || terminal === '?' ? undefined : terminal,
  }
}

function isEthtool(program: string | undefined): boolean {
  return /(?:^|\/)ethtool$/.test(program ?? '')
}

/** Fields whose text may be in hexadecimal; those of numbers look the same. */
const TEXTS: ReadonlySet<string> = new Set(['cmd', 'exe'])

function field(line: string, key: string): string | undefined {
  const [, quoted, bare] =
    new RegExp(`(?:^|[\\s'\\x1d])${key}=(?:"([^"]*)"|([^\\s'\\x1d]*))`).exec(line) ?? []
  return quoted ?? (bare !== undefined && TEXTS.has(key) && isHex(bare) ? fromHex(bare) : bare)
}

/** In their order; those in pieces are put together. */
function argumentsIn(execve: string): readonly string[] {
  const args: string[] = []
  for (const [, index, quoted, hex = ''] of execve.matchAll(
    /\sa(\d+)(?:\[\d+\])?=(?:"([^"]*)"|([0-9A-F]*))/g,
  )) {
    const at = Number(index)
    args[at] = (args[at] ?? '') + (quoted ?? fromHex(hex))
  }
  // What a lost record had is missing.
  return Array.from(args, (arg) => arg ?? '')
}

function isHex(text: string): boolean {
  return /^(?:[0-9A-F]{2})+$/.test(text)
}

function fromHex(hex: string): string {
  return Buffer.from(hex, 'hex').toString()
}
