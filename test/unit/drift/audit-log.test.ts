import { describe, expect, it } from 'vitest'
import { auditedWriter, parseAuditLog, readAuditedCommands } from '../../../src/drift/audit-log'
import type { System } from '../../../src/system/system'
import { systemWith } from '../../support/systems'

const hex = (text: string): string => Buffer.from(text).toString('hex').toUpperCase()
const call = (serial: string, more = '') =>
  `type=SYSCALL msg=audit(${serial}): arch=c000003e syscall=59 success=yes exit=0 ppid=700 pid=812 auid=1000 uid=0 gid=0 tty=pts0 ses=3 comm="ethtool" exe="/usr/sbin/ethtool" key="vqtune"${more}\n`
const execve = (serial: string, ...args: string[]) =>
  `type=EXECVE msg=audit(${serial}): argc=${args.length} ${args.map((arg, i) => `a${i}=${arg}`).join(' ')}\n`
const A = '1700000000.123:456'
const LOG = `${call(A)}${execve(A, '"ethtool"', '"-L"', hex('eth 0'), '"combined"', '"2"')}type=PROCTITLE msg=audit(${A}): proctitle=657468\n`
const SUDO = `type=USER_CMD msg=audit(1700000001.500:457): pid=811 uid=1000 auid=1000 ses=3 msg='cwd="/root" cmd=${hex('/usr/sbin/ethtool -L eth0 combined 2')} exe="/usr/bin/sudo" terminal=pts/0 res=success'\n`

/** As if root alone could write the tree, which is below a directory that all may write; with another mask, others too. */
function asOfRoot(system: System, mask = 0o755): System {
  return Object.assign(Object.create(system) as System, {
    linkStat(path: string) {
      const facts = system.linkStat(path)
      return facts === undefined ? undefined : { ...facts, uid: 0, mode: (facts.mode | 0o022) & mask }
    },
  })
}

describe('the audit log', () => {
  it('has commands of ethtool, with arguments in hexadecimal, and those of sudo', () => {
    expect(parseAuditLog(LOG + SUDO)).toEqual([
      {
        args: ['ethtool', '-L', 'eth 0', 'combined', '2'],
        pid: 812,
        parentPid: 700,
        loginUid: 1000,
        terminal: 'pts0',
        at: 1700000000123,
      },
      {
        args: ['/usr/sbin/ethtool', '-L', 'eth0', 'combined', '2'],
        pid: undefined,
        parentPid: undefined,
        loginUid: 1000,
        terminal: 'pts/0',
        at: 1700000001500,
      },
    ])
  })

  it('is evidence only of root, of what succeeded, and of ethtool', () => {
    const of = (text: string) => parseAuditLog(text).length
    expect(of(LOG.replace(' uid=0 ', ' uid=1000 '))).toBe(0)
    expect(of(LOG.replace('success=yes', 'success=no'))).toBe(0)
    expect(of(LOG.replace('a0="ethtool"', 'a0="/bin/ls"'))).toBe(0)
    expect(of(SUDO.replace('res=success', 'res=failed'))).toBe(0)
    expect(of(execve(A, '"ethtool"'))).toBe(0)
    expect(
      parseAuditLog(LOG.replace('auid=1000', 'auid=4294967295').replace('tty=pts0', 'tty=(none)')),
    ).toMatchObject([{ loginUid: undefined, terminal: undefined }])
  })

  it('names the last that set this NIC to this value', () => {
    const commands = parseAuditLog(SUDO)
    const drift = { nic: 'eth0', new: '2' }
    expect(auditedWriter(commands, 'channels', drift, undefined)).toEqual({
      name: 'ethtool',
      evidence:
        '/usr/sbin/ethtool -L eth0 combined 2 (by sudo, login uid 1000, terminal pts/0) is in the audit log',
    })
    expect(auditedWriter(commands, 'channels', { ...drift, new: '3' }, undefined)).toBeUndefined()
    expect(auditedWriter(commands, 'xps', drift, undefined)).toBeUndefined()
    const [first] = parseAuditLog(LOG)
    const own = first === undefined ? [] : [first]
    expect(auditedWriter(own, 'channels', { nic: 'eth 0', new: '2' }, 812)?.evidence).toContain('pid 812')
    expect(auditedWriter(own, 'channels', { nic: 'eth 0', new: '2' }, 813)).toBeUndefined()
  })

  it('is read from its end, without our own commands and those before; one that others may write is not', () => {
    const log = `${'x'.repeat(2 ** 20)}\n${LOG}${SUDO}`
    const system = asOfRoot(systemWith({ '/var/log/audit/audit.log': log }))
    expect(readAuditedCommands(system, 1, 0)).toHaveLength(2)
    expect(readAuditedCommands(system, 700, 0)).toHaveLength(1)
    expect(readAuditedCommands(system, 1, 1700000001000)).toHaveLength(1)
    expect(readAuditedCommands(systemWith({}), 1, 0)).toEqual([])
    const ofOthers = asOfRoot(systemWith({ '/var/log/audit/audit.log': LOG }), 0o777)
    expect(readAuditedCommands(ofOthers, 1, 0)).toEqual([])
  })
})
