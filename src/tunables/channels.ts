/** Channels: the number of queue pairs in use, set by `ethtool -L`. */
import { VqtuneError } from '../errors'
import type { DesiredNic, ObservedNic, ObstacleCode, SetChannels, Skip, SteppedBack } from '../model'
import { classifyRefusal } from '../system/ethtool'
import type { Host } from '../system/host'
import { readLinks } from '../system/ip-link'
import { operand } from '../untrusted'
import { StepRefused } from './refused'
import type { Tunable } from './tunable'

export const channels: Tunable<SetChannels> = {
  name: 'channels',
  plan({ nic, desired, steppedBack }) {
    if (desired.target !== nic.channels.current) {
      return {
        steps: [
          {
            kind: 'set-channels',
            nic: nic.name,
            old: nic.channels.current,
            new: desired.target,
            reason: reasonOf(nic, desired, steppedBack),
          },
        ],
        skips: [],
      }
    }
    if (desired.wanted === desired.target) return { steps: [], skips: [] }
    const guarded = desired.limitedBy === 'guard' && steppedBack !== undefined
    return { steps: [], skips: [guarded ? guardSkip(nic, steppedBack) : obstacleSkip(nic)] }
  },
}

function obstacleSkip(nic: ObservedNic): Skip {
  const { code, why } = nic.obstacle ?? {
    code: 'unsupported' as const,
    why: 'the driver does not tell how many channels the host exposed',
  }
  return { nic: nic.name, tunable: 'channels', code, why }
}

function guardSkip({ name }: ObservedNic, steppedBack: SteppedBack): Skip {
  const way = steppedBack.proven ? `; vqtune apply ${operand(name)} tries ${steppedBack.from} again` : ''
  return { nic: name, tunable: 'channels', code: 'guard', why: `${describeStepBack(steppedBack)}${way}` }
}

/** `stepped back by the guard: with 4 channels ...` */
function describeStepBack({ proven, why }: SteppedBack): string {
  return proven ? `stepped back by the guard: ${why}` : `the guard compares: ${why}`
}

function reasonOf(nic: ObservedNic, desired: DesiredNic, steppedBack: SteppedBack | undefined): string {
  switch (desired.limitedBy) {
    case 'guard':
      // Only a step back makes the guard the limit; see desireNic.
      return describeStepBack(steppedBack as SteppedBack)
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
export async function setChannels(host: Host, step: SetChannels): Promise<void> {
  const result = await host.run('ethtool', ['-L', step.nic, 'combined', String(step.new)], {
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
  throw await explained(host, step, { code: refusal.code, text: refusal.text })
}

/** A bare "Invalid argument" says nothing; XDP is the usual cause and easy to see. */
async function explained(
  host: Host,
  step: SetChannels,
  { code, text }: { readonly code: ObstacleCode; readonly text: string },
): Promise<Error> {
  if (code === 'refused' || code === 'xdp') {
    const xdp = code === 'xdp' || (await readLinks(host)).get(step.nic)?.xdp === true
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
