/** Whether auditd records runs of ethtool, and the rule that makes it do so; see audit.rules(7). */
import { findPrograms } from '../kernel/processes'
import type { System } from '../system/system'
import { scriptsIn } from './script-findings'
import { readAllowed } from './writer'

const RULE = '-w /usr/sbin/ethtool -p x -k vqtune'

/** One line for an administrator; undefined where auditd does not run, or this user may not read its rules. */
export function auditAdvice(system: System): string | undefined {
  if (findPrograms(system, [{ name: 'auditd' }]).length === 0) return undefined
  const { root, writers } = system.paths
  const { rules, rulesDir } = writers.audit
  for (const path of [...scriptsIn(system, rulesDir).filter((name) => name.endsWith('.rules')), rules]) {
    const read = readAllowed(system, path)
    if (read === 'unreadable') return undefined
    const line = (read?.text ?? '').split(/\r?\n/).findIndex(isRule)
    if (line !== -1)
      return `auditd records who runs ethtool (${path.slice(root.length)}:${line + 1}), and the daemon reads it`
  }
  const file = `${rulesDir.slice(root.length)}/vqtune.rules`
  return `auditd can record who runs ethtool: echo '${RULE}' >${file}; augenrules --load`
}

/** It names the program, or every program that is run. */
function isRule(line: string): boolean {
  if (/^\s*#/.test(line)) return false
  return /(?:-w\s+|path=)\/(?:usr\/)?sbin\/ethtool\b/.test(line) || /-S\s+(?:\S+,)?execve\b/.test(line)
}
