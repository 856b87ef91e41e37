/** Bugs that test/fuzz found, each with the smallest input that showed it. */
import { describe, expect, it } from 'vitest'
import { MAX_FILE_BYTES, readTexts } from '../../src/config/load'
import { parseFragment } from '../../src/config/parse'
import { type Problem, problemLine } from '../../src/config/problem'
import { readState } from '../../src/daemon/state'
import { VqtuneError } from '../../src/errors'
import { parseBackup } from '../../src/hypervisor/change/backup'
import { parseDomain } from '../../src/hypervisor/libvirt/domain'
import { readNumber, scanConf } from '../../src/hypervisor/libvirt/qemu-conf'
import { parseDomainList, virshError } from '../../src/hypervisor/libvirt/virsh-output'
import { scanXml } from '../../src/hypervisor/libvirt/xml-scan'
import { parseOpenFilesLimit } from '../../src/hypervisor/qemu/process'
import { parseCpuTicks, parseNicCounters } from '../../src/kernel/counters'
import { errorText, parseChannels } from '../../src/kernel/ethtool'
import { parseInterruptCounts } from '../../src/kernel/interrupt-counts'
import { parseVirtioInterrupts } from '../../src/kernel/interrupts'
import { parseLinks } from '../../src/kernel/ip-link'
import { parseQueueStats } from '../../src/kernel/queue-stats'
import { parseRssTable } from '../../src/kernel/rss'
import { parseTcpSegments } from '../../src/kernel/tcp-segments'
import { parseNetSoftirqs, parseSoftnet } from '../../src/report/parse'
import { openSystem } from '../../src/system/system'
import { ifcfgWriters } from '../../src/writers/ifcfg'
import { keyfileWriter } from '../../src/writers/network-manager'
import { rulesWriters } from '../../src/writers/udev-rules'
import { nicOf } from '../support/simulated-kernel'
import { systemReading } from '../support/systems'

const nic = nicOf({ ifindex: 2, maximum: 2 }, [0, 1])

describe('numbers are taken as written or not at all', () => {
  it('an interrupt has a number in decimal digits', () => {
    const line = (head: string) => parseVirtioInterrupts(`${head}: 0 0 PCI-MSI virtio0-input.0\n`).size
    expect(['', '1e1', '0x10', '-5', ' 24'].map(line)).toEqual([0, 0, 0, 0, 1])
  })
  it('counts of /proc/interrupts are no powers and no hexadecimal numbers', () => {
    const counts = (cells: string) =>
      parseInterruptCounts(`CPU0 CPU1\n 24: ${cells} PCI-MSI virtio0-input.0`).byAction
    expect([...counts('1 2').values()]).toEqual([[1, 2]])
    for (const cells of ['1e3 2', '0x10 2', '1.5 2']) expect(counts(cells).size, cells).toBe(0)
  })
  it('a damaged softirq count is none, and not NaN', () => {
    expect(parseNetSoftirqs('CPU0 CPU1\n NET_TX:\0 2 0\n NET_RX: x 9\n').get(1)).toEqual({ rx: 9, tx: 0 })
    expect(parseNetSoftirqs('CPU0\n NET_RX: x\n').get(0)).toEqual({ rx: 0, tx: 0 })
  })
  it('softnet_stat is hexadecimal throughout: no CPU NaN, no digits before a tail', () => {
    const zeros = '00000000 '.repeat(9)
    expect([...parseSoftnet(`00000001 1z 0 ${zeros}0`, [0])]).toEqual([])
    expect([...parseSoftnet(`00000001 0 0 ${zeros}zz`, [0])]).toEqual([])
  })
  it('counters that are no numbers are not there', () => {
    expect(parseNicCounters(' eth0: 1 x 0 0 0 0 0 0 2 3\n', 'eth0')).toBeUndefined()
    expect(parseTcpSegments('Tcp: OutSegs RetransSegs\nTcp: 1e3 2\n')).toBeUndefined()
    expect(parseCpuTicks(`cpu  ${'9'.repeat(400)} 1 2\n`).get('cpu')?.busy).toBe(3)
    expect(
      parseOpenFilesLimit('Max open files            many                 4096   files\n'),
    ).toBeUndefined()
  })
  it('a queue number has at most five digits', () => {
    expect(parseRssTable('    0:  99999999999999999999\n')).toBeUndefined()
    expect(parseQueueStats('  rx99999999999999999999_kicks: 1\n').size).toBe(0)
  })
  it('a count stands on the line of its label', () => {
    expect(parseChannels('Combined:\n4\nCombined:\t2\n')).toBeUndefined()
    // Only a line feed ends a line: a name may hold what JavaScript takes for one.
    expect(parseChannels('x\u2028Combined:\t4\nCombined:\t2\n')).toBeUndefined()
  })
})

describe('what is refused is refused in one line', () => {
  it('every VqtuneError, whatever it quotes', () => {
    expect(new VqtuneError('state', 'a\nb\u2028c\u001b[31m\u202e').message).toBe(
      'a\\u000ab\\u2028c\\u001b[31m\\u202e',
    )
    expect(virshError('u', { code: 1, stdout: '', stderr: 'x\u2028y' }).message).toBe('virsh u: x\\u2028y')
    expect(() => readNumber('max_files = """a\nb"""\n', 'max_files', 'f')).toThrow(
      /^f:1: max_files = """a\\u000ab""": expected/,
    )
  })
  it('a damaged backup, without a word of its content', () => {
    const path = '/var/lib/vqtune/backups/x.json'
    expect(() => parseBackup('{"before":"passwd=\'secret\'" oops', path)).toThrow(
      new VqtuneError('state', `${path}: not a backup record: not JSON`),
    )
  })
  it('a backup whose id leads elsewhere', () => {
    const record = {
      version: 1,
      id: '../../../etc/x',
      time: '2026-01-01T00:00:00Z',
      action: 'undo',
      target: { kind: 'file', path: '/etc/x' },
      before: null,
      after: null,
      undone: null,
      byUndo: true,
    }
    const path = (id: string) => `/var/lib/vqtune/backups/${id}.json`
    expect(() => parseBackup(JSON.stringify(record), path('a'))).toThrow(
      'not a backup record of this version',
    )
    expect(parseBackup(JSON.stringify({ ...record, id: 'a' }), path('a')).id).toBe('a')
    for (const wrong of [{ time: 'never' }, { byUndo: undefined }, { target: 'x' }, { undone: 1 }])
      expect(() => parseBackup(JSON.stringify({ ...record, id: 'a', ...wrong }), path('a'))).toThrow(
        'not a backup record of this version',
      )
  })
  it('an ethtool error of nothing but its prefix', () => {
    expect(errorText({ code: 1, stdout: '', stderr: 'netlink error:  (offset 36)\n' })).toBe('exit status 1')
  })
  it('a keyfile of NetworkManager, and no key of it that would be a command', () => {
    const found = (pairs: string) => keyfileWriter('f', `[connection]\nid=a\u2028b\n[ethtool]\n${pairs}`, nic)
    expect(found('channels-\u2028=1\nchannels-x;reboot=2\n')).toBeUndefined()
    expect(found('channels-rx=1\u20282\n')).toMatchObject({
      what: 'connection "a\\u2028b" sets ethtool.channels-rx = 1\\u20282',
      remedy: 'nmcli connection modify $\'a\\342\\200\\250b\' ethtool.channels-rx ""',
    })
  })
  it('XML with a declaration where an element should be, which the validator lets through', () => {
    expect(scanXml('<a><!mac b="1"/></a>')).toBeUndefined()
    expect(scanXml('<!DOCTYPE a><a/>')?.name).toBe('a')
  })
  it('XML with a closing tag that is cut off, which the validator lets through: an internal error', () => {
    for (const xml of ['</c/', '<domain><name>a</name></domain></c/'])
      expect(() => parseDomain(xml, 'web01: virsh dumpxml')).toThrow(
        'web01: virsh dumpxml: malformed XML: Closing Tag is not closed.',
      )
  })
  it('a remedy of one line for options that go over several', () => {
    const text = `DEVICE=${nic.name}\nETHTOOL_OPTS="\n-L ${nic.name} combined 4"\n`
    const file = '/etc/sysconfig/network-scripts/ifcfg-x'
    expect(ifcfgWriters(openSystem('/nowhere'), file, text, nic)[0]?.what).toBe(
      `runs ethtool -L ${nic.name} combined 4 when the interface comes up (ETHTOOL_OPTS)`,
    )
  })
})

describe('what other programs leave out', () => {
  it('"prog": null is no XDP program', () => {
    const links = parseLinks('[{"ifname":"a","prog":null},{"ifname":"b","prog":{"id":1}}]')
    expect([...links.values()].map(({ name, altnames, xdp }) => ({ name, altnames, xdp }))).toEqual([
      { name: 'a', altnames: [], xdp: false },
      { name: 'b', altnames: [], xdp: true },
    ])
  })
  it('daemon.json of another making cannot be used', () => {
    const state = {
      version: 3,
      at: 'T',
      last: { bootId: 'boot', online: '0', nics: [] as unknown[] },
      conflicts: [] as unknown[],
    }
    const read = (value: object) =>
      readState(
        systemReading(() => JSON.stringify(value)),
        'boot',
      )
    expect(read(state)).toEqual(state)
    expect(read({ ...state, last: { ...state.last, nics: [null] } })).toBe('unusable')
    expect(read({ ...state, last: 'x' })).toBe('unusable')
    expect(read([])).toBe('unusable')
    expect(read({ ...state, conflicts: [{ ifindex: 2, reversals: null, backoffs: 0 }] })).toBe('unusable')
    expect(read({ ...state, conflicts: [{ ifindex: 2, reversals: [], backoffs: -1 }] })).toBe('unusable')
  })
})

describe('no text takes all time or memory', () => {
  it('a cron expression with a range of a hundred million minutes', async () => {
    const parsed = await parseFragment('f', '[daemon]\ncheck-cron = "0-99999999 * * * *"\n')
    expect(parsed).toMatchObject({ ok: false, problems: [{ line: 2 }] })
  })
  it.each([
    ['a key of 100,000 parts', (deep: string) => `${deep} = 1`, 'a: unknown key'],
    ['a header of as many', (deep: string) => `[${deep}]\nb = 1`, 'a: unknown key'],
    ['an array of tables', (deep: string) => `[[${deep}]]\nb = 1`, 'a: unknown key'],
    ['such a key in a known table', (deep: string) => `nic = [{ ${deep} = 1 }]`, 'nic[0].a: unknown key'],
    [
      'such a key below a known one',
      (deep: string) => `boot.wait-ms.${deep} = 1`,
      'boot.wait-ms = a table: ',
    ],
    ['arrays in arrays', () => `boot = ${'['.repeat(100_000)}`, 'not TOML: document contains excessively '],
    ['tables in tables', () => `boot = ${'{a='.repeat(100_000)}`, 'not TOML: document contains excessively '],
  ])('vqtune.toml: %s', async (_name, text, told) => {
    const parsed = await parseFragment('f', text(Array(100_000).fill('a').join('.')))
    expect(parsed).toMatchObject({ ok: false, problems: [{ line: 1, text: expect.stringContaining(told) }] })
  })
  it.each([
    ['nic = [NNN]', '1,', 'f:1: nic[0] = 1: allowed is a table'],
    ['NNN', '[[nic]]\n', 'f:1: nic[0]: match is missing: '],
  ])('as many mistakes as a file has room for: %s', async (text, mistake, told) => {
    const count = Math.floor((MAX_FILE_BYTES - text.length) / mistake.length)
    const { problems } = await readTexts([{ file: 'f', text: text.replace('NNN', mistake.repeat(count)) }])
    expect(problems).toHaveLength(count)
    expect(problemLine(problems[0] as Problem)).toContain(told)
  })
  it('a list in qemu.conf that is not closed: each quote doubled the time', () => {
    for (const unit of ['""""""', '#\n', '##', '"""a']) {
      expect(() => scanConf(`acl = [${unit.repeat(10_000)}`, 'f')).toThrow(
        'f:1: acl: the value is not a number',
      )
    }
    expect(scanConf('acl = [ "", "]", """x"y""" ] # ]\n', 'f')).toHaveLength(1)
  })
  it('virsh list: a name that holds blanks stays whole', () => {
    const uuid = '54011aac-140d-4ccc-a6f0-02f74d2d65b9'
    expect(parseDomainList(` ${uuid}  my  guest  \n\n`)).toEqual([{ uuid, name: 'my  guest' }])
  })
  it('udev rules: ethtool and -L in one string, attributes with braces', () => {
    const found = (rule: string) =>
      rulesWriters(openSystem('/nowhere'), 'f', rule, nic).map(({ tunable }) => tunable)
    expect(found('RUN+="/sbin/ethtool -L %k combined 2"')).toEqual(['channels'])
    expect(found('RUN+="/sbin/ethtool -K %k gro on", ENV{x}="a -L b"')).toEqual([])
    expect(found(`ATTR{address}=="${nic.mac}", RUN+="ethtool --set-channels %k combined 2"`)).toEqual([
      'channels',
    ])
    expect(found('ATTR{address}=="00:00:00:00:00:00", RUN+="ethtool -L %k"')).toEqual([])
  })
})
