/** How virtio_net selects the transmit queue. */
import type { System } from '../system/system'

/**
 * True for a driver with virtnet_select_queue(): it goes by CPU number and ignores xps_cpus, until "virtio-net: switch to use
 * XPS to choose txq" (Linux 3.13). RHEL 7 kept it: seen on 3.10.0-1062. By version, since it shows nowhere else: xps_cpus can
 * be written there like any other.
 */
export function selectsQueueByCpu(system: System): boolean {
  const release = /^(\d+)\.(\d+)/.exec(system.readText(system.paths.procKernelRelease) ?? '')
  if (release === null) return false
  const [major, minor] = [Number(release[1]), Number(release[2])]
  return major < 3 || (major === 3 && minor < 13)
}
