import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { auditAdvice } from '../../../src/writers/audit-rule'
import { processFiles, systemWith } from '../../support/systems'

test('its rule is offered, or named where there is one', () => {
  const running = processFiles(600, 'auditd')
  const rules = '/etc/audit/rules.d/x.rules'
  expect(auditAdvice(systemWith({}))).toBeUndefined()
  const offer =
    'auditd can record who runs ethtool: cp /usr/share/vqtune/audit/vqtune.rules /etc/audit/rules.d/, then augenrules --load'
  expect(auditAdvice(systemWith(running))).toBe(offer)
  expect(auditAdvice(systemWith({ ...running, [rules]: '#-w /usr/sbin/ethtool -p x\n' }))).toBe(offer)
  for (const rule of [
    '-w /usr/sbin/ethtool -p x -k vqtune',
    '-a always,exit -F arch=b64 -F path=/usr/sbin/ethtool -F perm=x -k q',
    '-a always,exit -F arch=b64 -S execve -k all',
  ])
    expect(auditAdvice(systemWith({ ...running, [rules]: `-D\n${rule}\n` })), rule).toBe(
      'auditd records who runs ethtool (/etc/audit/rules.d/x.rules:2), and the daemon reads it',
    )
})

test('the rule of the package is one that is recognised', () => {
  const files = {
    ...processFiles(600, 'auditd'),
    '/etc/audit/rules.d/vqtune.rules': readFileSync('packaging/audit/vqtune.rules', 'utf8'),
  }
  expect(auditAdvice(systemWith(files))).toMatch(/^auditd records who runs ethtool \(.*vqtune\.rules:\d+\)/)
})

test('rules that are locked need a reboot, and without system calls there is nothing to record', () => {
  const advice = (rules: string) =>
    auditAdvice(systemWith({ ...processFiles(600, 'auditd'), '/etc/audit/rules.d/99-finalize.rules': rules }))
  expect(advice('-D\n-e 2\n')).toMatch(
    /cp \S+ \/etc\/audit\/rules\.d\/, then a reboot, as \/etc\/audit\/rules\.d\/99-finalize\.rules:2 locks the rules$/,
  )
  // Fedora's default, and some images'.
  for (const none of ['-a task,never', '-A never,task'])
    expect(advice(`-w /usr/sbin/ethtool -p x\n${none}\n`)).toMatch(
      /^auditd records no system calls \(\S+:2: -a task,never\).*after augenrules --load, it can: \/usr\/share\/vqtune\/audit\/vqtune\.rules$/,
    )
  expect(advice('#-e 2\n#-a task,never\n')).toMatch(/, then augenrules --load$/)
})

test('nothing is said of rules that only root may read', () => {
  const system = systemWith({ ...processFiles(600, 'auditd'), '/etc/audit/audit.rules': '-D\n' })
  const denied = Object.assign(Object.create(system), {
    readText(path: string) {
      if (path.endsWith('.rules')) throw Object.assign(new Error('EACCES'), { code: 'EACCES' })
      return system.readText(path)
    },
  })
  expect(auditAdvice(system)).toMatch(/^auditd can record/)
  expect(auditAdvice(denied)).toBeUndefined()
})
