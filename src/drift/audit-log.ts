/**
 * ethtool commands in the log of auditd: root's own evidence. With a rule for ethtool each run is there; without one those by
 * sudo are, which records its commands itself.
 */
import type { TunableName } from '../model'
import { readNewestLines } from '../system/line-log'
import { ownershipProblem } from '../system/ownership'
import type { System } from '../system/system'
import { parseWholeNumber } from '../text/numbers'
import { commandOf, setsChannels } from './process-scan'

export interface AuditedCommand {
  readonly args: readonly string[]
  /** undefined: as sudo records it. */
  readonly pid: number | undefined
  readonly parentPid: number | undefined
  /** The user who logged in. */
  readonly loginUid: number | undefined
  readonly terminal: string | undefined
  /** Milliseconds since the epoch. */
  readonly at: number
}

/** A minute of a busy audit log. */
const NEWEST_BYTES = 512 * 1024
const NO_LOGIN = 4_294_967_295

/** ethtool commands later than `since`, oldest first; empty without auditd, or for a log that others may write. */
export function readAuditedCommands(
  system: System,
  ownPid: number,
  since: number,
): readonly AuditedCommand[] {
  const path = system.paths.writers.audit.log
  try {
    if (!system.exists(path) || ownershipProblem(system, path) !== undefined) return []
    return parseAuditLog(readNewestLines(path, NEWEST_BYTES)).filter(
      ({ at, parentPid, pid }) => at >= since && parentPid !== ownPid && pid !== ownPid,
    )
  } catch {
    return []
  }
}

/** Pure. */
export function parseAuditLog(text: string): readonly AuditedCommand[] {
  const events = new Map<string, string[]>()
  for (const line of text.split('\n')) {
    const serial = /msg=audit\((\d+\.\d+:\d+)\)/.exec(line)?.[1]
    if (serial !== undefined && /^(?:node=\S+ )?type=(?:SYSCALL|EXECVE|USER_CMD) /.test(line))
      events.set(serial, [...(events.get(serial) ?? []), line])
  }
  return [...events].flatMap(([serial, lines]): AuditedCommand[] => {
    const at = Number(serial.split(':')[0]) * 1000
    const line = (type: string) => lines.find((one) => one.includes(`type=${type} `))
    const [call, execve, sudo] = [line('SYSCALL'), line('EXECVE'), line('USER_CMD')]
    const args = execve !== undefined ? argumentsOf(execve) : commandWords(sudo)
    const said = call ?? sudo
    if (said === undefined || !isEthtool(args[0])) return []
    // Only root can set channels; what failed set none.
    if (call !== undefined && (field(call, 'uid') !== '0' || field(call, 'success') !== 'yes')) return []
    if (call === undefined && !/\bres=success\b/.test(said)) return []
    const terminal = field(said, 'tty') ?? field(said, 'terminal')
    return [
      {
        args,
        pid: call === undefined ? undefined : parseWholeNumber(field(call, 'pid')),
        parentPid: call === undefined ? undefined : parseWholeNumber(field(call, 'ppid')),
        loginUid: loginOf(field(said, 'auid')),
        terminal: terminal === '(none)' || terminal === '?' ? undefined : terminal,
        at,
      },
    ]
  })
}

function loginOf(text: string | undefined): number | undefined {
  const uid = parseWholeNumber(text)
  return uid === NO_LOGIN ? undefined : uid
}

function isEthtool(program: string | undefined): boolean {
  return /(?:^|\/)ethtool$/.test(program ?? '')
}

function field(line: string, key: string): string | undefined {
  const found = new RegExp(`(?:^|[\\s'])${key}=(?:"([^"]*)"|([^\\s']*))`).exec(line)
  return found?.[1] ?? found?.[2]
}

/** a0="ethtool" a1="-L"; with odd characters in hexadecimal, without quotes. */
function argumentsOf(line: string): readonly string[] {
  return [...line.matchAll(/\sa\d+=(?:"([^"]*)"|([0-9A-Fa-f]*))/g)].map(
    ([, plain, hex]) => plain ?? fromHex(hex as string),
  )
}

function commandWords(line: string | undefined): readonly string[] {
  const found = line === undefined ? null : /\bcmd=(?:"([^"]*)"|([0-9A-Fa-f]+))/.exec(line)
  const text = found?.[1] ?? (found?.[2] === undefined ? '' : fromHex(found[2]))
  return text.split(/\s+/).filter(Boolean)
}

function fromHex(hex: string): string {
  return Buffer.from(hex, 'hex').toString()
}

/** The last command that can have written this. @param pid as the kernel noted it, if it did. Pure. */
export function auditedWriter(
  commands: readonly AuditedCommand[],
  tunable: TunableName,
  drift: { readonly nic: string | undefined; readonly new: string },
  pid: number | undefined,
): { readonly name: string; readonly evidence: string } | undefined {
  if (tunable !== 'channels') return undefined
  const last = commands.findLast(
    (command) =>
      setsChannels(command.args, drift) &&
      (pid === undefined || command.pid === undefined || command.pid === pid),
  )
  if (last === undefined) return undefined
  const more = [
    ...(last.pid === undefined ? ['by sudo'] : [`pid ${last.pid}`]),
    ...(last.loginUid === undefined ? [] : [`login uid ${last.loginUid}`]),
    ...(last.terminal === undefined ? [] : [`terminal ${last.terminal}`]),
  ]
  return {
    name: 'ethtool',
    evidence: `${commandOf({ name: 'ethtool', args: last.args })} (${more.join(', ')}) is in the audit log`,
  }
}
