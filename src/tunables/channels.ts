/** Channels: the number of queue pairs in use, set by `ethtool -L`. */
import { VqtuneError } from '../errors'
import { classifyRefusal } from '../kernel/ethtool'
import { readLinks } from '../kernel/ip-link'
import type { DesiredNic, ObservedNic, ObstacleCode, RegressionHold, SetChannels, Skip } from '../model'
import type { System } from '../system/system'
import { operand } from '../text/escape'
import { StepRefused } from './refused'
import type { Tunable } from './tunable'

export const channels: Tunable<SetChannels> = {
  name: 'channels',
  plan({ nic, desired, regressionHold }) {
    if (desired.target !== nic.channels.current) {
      return {
        steps: [
          {
            kind: 'set-channels',
            nic: nic.name,
            old: nic.channels.current,
            new: desired.target,
            reason: reasonOf(nic, desired, regressionHold),
          },
        ],
        skips: [],
      }
    }
    if (desired.idealChannels === desired.target) return { steps: [], skips: [] }
    const guarded = desired.limitedBy === 'guard' && regressionHold !== undefined
    return { steps: [], skips: [guarded ? guardSkip(nic, regressionHold) : obstacleSkip(nic)] }
  },
}

function obstacleSkip(nic: ObservedNic): Skip {
  const { code, why } = nic.obstacle ?? {
    code: 'unsupported' as const,
    why: 'the driver does not tell how many channels the host exposed',
  }
  return { nic: nic.name, tunable: 'channels', code, why }
}

function guardSkip({ name }: ObservedNic, regressionHold: RegressionHold): Skip {
  const way = regressionHold.confirmed
    ? `; vqtune apply ${operand(name)} tries ${regressionHold.from} again`
    : ''
  return {
    nic: name,
    tunable: 'channels',
    code: 'guard',
    why: `${describeRegressionHold(regressionHold)}${way}`,
  }
}

/** `stepped back by the guard: with 4 channels ...` */
function describeRegressionHold({ confirmed, why }: RegressionHold): string {
  return confirmed ? `stepped back by the guard: ${why}` : `the guard compares: ${why}`
}

function reasonOf(nic: ObservedNic, desired: DesiredNic, regressionHold: RegressionHold | undefined): string {
  switch (desired.limitedBy) {
    case 'guard':
      // Only a step back makes the guard the limit; see desireNic.
      return describeRegressionHold(regressionHold as RegressionHold)
    case 'vcpus':
      return `one queue pair for each of ${desired.target} online vCPUs`
    case 'host':
      return `the host exposes ${nic.channels.maximum} queue pairs`
    case 'isolated':
      return `one queue pair for each of ${desired.target} vCPUs that are not isolated`
    case 'policy':
      return 'the configuration says so'
    default:
      return 'the most that the driver takes'
  }
}

/**
 * Runs `ethtool -L`. The exit status does not say whether anything changed (versions differ), so the caller compares
 * before and observes after.
 * @throws StepRefused when the kernel says no for a reason that is not a fault; VqtuneError otherwise
 */
export async function setChannels(system: System, step: SetChannels): Promise<void> {
  const result = await system.run('ethtool', ['-L', step.nic, 'combined', String(step.new)], {
    timeoutMs: 15_000,
  })
  if (result.code === 0 || /unmodified, ignoring/.test(result.stderr + result.stdout)) return
  const refusal = classifyRefusal(result)
  if (refusal.code === 'permission') {
    throw new VqtuneError('permission', `${step.nic}: setting channels needs CAP_NET_ADMIN (${refusal.text})`)
  }
  if (refusal.code === 'vanished') {
    throw new VqtuneError('vanished', `${step.nic}: the NIC went away while its channels were set`)
  }
  throw await explained(system, step, { code: refusal.code, text: refusal.text })
}

/** A bare "Invalid argument" says nothing; XDP is the usual cause and easy to see. */
async function explained(
  system: System,
  step: SetChannels,
  { code, text }: { readonly code: ObstacleCode; readonly text: string },
): Promise<Error> {
  if (code === 'refused' || code === 'xdp') {
    const xdp = code === 'xdp' || (await readLinks(system)).get(step.nic)?.xdp === true
    if (xdp) {
      return new StepRefused('xdp', 'an XDP program is attached: the driver refuses other channels', text)
    }
    return new VqtuneError(
      'tool-failed',
      `${step.nic}: channels ${step.old} -> ${step.new} refused by the kernel: ${text}`,
    )
  }
  return new StepRefused(code, `the kernel refused ${step.new} channels`, text)
}
