/** What a tunable is asked with: a NIC of four vCPUs and queues, and what is desired of it. */
import { DEFAULT_SETTINGS, nicSettings } from '../../src/config/settings'
import { VqtuneError } from '../../src/errors'
import type { DesiredNic, LimitingFactor, ObservedNic, RegressionHold, SwitchValue } from '../../src/model'
import { openSystem, type System } from '../../src/system/system'
import { StepRefused } from '../../src/tunables/refused'
import type { NicContext } from '../../src/tunables/tunable'
import { nicOf } from './simulated-kernel'

export const ONLINE = [0, 1, 2, 3]
export const NIC = nicOf({ ifindex: 2, maximum: 4 }, ONLINE)
const GROUPS = ONLINE.map((cpu) => ({ irq: [cpu], xps: [cpu] }))

export function desired(
  target: number,
  limitedBy: LimitingFactor = 'vcpus',
  idealChannels = target,
): DesiredNic {
  return { idealChannels, target, limitedBy, groups: GROUPS.slice(0, target) }
}

export function contextOf(
  nic: ObservedNic,
  wish: DesiredNic,
  more: { switches?: Readonly<Record<string, SwitchValue>>; regressionHold?: RegressionHold } = {},
): NicContext {
  const settings = nicSettings(DEFAULT_SETTINGS, nic)
  return {
    nic,
    desired: wish,
    settings: { ...settings, switches: { ...settings.switches, ...more.switches } },
    usable: ONLINE,
    online: ONLINE,
    regressionHold: more.regressionHold,
  }
}

/** What was thrown, as kind or code and text. */
export async function thrownBy(write: () => Promise<void> | void): Promise<string> {
  try {
    await write()
  } catch (error) {
    if (error instanceof StepRefused) return `refused as ${error.code}: ${error.message}`
    if (error instanceof VqtuneError) return `${error.kind}: ${error.message}`
    throw error
  }
  return 'nothing'
}

/** A system whose attributes are written here, where eth2 has index 2. */
export function writingSystem(answer: () => void = () => {}): {
  system: System
  written: [string, string][]
} {
  const written: [string, string][] = []
  const system: System = Object.assign(Object.create(openSystem('/t')), {
    readText: (path: string) => (path.endsWith('/eth2/ifindex') ? '2\n' : undefined),
    writeAttribute: (path: string, text: string) => {
      written.push([path, text])
      answer()
    },
  })
  return { system, written }
}
