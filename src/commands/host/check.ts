/** `vqtune host check [domain]`: the queues each guest NIC is offered and uses, and who must act. Changes nothing. */
import { EXIT } from '../../errors'
import { checkHypervisor } from '../../hypervisor/check/domain-checks'
import { bySeverity, type Finding, needsAction } from '../../hypervisor/check/finding'
import { type ObservedHypervisor, observeHypervisor } from '../../hypervisor/check/observe'
import { checkJson, findingLines, NIC_HEAD, nicRows } from '../../hypervisor/check/present'
import { paint } from '../../text/paint'
import { renderTable } from '../../text/table'
import type { CommandContext } from '../command'
import { virshOf } from './connection'

export async function run(context: CommandContext): Promise<number> {
  const seen = await observeHypervisor(context.system, virshOf(context), context.positionals[0])
  const findings = bySeverity(checkHypervisor(seen))
  if (context.options.json === true) {
    const { printJson } = await import('../../output/json')
    context.out(printJson(checkJson(seen, findings)))
  } else {
    context.out(checkText(seen, findings, context.color))
  }
  return context.options.check === true && needsAction(findings) ? EXIT.drift : EXIT.converged
}

function checkText(seen: ObservedHypervisor, findings: readonly Finding[], color: boolean): string {
  if (seen.domains.length === 0) return `no guest in ${seen.uri}\n`
  const colors = paint(color)
  const paints = { error: colors.bad, warning: colors.warn, info: colors.dim }
  const lines = findings.flatMap((finding) => findingLines(finding).map(paints[finding.severity]))
  if (!needsAction(findings)) lines.push(colors.good('nothing to do'))
  return `${renderTable(NIC_HEAD, nicRows(seen))}\n${lines.join('\n')}\n`
}
