/** The output of apply and rollback. On the boot path: loads only other text modules. Pure. */

import { describeSkip, describeStep } from '../planner/describe'
import type { Convergence, StepOutcome } from '../planner/reconcile'
import { plural } from '../text/plural'

/** `ens3: channels 2 -> 4 (one queue pair for each of 4 online vCPUs)` */
export function describeOutcome({ step, result, why }: StepOutcome): string {
  const what = `${describeStep(step)}  (${step.reason})`
  return result === 'done' ? what : `${what}: ${result}: ${why}`
}

/** The last lines: skips, and one line with the state of the guest. */
export function describeApply(result: Convergence, only: string | undefined): string {
  const lines = result.skips.map(describeSkip)
  const nics = result.guest.nics.filter((nic) => only === undefined || nic.name === only)
  const done = result.outcomes.filter((outcome) => outcome.result === 'done').length
  if (result.failure !== undefined) {
    lines.push(`${plural(done, 'change')} made, ${plural(result.missing.length, 'change')} pending`)
    lines.push(...result.missing.map((step) => `  pending: ${describeStep(step)}`))
  } else if (nics.length === 0) {
    lines.push('nothing to do: no virtio-net NIC in this network namespace')
  } else if (done === 0) {
    const skipped = result.skips.length > 0 ? ' or skipped (see above)' : ''
    lines.push(`nothing to do: ${plural(nics.length, 'NIC')} up to date${skipped}`)
  } else {
    lines.push(`converged: ${plural(nics.length, 'NIC')}, ${plural(done, 'change')}`)
  }
  return `${lines.join('\n')}\n`
}

export function describeRollback(result: Convergence, only: string | undefined): string {
  const done = result.outcomes.filter((outcome) => outcome.result === 'done').length
  if (result.failure !== undefined) return describeApply(result, only)
  const held = result.ledger.entries.filter(
    (entry) => entry.held === true && result.guest.nics.some((nic) => nic.ifindex === entry.ifindex),
  )
  const chosen = only === undefined ? held : held.filter((entry) => entry.name === only)
  if (chosen.length === 0) return 'nothing to roll back: vqtune has changed nothing since boot\n'
  const names = chosen.map((entry) => entry.name).join(', ')
  return `rolled back: ${plural(done, 'change')}; ${names} held until the next boot or vqtune apply\n`
}
