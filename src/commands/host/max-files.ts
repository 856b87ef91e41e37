/** `vqtune host max-files [N]`: the open-files limit of new guests, in qemu.conf. A dry run with a diff unless --apply. */
import { EXIT, VqtuneError } from '../../errors'
import { unifiedDiff } from '../../hypervisor/change/diff'
import { changeFile } from '../../hypervisor/change/file-change'
import { readConfigFile } from '../../hypervisor/change/safe-file'
import { type ObservedHypervisor, observeHypervisor } from '../../hypervisor/check/observe'
import { type LibvirtDaemon, readDaemon } from '../../hypervisor/libvirt/daemon'
import { readNumber, withNumber } from '../../hypervisor/libvirt/qemu-conf'
import type { Virsh } from '../../hypervisor/libvirt/virsh'
import { estimateFds, MIN_MAX_FILES, suggestMaxFiles, unknownFiles } from '../../hypervisor/qemu/fd-estimate'
import { plural } from '../../text/plural'
import type { CommandContext } from '../command'
import { type ChangeReport, reportChange } from './change-report'
import { virshOf } from './connection'

/** Far above what 256 queues on each of several NICs need, and below the kernel's default fs.nr_open. */
const MAX_MAX_FILES = 1_048_576

export async function run(context: CommandContext): Promise<number> {
  const { system, positionals } = context
  const file = system.paths.hypervisor.qemuConf
  const asked = positionals[0] === undefined ? undefined : parseCount(positionals[0])
  const before = readConfigFile(system, file)
  if (before === undefined && system.stat(parent(file))?.kind !== 'directory') {
    throw new VqtuneError(
      'unsupported',
      `${file}: its directory does not exist: libvirt is not installed here`,
    )
  }
  const current = readNumber(before ?? '', 'max_files', file)
  const wanted =
    asked === undefined
      ? suggest(await observeHypervisor(system, virshOf(context)), current)
      : { value: asked, why: await refuseBelowUse(context, virshOf(context), asked) }
  const { value, why } = wanted
  const report: ChangeReport = {
    verb: 'max-files',
    target: file,
    applied: false,
    diff: '',
    backup: undefined,
    notes: why,
    next: [],
  }
  // A higher limit was set on purpose; only a number on the command line lowers it.
  if (value === undefined || current === value || (asked === undefined && current > value)) {
    const already =
      current === 0
        ? `${file}: max_files is not set, and need not be`
        : `${file}: max_files = ${current} already`
    await reportChange(context, { ...report, next: [already] })
    return EXIT.converged
  }
  const after = withNumber(before ?? '', 'max_files', value, file)
  if (readNumber(after, 'max_files', file) !== value) {
    throw new VqtuneError(
      'config',
      `${file}: max_files cannot be set to ${value} without damaging the file; nothing was changed`,
    )
  }
  const diff = unifiedDiff(file, before, after)
  if (context.options.apply !== true) {
    await reportChange(context, {
      ...report,
      diff,
      next: ['dry run: nothing was changed; --apply writes it'],
    })
    return EXIT.converged
  }
  const backup = changeFile(system, { action: 'max-files', path: file, before, after, mode: 0o600 })
  await reportChange(context, {
    ...report,
    diff,
    applied: true,
    backup: backup.id,
    next: [
      `${file}: max_files = ${value}; to undo: vqtune host undo ${backup.id} --apply`,
      ...restartAdvice(await readDaemon(system)),
    ],
  })
  return EXIT.converged
}

function parseCount(text: string): number {
  const count = /^\d{1,7}$/.test(text) ? Number(text) : 0
  if (count >= MIN_MAX_FILES && count <= MAX_MAX_FILES) return count
  throw new VqtuneError(
    'usage',
    `host max-files: '${text}': expected a number from ${MIN_MAX_FILES} to ${MAX_MAX_FILES}`,
  )
}

interface Need {
  readonly name: string
  readonly files: number
}

function largest(needs: readonly Need[]): Need | undefined {
  return needs.reduce<Need | undefined>(
    (most, need) => (need.files > (most?.files ?? 0) ? need : most),
    undefined,
  )
}

/** What the largest guest may need, as configured and as it runs; undefined when what they get now is enough. */
function suggest(
  seen: ObservedHypervisor,
  current: number,
): { value: number | undefined; why: readonly string[] } {
  const needs = seen.domains.map(
    ({ name, live, inactive }): Need => ({
      name,
      files: Math.max(
        ...[live, inactive].flatMap((domain) => (domain === undefined ? [] : [estimateFds(domain)])),
      ),
    }),
  )
  const used = usedFiles(seen)
  const most = largest(needs)
  const busiest = largest(used)
  const value = suggestMaxFiles([most?.files ?? 0, busiest?.files ?? 0])
  const inherited = seen.daemon?.openFiles?.limit
  const enough = current === 0 && inherited !== undefined && inherited >= value
  const why = [
    most === undefined
      ? `no guest is configured; max_files = ${value} leaves room`
      : `${most.name} needs the most: up to ${most.files} files; max_files = ${value} leaves room`,
    ...(busiest === undefined
      ? []
      : [
          `the running guests have up to ${busiest.files} files open (${busiest.name}); ${runningLimits(seen)}`,
        ]),
    ...explainGuide(seen, current, most),
    ...unknownNotes(seen),
    ...seen.unanswered.map(({ name }) => `${name} is not among them: libvirt did not answer for it`),
    ...(enough
      ? [
          `guests inherit ${limitText(inherited)} from ${seen.daemon?.unit ?? 'the daemon'}: max_files = ${value} would lower it`,
        ]
      : []),
  ]
  return { value: enough ? undefined : value, why }
}

/** RHEL's guide names one number for every host; here is what it is worth on this one. */
function explainGuide(seen: ObservedHypervisor, current: number, most: Need | undefined): readonly string[] {
  const inherited = seen.daemon?.openFiles?.limit
  const now =
    current > 0
      ? `max_files = ${current} now`
      : inherited === undefined
        ? 'not set now: guests inherit the soft limit of the daemon, which is not to be seen'
        : `not set now: guests inherit the soft limit of ${seen.daemon?.unit ?? 'the daemon'}, ${limitText(inherited)}`
  const fits =
    most === undefined || most.files < MIN_MAX_FILES
      ? 'enough for every guest of this host'
      : `too few for ${most.name}`
  return [`RHEL's guide says ${MIN_MAX_FILES} for multi-queue guests: ${fits}; ${now}`]
}

function usedFiles(seen: ObservedHypervisor): readonly Need[] {
  return seen.domains.flatMap(({ name, process }) =>
    process?.openFiles?.used === undefined ? [] : [{ name, files: process.openFiles.used }],
  )
}

/** What the running QEMUs were given; it stays theirs whatever is written now. */
function runningLimits(seen: ObservedHypervisor): string {
  const limits = seen.domains.flatMap(({ process }) => process?.openFiles?.limit ?? [])
  const least = Math.min(...limits)
  const most = Math.max(...limits)
  return `their limit is ${least === most ? limitText(most) : `${limitText(least)} to ${limitText(most)}`} until they are powered off`
}

function limitText(limit: number): string {
  return Number.isFinite(limit) ? String(limit) : 'unlimited'
}

function unknownNotes(seen: ObservedHypervisor): readonly string[] {
  const guests = seen.domains.filter(({ live, inactive }) =>
    [live, inactive].some((domain) => domain !== undefined && unknownFiles(domain).length > 0),
  )
  return guests.length === 0
    ? []
    : [
        `not counted, because nothing tells how many: sockets of vhost-user and network disks (${plural(guests.length, 'guest')}: ${guests
          .slice(0, 3)
          .map(({ name }) => name)
          .join(', ')}${guests.length > 3 ? ' ...' : ''})`,
      ]
}

/** A number below what a guest has open now would end its next hot-plug, and its next start. */
async function refuseBelowUse(
  context: CommandContext,
  virsh: Virsh,
  asked: number,
): Promise<readonly string[]> {
  let seen: ObservedHypervisor
  try {
    seen = await observeHypervisor(context.system, virsh)
  } catch (error) {
    // The number is the administrator's own: without libvirt it is taken at its word.
    if (error instanceof VqtuneError && error.kind !== 'config') return []
    throw error
  }
  const busiest = largest(usedFiles(seen))
  if (busiest !== undefined && busiest.files >= asked) {
    throw new VqtuneError(
      'usage',
      `host max-files: ${asked} is below what ${busiest.name} has open now (${busiest.files} files); nothing was changed`,
    )
  }
  const short = seen.domains.filter(({ inactive }) => inactive !== undefined && estimateFds(inactive) > asked)
  return short.map(
    ({ name, inactive }) =>
      `${name} may need up to ${inactive === undefined ? 0 : estimateFds(inactive)} files: more than ${asked}`,
  )
}

/** The daemon is never restarted here: when to do that is the administrator's decision. */
export function restartAdvice(daemon: LibvirtDaemon | undefined): readonly string[] {
  const what =
    daemon === undefined
      ? 'neither virtqemud nor libvirtd is running: takes effect when one starts'
      : daemon.pid === undefined
        ? `${daemon.unit} is idle: takes effect when it starts again`
        : `to activate: systemctl restart ${daemon.unit} (guests keep running)`
  return [what, 'running guests keep their old limit until they are powered off and started again']
}

function parent(path: string): string {
  return path.slice(0, path.lastIndexOf('/'))
}
