/** The daemon's state in words: the line of `systemctl status`, and the periodic report. Pure. */
import type { Settings } from '../config/settings'
import { summarise } from '../planner/describe'
import { planGuest } from '../planner/plan'
import { checkQueueAffinity } from '../planner/queue-affinity'
import { plural } from '../text/plural'
import type { PassResult } from './reconcile-loop'
import type { SourceView } from './view'

/** @param result undefined before the first check */
export function statusLine(
  result: PassResult | undefined,
  sources: readonly SourceView[],
  configValid: boolean,
): string {
  if (result === undefined) return 'waiting for the first check of the guest'
  const { guest, missing, skips, problem } = result
  const parts = [`${plural(guest.nics.length, 'NIC')}, ${plural(guest.cpus.online.length, 'vCPU')}`]
  const alone = new Set(skips.filter((skip) => skip.tunable === undefined).map((skip) => skip.nic))
  if (missing.length > 0) parts.push(`${plural(missing.length, 'change')} pending`)
  if (alone.size > 0) parts.push(`skipped: ${[...alone].join(', ')}`)
  const unknown = skips.filter((skip) => skip.code === 'unknown-maximum').map((skip) => skip.nic)
  if (unknown.length > 0) parts.push(`host maximum unknown: ${unknown.join(', ')}`)
  if (problem !== undefined) parts.push(`not working: ${problem}`)
  if (parts.length === 1) parts.push('converged')
  const down = sources.filter(({ state }) => state === 'down').map(({ name }) => name)
  if (down.length > 0) parts.push(`no events from ${down.join(', ')}`)
  if (!configValid) parts.push('configuration reload failed')
  return parts.join('; ')
}

export interface ReportLine {
  readonly fields: object
  readonly text: string
}

/** One line for each NIC, whether or not anything is wrong. */
export function reportLines(
  { guest, skips, regressionHolds }: PassResult,
  settings: Settings,
): readonly ReportLine[] {
  const plans = planGuest(guest, settings, undefined, regressionHolds)
  if (plans.length === 0) return [{ fields: {}, text: 'report: no virtio-net NIC' }]
  return plans.map((plan) => {
    const { nic, desired } = plan
    const alone = skips.find((skip) => skip.nic === nic.name && skip.tunable === undefined)
    const text = summarise(plan, checkQueueAffinity(nic, desired))
    return {
      fields: {
        nic: nic.name,
        channels: nic.channels.current,
        target: desired.target,
        limitedBy: desired.limitedBy,
      },
      text: `report: ${text}${alone === undefined ? '' : `; ${alone.why}`}`,
    }
  })
}
