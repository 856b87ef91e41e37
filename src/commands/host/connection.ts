/** The libvirt that --connect names. */
import { VqtuneError } from '../../errors'
import { DEFAULT_URI, Virsh } from '../../hypervisor/libvirt/virsh'
import type { CommandContext } from '../command'

export function virshOf(context: CommandContext): Virsh {
  const uri = context.options.connect
  if (uri === undefined) return new Virsh(context.system, DEFAULT_URI)
  // Anything else would reach virsh as an option of its own.
  if (typeof uri !== 'string' || !/^[a-z][a-z0-9+.-]*:\/\/\S*$/i.test(uri)) {
    throw new VqtuneError('usage', `--connect ${String(uri)}: expected a libvirt URI such as ${DEFAULT_URI}`)
  }
  return new Virsh(context.system, uri)
}
