/** Whether auditd records runs of ethtool, and how to have it do so; see audit.rules(7). */
import { findPrograms } from '../kernel/processes'
import type { System } from '../system/system'
import { scriptsIn } from './script-findings'
import { readAllowed } from './writer'

/** Part of the package; an administrator installs it. */
const RULE_FILE = '/usr/share/vqtune/audit/vqtune.rules'

/** One line for an administrator; undefined where auditd does not run, or this user may not read its rules. */
export function auditAdvice(system: System): string | undefined {
  if (findPrograms(system, [{ name: 'auditd' }]).length === 0) return undefined
  const { root, writers } = system.paths
  const { rules, rulesDir } = writers.audit
  const found: { rule?: string; off?: string; locked?: string } = {}
  for (const path of [...scriptsIn(system, rulesDir).filter((name) => name.endsWith('.rules')), rules]) {
    const read = readAllowed(system, path)
    if (read === 'unreadable') return undefined
    for (const [index, line] of (read?.text ?? '').split(/\r?\n/).entries()) {
      const where = `${path.slice(root.length)}:${index + 1}`
      if (isRule(line)) found.rule ??= where
      if (NO_SYSCALLS.test(line)) found.off ??= where
      if (LOCKED.test(line)) found.locked ??= where
    }
  }
  const load =
    found.locked === undefined ? 'augenrules --load' : `a reboot, as ${found.locked} locks the rules`
  if (found.off !== undefined)
    return `auditd records no system calls (${found.off}: -a task,never), and so not who runs ethtool; without that line, and after ${load}, it can: ${RULE_FILE}`
  if (found.rule !== undefined)
    return `auditd records who runs ethtool (${found.rule}), and the daemon reads it`
  return `auditd can record who runs ethtool: cp ${RULE_FILE} ${rulesDir.slice(root.length)}/, then ${load}`
}

const NO_SYSCALLS = /^\s*-[aA]\s+(?:task,never|never,task)\b/
const LOCKED = /^\s*-e\s+2\b/

/** It names the program, or every program that is run. */
function isRule(line: string): boolean {
  if (/^\s*#/.test(line)) return false
  return /(?:-w\s+|path=)\/(?:usr\/)?s?bin\/ethtool\b/.test(line) || /-S\s+(?:\S+,)?execve\b/.test(line)
}
