/** `vqtune host check [domain]`: the queues each guest NIC is offered and uses, and who must act. Changes nothing. */

import { EXIT } from '../../errors'
import { checkHypervisor } from '../../hypervisor/check/domain-checks'
import { bySeverity, needsAction } from '../../hypervisor/check/finding'
import type { Progress } from '../../hypervisor/check/observe'
import { checkJson, checkText } from '../../output/host-check'
import type { CommandContext } from '../command'
import { observeStacks } from './stacks'

export async function run(context: CommandContext): Promise<number> {
  const seen = await observeStacks(context, context.positionals[0], progress())
  const findings = bySeverity(checkHypervisor(seen))
  if (context.options.json === true) {
    const { printJson } = await import('../../output/json')
    context.out(printJson(checkJson(seen, findings)))
  } else {
    context.out(checkText(seen, findings, context.color))
  }
  return context.options.check === true && needsAction(findings) ? EXIT.drift : EXIT.converged
}

/** With fewer guests it is over before it could be read. */
const PROGRESS_FROM = 50

/** One line that counts, on a terminal only: standard output stays what was asked for. */
function progress(): Progress {
  if (process.stderr.isTTY !== true) return () => undefined
  return (done, total) => {
    if (total < PROGRESS_FROM) return
    const text = done < total ? `${Math.floor(done)} of ${total} guests` : ''
    process.stderr.write(`\r\u001b[K${text}`)
  }
}
