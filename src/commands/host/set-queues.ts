/** `vqtune host set-queues DOMAIN N|vcpus`: edits the stored XML of a guest. A dry run with a diff unless --apply. */

import { EXIT, VqtuneError } from '../../errors'
import { hidePasswords, unifiedDiff } from '../../hypervisor/change/diff'
import { changeDomain } from '../../hypervisor/change/domain-change'
import { type Domain, offeredQueues, parseDomain } from '../../hypervisor/libvirt/domain'
import { setInterfaceQueues } from '../../hypervisor/libvirt/driver-edit'
import { parseQueueRequest, queuesProblem, resolveQueues } from '../../hypervisor/libvirt/queue-request'
import type { Virsh } from '../../hypervisor/libvirt/virsh'
import type { DomainRef } from '../../hypervisor/libvirt/virsh-output'
import { estimateFds, MIN_MAX_FILES } from '../../hypervisor/qemu/fd-estimate'
import { shellQuote } from '../../text/escape'
import type { CommandContext } from '../command'
import { virshOf } from './connection'

export async function run(context: CommandContext): Promise<number> {
  const [name = '', count = ''] = context.positionals
  const request = parseQueueRequest(count)
  const mac = typeof context.options.nic === 'string' ? context.options.nic : undefined
  const virsh = virshOf(context)
  const ref = await virsh.domain(name)
  const info = await virsh.info(ref)
  if (info.get('Persistent') === 'no') {
    throw new VqtuneError('unsupported', `${ref.name}: transient: no stored configuration to change`)
  }
  const apply = context.options.apply === true
  // The dry run stays on the read-only connection; only the real edit needs the passwords in the XML.
  const before = apply ? await virsh.inactiveXmlForEdit(ref) : await virsh.inactiveXml(ref)
  const domain = parseDomain(before, `${ref.name}: virsh dumpxml --inactive`)
  const targets = resolveQueues(domain, request, mac)
  const { nics, queues, notes } = targets
  for (const note of notes) context.out(`${note}\n`)
  const stale = nics.filter((nic) => offeredQueues(nic) !== queues)
  if (stale.length === 0) {
    context.out(
      `${ref.name}: already configured: ${queues} queues for ${nics.map((nic) => nic.mac).join(', ')}\n`,
    )
    context.out(await remaining(virsh, ref, info, domain))
    return EXIT.converged
  }
  const after = setInterfaceQueues(
    before,
    stale.map((nic) => nic.mac),
    queues,
  )
  const planned = parseDomain(after, `${ref.name}: the new XML`)
  const problem = queuesProblem(planned, targets)
  if (problem !== undefined)
    throw new VqtuneError(
      'tool-failed',
      `${ref.name}: the new XML is not as intended: ${problem}; nothing was changed`,
    )
  context.out(hidePasswords(unifiedDiff(`${ref.name}.xml`, before, after)))
  context.out(openFilesNote(planned))
  if (!apply) {
    context.out('dry run: nothing was changed; --apply defines it\n')
    return EXIT.converged
  }
  const backup = await changeDomain(context.system, virsh, {
    action: 'set-queues',
    domain: ref,
    before,
    after,
    verify: (xml) => queuesProblem(parseDomain(xml, `${ref.name}: virsh dumpxml --inactive`), targets),
  })
  context.out(`${ref.name}: defined; to undo: vqtune host undo ${backup.id} --apply\n`)
  context.out(await remaining(virsh, ref, info, planned))
  return EXIT.converged
}

/** What the administrator has left to do. */
async function remaining(
  virsh: Virsh,
  ref: DomainRef,
  info: ReadonlyMap<string, string>,
  configured: Domain,
): Promise<string> {
  const lines: string[] = []
  if (info.get('State') !== 'shut off') {
    const live = parseDomain(await virsh.liveXml(ref), `${ref.name}: virsh dumpxml`)
    const waits = configured.interfaces.some((nic) => {
      const running = live.interfaces.find((candidate) => candidate.mac === nic.mac)
      return running !== undefined && offeredQueues(running) !== offeredQueues(nic)
    })
    if (waits) {
      lines.push(
        `${ref.name} keeps running with the old queues until it is powered off and started again (a reboot is not enough):`,
        `  virsh shutdown ${shellQuote(ref.name)}; virsh start ${shellQuote(ref.name)}`,
      )
    }
  }
  if (info.get('Managed save') === 'yes') {
    lines.push(
      `${ref.name} has a managed save image and will start from it with the old queues; to discard it: virsh managedsave-remove ${shellQuote(ref.name)}`,
    )
  }
  return lines.length === 0 ? '' : `${lines.join('\n')}\n`
}

function openFilesNote(planned: Domain): string {
  const needed = estimateFds(planned)
  if (needed < MIN_MAX_FILES / 2) return ''
  return `QEMU will need up to ${needed} open files: see vqtune host check ${shellQuote(planned.name)} and vqtune host max-files\n`
}
