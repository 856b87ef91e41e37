/** `vqtune host max-files [N]`: the open-files limit of new guests, in qemu.conf. A dry run with a diff unless --apply. */
import { EXIT, VqtuneError } from '../../errors'
import { unifiedDiff } from '../../hypervisor/change/diff'
import { changeFile } from '../../hypervisor/change/file-change'
import { readConfigFile } from '../../hypervisor/change/safe-file'
import { type LibvirtDaemon, readDaemon } from '../../hypervisor/libvirt/daemon'
import { parseDomain } from '../../hypervisor/libvirt/domain'
import { readNumber, withNumber } from '../../hypervisor/libvirt/qemu-conf'
import type { Virsh } from '../../hypervisor/libvirt/virsh'
import { estimateFds, MIN_MAX_FILES, suggestMaxFiles } from '../../hypervisor/qemu/fd-estimate'
import type { CommandContext } from '../command'
import { virshOf } from './connection'

/** Far above what 256 queues on each of several NICs need, and below the kernel's default fs.nr_open. */
const MAX_MAX_FILES = 1_048_576

export async function run(context: CommandContext): Promise<number> {
  const { system, positionals, out } = context
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
  const value = asked ?? (await fromEstimates(virshOf(context), out))
  // A higher limit was set on purpose; only a number on the command line lowers it.
  if (current === value || (asked === undefined && current > value)) {
    out(`${file}: max_files = ${current} already\n`)
    return EXIT.converged
  }
  const after = withNumber(before ?? '', 'max_files', value, file)
  if (readNumber(after, 'max_files', file) !== value) {
    throw new VqtuneError(
      'config',
      `${file}: max_files cannot be set to ${value} without damaging the file; nothing was changed`,
    )
  }
  out(unifiedDiff(file, before, after))
  if (context.options.apply !== true) {
    out('dry run: nothing was changed; --apply writes it\n')
    return EXIT.converged
  }
  const backup = changeFile(system, { action: 'max-files', path: file, before, after, mode: 0o600 })
  out(`${file}: max_files = ${value}; to undo: vqtune host undo ${backup.id} --apply\n`)
  out(restartAdvice(readDaemon(system)))
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

/** The largest need of any configured guest. Printed, because the number ends up in a file. */
async function fromEstimates(virsh: Virsh, out: (text: string) => void): Promise<number> {
  let largest = { name: '', needed: 0 }
  for (const ref of await virsh.domains()) {
    const domain = parseDomain(await virsh.inactiveXml(ref), `${ref.name}: virsh dumpxml --inactive`)
    const needed = estimateFds(domain)
    if (needed > largest.needed) largest = { name: ref.name, needed }
  }
  const value = suggestMaxFiles([largest.needed])
  const why =
    largest.needed === 0
      ? 'no guest is configured'
      : `${largest.name} needs the most: up to ${largest.needed} files`
  out(`${why}; max_files = ${value} leaves room\n`)
  return value
}

/** The daemon is never restarted here: when to do that is the administrator's decision. */
export function restartAdvice(daemon: LibvirtDaemon | undefined): string {
  const what =
    daemon === undefined
      ? 'neither virtqemud nor libvirtd is running: takes effect when one starts'
      : daemon.pid === undefined
        ? `${daemon.unit} is idle: takes effect when it starts again`
        : `to activate: systemctl restart ${daemon.unit} (guests keep running)`
  return `${what}\nrunning guests keep their old limit until they are powered off and started again\n`
}

function parent(path: string): string {
  return path.slice(0, path.lastIndexOf('/'))
}
