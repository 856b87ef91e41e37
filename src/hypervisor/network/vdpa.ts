/** Queue pairs of the hypervisor's vDPA devices. */
import { VqtuneError } from '../../errors'
import type { System } from '../../system/system'

/** Queue pairs of a vDPA network device, by the character device that a guest's XML names, /dev/vhost-vdpa-N. */
export type VdpaPairs = ReadonlyMap<string, number>

const CHARACTER_DEVICE = /^vhost-vdpa-\d+$/

/**
 * Empty where no vDPA device is bound to vhost_vdpa, and without iproute2's vdpa. The kernel names a character device below the
 * vDPA device that it belongs to (vhost_vdpa_probe(), drivers/vhost/vdpa.c); how many pairs that has, only netlink tells.
 * @throws VqtuneError kind tool-failed when vdpa prints something else, timeout
 */
export async function readVdpaPairs(system: System): Promise<VdpaPairs> {
  const devices = system.paths.hypervisor.sysVdpaDevices
  const bound = system
    .list(devices)
    .flatMap((name) => system.list(`${devices}/${name}`).map((entry): [string, string] => [entry, name]))
    .filter(([entry]) => CHARACTER_DEVICE.test(entry))
  if (bound.length === 0 || system.findTool('vdpa') === undefined) return new Map()
  const { code, stdout } = await system.run('vdpa', ['-j', 'dev', 'config', 'show'])
  // Needs CAP_NET_ADMIN; kernels before 5.18 do not know the question.
  if (code !== 0) return new Map()
  const pairs = parseVdpaConfig(stdout)
  return new Map(
    bound.flatMap(([entry, name]): [string, number][] => {
      const count = pairs.get(name)
      return count === undefined ? [] : [[`/dev/${entry}`, count]]
    }),
  )
}

/**
 * `vdpa -j dev config show`: queue pairs by the name of the device. One without the feature MQ has no such key, and one pair.
 * @throws VqtuneError kind tool-failed when it is not the JSON of iproute2
 */
export function parseVdpaConfig(text: string): ReadonlyMap<string, number> {
  const config = configIn(text)
  return new Map(
    Object.entries(config).flatMap(([name, device]): [string, number][] => {
      // Of a disk, the same question tells a capacity.
      if (typeof device !== 'object' || device === null || !('mac' in device || 'max_vq_pairs' in device))
        return []
      const { max_vq_pairs: count = 1 } = device as { max_vq_pairs?: unknown }
      return Number.isInteger(count) && (count as number) >= 1 ? [[name, count as number]] : []
    }),
  )
}

function configIn(text: string): object {
  try {
    const { config } = JSON.parse(text) as { config?: unknown }
    if (typeof config === 'object' && config !== null) return config
  } catch {
    // Told below, like JSON of another shape.
  }
  throw new VqtuneError('tool-failed', 'vdpa -j dev config show did not print the JSON of iproute2')
}
