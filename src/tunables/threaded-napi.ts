/**
 * Threaded NAPI (/sys/class/net/NIC/threaded, Linux 5.12, RHEL 8.10): received packets are processed in a kernel thread for each queue,
 * which the scheduler may move to an idle vCPU, and not in a softirq on the vCPU of the interrupt. Changing channels leaves it
 * as it is: the driver has a NAPI instance for every queue pair that the host exposes. See Documentation/networking/napi.rst.
 */
import { plainValue } from './codecs'
import type { Tunable } from './tunable'
import { writeSettingFile } from './write-file'

/** In the order of the kernel's numbers: 0, 1 and 2. */
const MODES = ['off', 'on', 'busy-poll'] as const
type Mode = (typeof MODES)[number]

const KEY = 'threaded'
const SWITCH_KEY = 'threaded-napi'

export const threadedNapi: Tunable<Mode> = {
  name: 'threaded-napi',
  noun: 'NAPI mode',
  codec: plainValue(MODES),
  switch: {
    key: SWITCH_KEY,
    values: ['keep', 'on', 'off'],
    default: 'keep',
    help: 'Threaded NAPI, which Linux has since 5.12, and RHEL 8.10 and 9. "keep" changes nothing. "on": packets are processed in kernel threads, which the scheduler may move to other vCPUs; this helps if softirqs saturate one vCPU while others are idle, and costs latency and CPU time elsewhere. "off": in softirqs on the vCPU of the interrupt, as the kernel begins.',
  },
  read(system, { name }) {
    const file = `${system.paths.sysClassNet}/${name}/threaded`
    const mode = MODES[Number(system.readText(file)?.trim() || Number.NaN)]
    return mode === undefined ? [] : [{ key: KEY, value: mode, label: 'threaded NAPI', file }]
  },
  desire({ nic, settings: { switches } }, settings) {
    const value = switches[SWITCH_KEY]
    if (value !== 'on' && value !== 'off') return { wanted: [], skips: [] }
    if (settings.length === 0) {
      const why = `this kernel has no threaded NAPI (no /sys/class/net/${nic.name}/threaded): Linux 5.12, RHEL 8.10 and RHEL 9 have it`
      return { wanted: [], skips: [{ code: 'no-threaded-napi', why }] }
    }
    return { wanted: [{ key: KEY, value, reason: 'set by the configuration' }], skips: [] }
  },
  write: (system, step, mode) => writeSettingFile(system, step, String(MODES.indexOf(mode))),
}
