/**
 * Google's guest agent runs google_set_multiqueue at boot: channels up to the number of vCPUs, IRQ affinity, XPS. Its switch
 * is [InstanceSetup] set_multiqueue of /etc/default/instance_configs.cfg.
 */
import type { System } from '../system/system'
import { iniLines } from './ini'
import { vendorFindings } from './vendor'
import { type KnownWriter, readableText, type Writer } from './writer'

function find(system: System): readonly Writer[] {
  const { scripts, config } = system.paths.writers.google
  const lines = iniLines(readableText(system, config) ?? '')
  const setting = lines.findLast(
    ({ section, key }) => section === 'InstanceSetup' && key === 'set_multiqueue',
  )
  const isOff = setting !== undefined && /^(?:false|no|0|off)$/i.test(setting.value)
  const where = config.slice(system.paths.root.length)
  return vendorFindings(system, {
    writer: google,
    files: scripts,
    what: "Google's guest agent runs it at boot: channels, interrupts and XPS by the number of vCPUs",
    writes: [{ tunable: 'channels', value: 'vcpus' }, { tunable: 'irq-affinity' }, { tunable: 'xps' }],
    units: [
      'google-guest-agent.service',
      'google-guest-agent-manager.service',
      'google-instance-setup.service',
    ],
    processes: [{ name: 'google_guest_agent' }, { name: 'google_guest_agent_manager' }],
    remedy: `set set_multiqueue = false in [InstanceSetup] of ${where}`,
    off: isOff ? `set_multiqueue = ${setting.value} in ${where}:${setting.line}` : undefined,
  })
}

export const google: KnownWriter = {
  name: 'google-guest-agent',
  title: "Google's guest agent and `google_set_multiqueue`",
  find,
}
