import { describe, expect, it } from 'vitest'
import { type AuditedRun, auditedWriter, readAuditedRuns, toldByAudit } from '../../../src/drift/audit-log'
import type { System } from '../../../src/system/system'
import { processFiles, systemWith } from '../../support/systems'

const LOG = '/var/log/audit/audit.log'
/** A run of ethtool by auditd's rule: seconds and serial number, and the process. */
const run = (serial: string, { pid = 812, parent = 700 } = {}): string =>
  `type=SYSCALL msg=audit(${serial}): arch=c000003e syscall=59 success=yes exit=0 ppid=${parent} pid=${pid} auid=1000 uid=0 gid=0 tty=pts0 ses=3 comm="ethtool" exe="/usr/sbin/ethtool" key="vqtune"\u001dAUID="alice" UID="root"
type=EXECVE msg=audit(${serial}): argc=5 a0="ethtool" a1="-L" a2="eth0" a3="combined" a4="2"
`
const SUDO = `type=USER_CMD msg=audit(1700000001.500:457): pid=811 uid=1000 auid=1000 ses=3 msg='cwd="/root" cmd=${Buffer.from('/usr/sbin/ethtool -L eth0 combined 2').toString('hex').toUpperCase()} exe="/usr/bin/sudo" terminal=pts/0 res=success'\n`
const FIRST = run('1700000000.123:456')

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
  it('is read from its end, without our own commands and those before; one that others may write is not', () => {
    const log = `${'x'.repeat(2 ** 20)}\n${FIRST}${SUDO}`
    const system = asOfRoot(systemWith({ [LOG]: log }))
    expect(readAuditedRuns(system, 1, 0)).toHaveLength(2)
    expect(readAuditedRuns(system, 700, 0)).toHaveLength(1)
    expect(readAuditedRuns(system, 1, 1700000001000)).toHaveLength(1)
    expect(readAuditedRuns(systemWith({}), 1, 0)).toEqual([])
    const ofOthers = asOfRoot(systemWith({ [LOG]: FIRST }), 0o777)
    expect(readAuditedRuns(ofOthers, 1, 0)).toEqual([])
  })

  it('that auditd has just begun anew goes on from the one before', () => {
    const logs = { [`${LOG}.1`]: FIRST, [LOG]: run('1700000005.000:500', { pid: 900 }) }
    const pids = (since: number) =>
      readAuditedRuns(asOfRoot(systemWith(logs)), 1, since).map(({ pid }) => pid)
    expect(pids(1700000000000)).toEqual([812, 900])
    expect(pids(1700000005000)).toEqual([900])
  })

  it('has what started a command, if that still runs and is of root', () => {
    const system = (uid: number) =>
      asOfRoot(systemWith({ [LOG]: FIRST, ...processFiles(700, 'tuned', { uid }) }))
    expect(readAuditedRuns(system(0), 1, 0)).toMatchObject([{ parent: { name: 'tuned', pid: 700 } }])
    expect(readAuditedRuns(system(1000), 1, 0)).toMatchObject([{ parent: undefined }])
  })
})

describe('the writer by the audit log', () => {
  const one: AuditedRun = {
    args: ['ethtool', '-L', 'eth0', 'combined', '2'],
    pid: 812,
    parentPid: 700,
    loginUid: 1000,
    user: 'alice',
    terminal: 'pts0',
    at: 1,
    parent: { name: 'bash', pid: 700 },
  }
  const drift = { nic: 'eth0', new: '2' }

  it('is the last that set this NIC to this value, with user, process and command line', () => {
    const last = { ...one, pid: 900, user: undefined, parent: undefined, terminal: undefined }
    expect(auditedWriter([one], 'channels', drift, undefined)).toEqual({
      name: 'ethtool',
      evidence:
        'ethtool -L eth0 combined 2 (pid 812, started by bash 700, user alice, login uid 1000, terminal pts0) is in the audit log',
    })
    expect(auditedWriter([one, last], 'channels', drift, undefined)?.evidence).toBe(
      'ethtool -L eth0 combined 2 (pid 900, login uid 1000) is in the audit log',
    )
    expect(auditedWriter([one], 'channels', { ...drift, new: '3' }, undefined)).toBeUndefined()
    expect(auditedWriter([one], 'channels', { ...drift, nic: 'eth1' }, undefined)).toBeUndefined()
    expect(auditedWriter([one], 'xps', drift, undefined)).toBeUndefined()
    const rings = { ...one, args: ['ethtool', '-G', 'eth0', 'rx', '64'] }
    expect(auditedWriter([rings], 'rings', { nic: 'eth0', new: 'rx 64' }, undefined)?.name).toBe('ethtool')
  })

  it('is the process that the kernel noted, if it noted one; a service that started it is the writer', () => {
    expect(auditedWriter([one], 'channels', drift, 812)?.name).toBe('ethtool')
    expect(auditedWriter([one], 'channels', drift, 813)).toBeUndefined()
    const bySudo = { ...one, pid: undefined, parent: undefined, user: undefined }
    expect(auditedWriter([bySudo], 'channels', drift, 813)?.evidence).toBe(
      'ethtool -L eth0 combined 2 (by sudo, login uid 1000, terminal pts0) is in the audit log',
    )
    const byTuned = {
      ...one,
      parent: { name: 'tuned', pid: 600 },
      loginUid: undefined,
      user: undefined,
      terminal: undefined,
    }
    expect(auditedWriter([byTuned], 'channels', drift, undefined)).toEqual({
      name: 'tuned',
      evidence: 'ethtool -L eth0 combined 2 (pid 812, started by tuned 600) is in the audit log',
    })
  })

  it('is parsed from its evidence', () => {
    const command = 'ethtool -L eth0 combined 2'
    const told = (run: AuditedRun) =>
      toldByAudit(auditedWriter([run], 'channels', drift, undefined)?.evidence ?? '')
    expect(told(one)).toEqual({ command, pid: 812, who: 'alice' })
    expect(told({ ...one, user: undefined })).toEqual({ command, pid: 812, who: 'uid 1000' })
    expect(told({ ...one, pid: undefined, user: undefined, loginUid: undefined })).toEqual({
      command,
      pid: undefined,
      who: undefined,
    })
    expect(toldByAudit('ethtool (pid 812) set 2 channels, as the kernel noted')).toBeUndefined()
  })
})
