import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { firstTime, parseAuditRecords } from '../../../src/drift/audit-records'

const hex = (text: string): string => Buffer.from(text).toString('hex').toUpperCase()
const A = '1700000000.123:456'
const call = (serial: string, more = ''): string =>
  `type=SYSCALL msg=audit(${serial}): arch=c000003e syscall=59 success=yes exit=0 ppid=700 pid=812 auid=1000 uid=0 gid=0 tty=pts0 ses=3 comm="ethtool" exe="/usr/sbin/ethtool" key="vqtune"${more}\n`
const execve = (serial: string, ...args: string[]): string =>
  `type=EXECVE msg=audit(${serial}): argc=${args.length} ${args.map((arg, i) => `a${i}=${arg}`).join(' ')}\n`
const LOG = `${call(A)}${execve(A, '"ethtool"', '"-L"', hex('eth 0'), '"combined"', '"2"')}type=PROCTITLE msg=audit(${A}): proctitle=657468\n`
const sudo = (cmd: string, res = 'success'): string =>
  `type=USER_CMD msg=audit(1700000001.500:457): pid=811 uid=1000 auid=1000 ses=3 msg='cwd="/root" cmd=${cmd} exe="/usr/bin/sudo" terminal=pts/0 res=${res}'\n`
const ETHTOOL = '/usr/sbin/ethtool -L eth0 combined 2'

const argsOf = (text: string): readonly (readonly string[])[] =>
  parseAuditRecords(text).map(({ args }) => args)

describe('records of auditd', () => {
  it('are commands of ethtool, with arguments in hexadecimal, and those of sudo', () => {
    expect(parseAuditRecords(LOG + sudo(hex(ETHTOOL)))).toEqual([
      {
        args: ['ethtool', '-L', 'eth 0', 'combined', '2'],
        pid: 812,
        parentPid: 700,
        loginUid: 1000,
        user: undefined,
        terminal: 'pts0',
        at: 1700000000123,
      },
      {
        args: ['/usr/sbin/ethtool', '-L', 'eth0', 'combined', '2'],
        pid: undefined,
        parentPid: undefined,
        loginUid: 1000,
        user: undefined,
        terminal: 'pts/0',
        at: 1700000001500,
      },
    ])
    expect(argsOf(sudo('"ethtool"'))).toEqual([['ethtool']])
  })

  it('have names where auditd writes them, also of another node', () => {
    const enriched = '\u001dARCH=x86_64 SYSCALL=execve AUID="alice" UID="root"'
    const named = LOG.replace('key="vqtune"', `key="vqtune"${enriched}`)
    expect(parseAuditRecords(named)).toMatchObject([{ user: 'alice', loginUid: 1000 }])
    const other = named.replaceAll(/^type=/gm, 'node=guest type=')
    expect(parseAuditRecords(other)).toEqual(parseAuditRecords(named))
    const unset = named.replace('auid=1000', 'auid=4294967295').replace('"alice"', '"unset"')
    expect(parseAuditRecords(unset)).toMatchObject([{ user: undefined, loginUid: undefined }])
  })

  it('are put together: long arguments in pieces, many in several records', () => {
    const text = `${call(A)}type=EXECVE msg=audit(${A}): argc=4 a0="ethtool" a1="-L"
type=EXECVE msg=audit(${A}): a2_len=12 a2[0]=${hex('eth')}
type=EXECVE msg=audit(${A}): a2[1]="0" a3=
`
    expect(argsOf(text)).toEqual([['ethtool', '-L', 'eth0', '']])
    // The record with the second one was lost.
    expect(argsOf(`${call(A)}type=EXECVE msg=audit(${A}): argc=3 a0="ethtool" a2="eth0"\n`)).toEqual([
      ['ethtool', '', 'eth0'],
    ])
  })

  it('are evidence only of root, of what succeeded, and of ethtool, whatever it was called by', () => {
    const none = (text: string): void => expect(parseAuditRecords(text)).toEqual([])
    none(LOG.replace(' uid=0 ', ' uid=1000 '))
    none(LOG.replace('success=yes', 'success=no'))
    none(LOG.replace('exe="/usr/sbin/ethtool"', 'exe="/usr/bin/ls"'))
    none(LOG.replace(' exe="/usr/sbin/ethtool"', ''))
    none(call(A))
    none(execve(A, '"ethtool"'))
    none(sudo(hex(ETHTOOL), 'failed'))
    none(sudo('"ls"'))
    none(sudo('"ls"').replace(' cmd="ls"', ''))
    expect(argsOf(LOG.replace('a0="ethtool"', 'a0="x"'))[0]?.[0]).toBe('x')
    expect(parseAuditRecords(LOG.replace('"/usr/sbin/ethtool"', hex('/opt/my tools/ethtool')))).toHaveLength(
      1,
    )
    for (const tty of ['(none)', '?'])
      expect(parseAuditRecords(LOG.replace('tty=pts0', `tty=${tty}`))).toMatchObject([
        { terminal: undefined },
      ])
  })

  it('are read as Debian 12 writes them: the daemon asks for counters, and alice sets channels and more', () => {
    const [own, typed] = parseAuditRecords(readFileSync('test/fixtures/audit/debian12-enriched.txt', 'utf8'))
    expect(own).toMatchObject({ args: ['/usr/sbin/ethtool', '-S', 'enp0s8'], pid: 896, user: undefined })
    expect(typed).toMatchObject({
      pid: 905,
      parentPid: 260,
      loginUid: 1000,
      user: 'alice',
      terminal: undefined,
    })
    expect(typed?.args.slice(0, 6)).toEqual(['ethtool', '-L', 'enp0s8', 'combined', '4', 'ä'])
    expect(typed?.at).toBe(1796056046044)
  })

  it('begin at a time', () => {
    expect(firstTime(`half a line\n${LOG}`)).toBe(1700000000123)
    expect(firstTime('')).toBeUndefined()
  })
})
