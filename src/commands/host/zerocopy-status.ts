/** `vqtune host zerocopy status`: the running and the configured setting, and what prevents zero copy. */

import { EXIT } from '../../errors'
import { readSurroundings } from '../../hypervisor/zerocopy/conditions'
import { isOn } from '../../hypervisor/zerocopy/modprobe-conf'
import { readVhostModule, type VhostModule } from '../../hypervisor/zerocopy/module'
import { zerocopyStatusJson, zerocopyStatusText } from '../../output/host-zerocopy-status'
import type { CommandContext } from '../command'

export async function run(context: CommandContext): Promise<number> {
  const named = typeof context.options.uplink === 'string' ? context.options.uplink : undefined
  const module = await readVhostModule(context.system)
  const around = await readSurroundings(context.system, named)
  const drift = module.running !== undefined && module.running !== nextLoad(module)
  if (context.options.json === true) {
    const { printJson } = await import('../../output/json')
    context.out(printJson(zerocopyStatusJson(module, around, drift)))
  } else {
    context.out(zerocopyStatusText(module, around, drift, context.color))
  }
  return drift && context.options.check === true ? EXIT.drift : EXIT.converged
}

/** undefined when nothing is configured and the kernel's default is not known to be off: then there is no drift. */
function nextLoad({ configured, running }: VhostModule): boolean | undefined {
  return configured === undefined ? running : isOn(configured.value)
}
