/** The output of `vqtune host zerocopy status`. Pure. */
import type { ZerocopySurroundings } from '../hypervisor/zerocopy/conditions'
import { isOn, MODULE, PARAMETER } from '../hypervisor/zerocopy/modprobe-conf'
import type { VhostModule } from '../hypervisor/zerocopy/module'
import { paint } from '../text/paint'

export function zerocopyStatusJson(
  module: VhostModule,
  { uplinks, conditions }: ZerocopySurroundings,
  drift: boolean,
): object {
  return {
    module: module.state,
    parameter: module.parameter,
    running: module.running ?? null,
    users: module.users ?? null,
    configured: module.configured ?? null,
    drift,
    uplinks: uplinks.map(({ name, scatterGather }) => ({ name, scatterGather: scatterGather ?? null })),
    conditions,
  }
}

export function zerocopyStatusText(
  module: VhostModule,
  { uplinks, conditions }: ZerocopySurroundings,
  drift: boolean,
  color: boolean,
): string {
  const colors = paint(color)
  const lines = [`${MODULE}: ${stateText(module)}`]
  if (module.parameter === 'removed') {
    lines.push(
      colors.warn(`${PARAMETER}: not in this kernel: zero copy is not possible, and every packet is copied`),
    )
  } else {
    lines.push(`running:    ${module.running === undefined ? '-' : onOff(module.running)}`)
    lines.push(`configured: ${configuredText(module)}`)
  }
  if (drift) lines.push(colors.warn('the running setting changes when the module is next loaded'))
  if (module.running === true || module.configured !== undefined) {
    const sg = uplinks.map(
      ({ name, scatterGather }) =>
        `${name} (scatter-gather ${scatterGather === undefined ? 'unknown' : onOff(scatterGather)})`,
    )
    lines.push(`uplinks:    ${sg.join(', ') || 'none found'}`)
    lines.push(...conditions.map(({ text, defeats }) => (defeats ? colors.warn(text) : text)))
  }
  return `${lines.join('\n')}\n`
}

function stateText({ state, users }: VhostModule): string {
  if (state === 'absent') return 'this kernel has no such module'
  if (state === 'unloaded') return 'not loaded'
  if (state === 'builtin') return 'built into the kernel'
  return users === 0 ? 'loaded, not in use' : `loaded, in use: ${users} open descriptors`
}

function configuredText({ configured }: VhostModule): string {
  if (configured === undefined)
    return "not configured (the kernel's default: off since Linux 5.3, and on RHEL)"
  const on = isOn(configured.value)
  return `${on === undefined ? `'${configured.value}', which the kernel rejects` : onOff(on)} (${configured.source})`
}

function onOff(on: boolean): string {
  return on ? 'on' : 'off'
}
