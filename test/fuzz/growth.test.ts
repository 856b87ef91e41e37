/**
 * Time grows with the length of the text, not with its square or worse: files and programs may hand out anything.
 * Judged by processor time of this process and by ratio: eight times the text may take up to 24 times as long, where
 * a square would take 64 times. What takes less than 80 ms is not judged; a square takes seconds there.
 */
import { describe, expect, it } from 'vitest'
import { isEmptyConfig } from '../../src/config/load'
import { globMatcher } from '../../src/config/match'
import { parseFragment } from '../../src/config/parse'
import { parseGateway, parseNeighbour } from '../../src/confirm/connectivity'
import { chooseFormat } from '../../src/daemon/prometheus'
import { parseKernelEvent } from '../../src/daemon/udev-events'
import { parseHistory, parseSince } from '../../src/drift/history'
import { readRunningTools } from '../../src/drift/process-scan'
import { parseBackup } from '../../src/hypervisor/change/backup'
import { hidePasswords } from '../../src/hypervisor/change/diff'
import { parseDomain } from '../../src/hypervisor/libvirt/domain'
import { withNumber } from '../../src/hypervisor/libvirt/qemu-conf'
import { parseDomainList, parseInfo, virshError } from '../../src/hypervisor/libvirt/virsh-output'
import { scanXml } from '../../src/hypervisor/libvirt/xml-scan'
import { isGuest, parseOpenFilesLimit, parseVectors } from '../../src/hypervisor/qemu/process'
import { parseScatterGather } from '../../src/hypervisor/zerocopy/conditions'
import { parseHistogram } from '../../src/hypervisor/zerocopy/histogram'
import { parseModprobeConf } from '../../src/hypervisor/zerocopy/modprobe-conf'
import { parseUsers } from '../../src/hypervisor/zerocopy/module'
import { probeTarget } from '../../src/hypervisor/zerocopy/probe-target'
import { parseOptions } from '../../src/irqbalance/options'
import { parseCpuTicks, parseNicCounters } from '../../src/kernel/counters'
import { parseCpuList, parseCpuMask } from '../../src/kernel/cpulist'
import {
  hasVcpuCallback,
  parseCoalescing,
  parseQueueCounterNames,
  usesNetlink,
} from '../../src/kernel/driver-answers'
import { classifyRefusal, parseChannels } from '../../src/kernel/ethtool'
import { parseInterruptCounts } from '../../src/kernel/interrupt-counts'
import { parseVirtioInterrupts } from '../../src/kernel/interrupts'
import { parseLinks } from '../../src/kernel/ip-link'
import { parseStartTicks } from '../../src/kernel/process-identity'
import { parseQueueStats } from '../../src/kernel/queue-stats'
import { parseRings } from '../../src/kernel/rings'
import { parseRssTable } from '../../src/kernel/rss'
import { parseTcpSegments } from '../../src/kernel/tcp-segments'
import { parseLedger } from '../../src/planner/ledger-format'
import { countFlows, parseNetSoftirqs, parseSoftnet } from '../../src/report/parse'
import { parseDrops, parseOffloads, parseRootQdisc } from '../../src/report/parse-nic'
import { newestLines } from '../../src/system/line-log'
import { openSystem } from '../../src/system/system'
import { ifcfgWriters } from '../../src/writers/ifcfg'
import { parseIni } from '../../src/writers/ini'
import { linkMatches } from '../../src/writers/link'
import { keyfileWriter } from '../../src/writers/network-manager'
import { rulesWriters } from '../../src/writers/udev-rules'
import { nicOf } from '../support/simulated-kernel'
import { systemReading } from '../support/systems'

const NONE = openSystem('/nowhere')
const nic = nicOf({ ifindex: 2, maximum: 2 }, [0, 1])
const LOADED = {
  state: 'loaded',
  parameter: 'present',
  running: true,
  users: 1,
  configured: undefined,
} as const
const refused = (stderr: string) => ({ code: 1, stdout: '', stderr })

/** Each parser with the beginnings that get it to where it may get lost. */
const PARSERS: readonly [name: string, parse: (text: string) => unknown, ...beginnings: string[]][] = [
  ['ethtool -l', parseChannels, 'Combined:', 'Combined:\t4'],
  [
    'ethtool errors',
    (text) => classifyRefusal(refused(text)),
    'netlink error: ',
    'netlink error: x (offset 1',
  ],
  ['ethtool -x', parseRssTable, '    0:', '    0:  1'],
  ['ethtool -g', parseRings, 'RX:', 'RX:\t1\nTX:\t1\nRX:\t'],
  ['ethtool -l, netlink', usesNetlink, 'RX:', 'RX:\t'],
  [
    'ethtool -c',
    parseCoalescing,
    'Coalesce parameters for x:\n',
    'Coalesce parameters for x:\nAdaptive RX: ',
  ],
  ['ethtool -S, names', parseQueueCounterNames, '  rx_queue_0_', '  rx0_'],
  ['callbacks for vCPUs', hasVcpuCallback, '10: ', '10: virtio/net:'],
  ['ethtool -k', parseOffloads, 'rx-checksumming: ', 'rx-checksumming: off '],
  ['tc qdisc', parseRootQdisc, '[', '[{"root":true,"kind":"'],
  ['/proc/net/dev, drops', (text) => parseDrops(text, 'eth0'), 'eth0:', ' '],
  ['ethtool -S', parseQueueStats, '  rx_queue_0_packets:', 'rx'],
  ['/proc/interrupts', parseVirtioInterrupts, ' 24: 0 ', ' 24: 0 virtio0-input.0'],
  ['/proc/interrupts, counts', parseInterruptCounts, 'CPU0 CPU1\n', 'CPU'],
  ['/proc/softirqs', parseNetSoftirqs, 'CPU0\n NET_RX:', 'CPU'],
  ['softnet_stat', (text) => parseSoftnet(text, [0, 1])],
  ['snmp', parseTcpSegments, 'Tcp: ', 'Tcp: OutSegs RetransSegs\nTcp: '],
  ['/proc/net/tcp', countFlows, '  1: 0100007F:0016 ', '  1: x '],
  ['/proc/net/dev', (text) => parseNicCounters(text, 'eth0'), 'eth0:', ' '],
  ['/proc/PID/stat', parseStartTicks, '1 (x) ', '1 ('],
  [
    '/proc/PID/status and cmdline',
    (text) =>
      readRunningTools(
        Object.assign(
          systemReading((path) => (path.endsWith('comm') ? 'tuna' : text)),
          { list: () => ['9'] },
        ),
        1,
      ),
    'PPid:',
    'PPid:\t1',
  ],
  ['/proc/stat', parseCpuTicks, 'cpu', 'cpu 1'],
  ['CPU list', parseCpuList, '0-', '0,'],
  ['CPU mask', parseCpuMask, 'f,'],
  ['ip link', (text) => parseLinks(text), '[', '[{"ifname":"'],
  ['ip route', parseGateway, 'default via '],
  ['ip neigh', parseNeighbour, '10.0.0.1 ', '10.0.0.1 lladdr '],
  ['Accept', chooseFormat, 'text/plain;q=', 'application/openmetrics-text;version=', 'a;'],
  ['udev', parseKernelEvent, 'KERNEL[', 'KERNEL[1.2] add /x ('],
  [
    'vqtune.toml',
    (text) => parseFragment('f', text),
    'a = ',
    '[',
    '[daemon]\ncheck-cron = "',
    '[[nic]]\nmatch = { name = "',
  ],
  [
    'vqtune.toml, keys of many parts',
    (text) => parseFragment('f', `[${text}a]\nb.${text}a = { ${text}a = 1 }\n`),
  ],
  ['empty vqtune.toml', isEmptyConfig, '[boot]', '[boot]\n#'],
  ['glob', (text) => globMatcher(text)('enp0s8.100'), '[', '*', '[!'],
  ['ledger', (text) => parseLedger(text, 'f'), '{"version":1,"bootId":"', '['],
  ['drift.jsonl', parseHistory, '{"at":"', '['],
  ['newest lines', (text) => newestLines(Buffer.from(text), text.length / 2)],
  ['--since', (text) => parseSince(text, 0), '2026-01-01T00:00:00.', '1'],
  ['backup', (text) => parseBackup(text, 'f'), '{"version":1,"id":"', '['],
  ['passwords in diffs', hidePasswords, "passwd='", 'passwd="'],
  [
    'libvirt XML',
    (text) => parseDomain(text, 'f'),
    '<domain>',
    '<domain a="',
    '<domain><name>',
    '<!--',
    '<!DOCTYPE a [',
  ],
  ['libvirt XML, positions', scanXml, '<a', '<a ', '<a b', '<a b="', '<!--', '</'],
  [
    'qemu.conf',
    (text) => withNumber(text, 'max_files', 1, 'f'),
    'a = ',
    'a = [',
    'a = "',
    'a = """',
    '#max_files = ',
    '#max_files',
  ],
  ['modprobe.d', (text) => parseModprobeConf(text, 'f'), 'options vhost_net ', 'options '],
  ['virsh list', parseDomainList, '54011aac-140d-4ccc-a6f0-02f74d2d65b9 ', ' '],
  ['virsh dominfo', parseInfo, 'a:', ':'],
  ['virsh errors', (text) => virshError('u', refused(text)), 'error: '],
  [
    'command line of QEMU',
    (text) => [isGuest(text, 'web'), parseVectors(text)],
    '-device\0virtio-net',
    '-device\0virtio-net mac=',
    '-name\0',
  ],
  ['/proc/PID/limits', parseOpenFilesLimit, 'Max open files ', 'Max open files'],
  ['/proc/modules', parseUsers, 'vhost_net ', 'vhost_net 1 '],
  ['ethtool -k', parseScatterGather, 'scatter-gather: '],
  [
    '/proc/kallsyms',
    (text) =>
      probeTarget(
        systemReading(() => text),
        LOADED,
      ),
    '0 t vhost_zerocopy_callback',
    '0 t ',
  ],
  ['histogram', parseHistogram, '{ success:', '{ success: 1 } hitcount:'],
  ['INI', (text) => linkMatches(parseIni(text), nic), '[Match]\nOriginalName=', '['],
  ['keyfile', (text) => keyfileWriter('f', text, nic), '[ethtool]\nchannels-combined=', '[connection]\nid='],
  [
    'ifcfg',
    (text) => ifcfgWriters(NONE, '/etc/sysconfig/network-scripts/ifcfg-x', text, nic),
    'ETHTOOL_OPTS="',
    "ETHTOOL_OPTS='",
    'export ',
    'A=',
  ],
  [
    'udev rules',
    (text) => rulesWriters(NONE, 'f', text, nic),
    'RUN+="ethtool ',
    'ATTR{',
    'RUN+="smp_affinity", A',
    'RUN+="smp_affinity", ATTR{',
  ],
  ['irqbalance', (text) => parseOptions(text.split('\0')).bannedIrqs, '--banirq='],
]

/** What is repeated: separators, halves of pairs, and words of the formats. */
const UNITS = [
  ...[' ', '\t', '\n', '\r\n', ' \n', '\n ', '\0', '\\', '\\\n', '\u2028', ','],
  ...[
    '0',
    '1 ',
    '0,',
    '1-',
    '0-1,',
    '-',
    'f',
    'A',
    'a ',
    'a.',
    'a=',
    'a=1\n',
    '.',
    '=',
    ':',
    'a:',
    '1:',
    '1: 1\n',
    '/',
    'virtio0, ',
    '*',
    '*a',
    '?',
    '!',
    '#',
    '#\n',
    '# ',
  ],
  ...[
    '"',
    '""',
    '"""',
    '""""""',
    "'",
    "''",
    "'''",
    '" "',
    '[',
    ']',
    '[[',
    '[a',
    '[a]\n',
    '[]',
    '{',
    '}',
    '{}',
    '{"a":',
    'a{',
    'A{',
    'A=="',
    'A=="a",',
    '(',
    '()',
  ],
  ...['<', '>', '<a', '<a ', '<a>', '<a/>', '</a>', '<!--', '-->', '<![CDATA[', '&', '&lt;', 'a="', "a='b' "],
  ...[
    'Combined:',
    'Combined: 1\n',
    'rx0_kicks: 1\n',
    'virtio0-input.0 ',
    'CPU0 ',
    'NET_RX: 1\n',
    'Tcp: 1\n',
    'cpu 1 2\n',
    'ethtool ',
    'ethtool -L ',
    'max_files = 1\n',
    '#max_files = 1\n',
    'options vhost_net experimental_zcopytx=1\n',
    'vhost_net 1 ',
    'mac=',
    'passwd=',
    "passwd='",
    'default via ',
    '(offset 1)',
    'error: x\n',
    'é',
    '\ud800',
  ],
]

/** A tail that makes a match that came far fail at the last character. */
const TAILS = ['', '\u0001']

const SHORT = 2_500
const GROWTH = 8
/** Below this nothing is judged: a square would be far above. */
const JUDGED_US = 80_000

/** Processor time in microseconds; of several tries the shortest, since others use the processor's caches, too. */
async function cost(parse: (text: string) => unknown, text: string, tries: number): Promise<number> {
  let best = Number.POSITIVE_INFINITY
  for (let i = 0; i < tries; i++) {
    const start = process.cpuUsage()
    try {
      await parse(text)
    } catch (error) {
      // Refused: what counts is how long that took. What refusals are like is the other files' business; but only here
      // texts are long enough to be too much for the stack.
      if (error instanceof RangeError) throw error
    }
    // Their sum is exact; how it is split between the two is sampled.
    const { user, system } = process.cpuUsage(start)
    best = Math.min(best, user + system)
  }
  return best
}

describe('the time that parsing takes grows no faster than the text', () => {
  it.each(PARSERS)('%s', async (_name, parse, ...beginnings) => {
    const slow: string[] = []
    for (const beginning of ['', ...beginnings]) {
      for (const unit of UNITS) {
        for (const tail of TAILS) {
          const text = (length: number) => beginning + unit.repeat(Math.ceil(length / unit.length)) + tail
          if ((await cost(parse, text(SHORT * GROWTH), 1)) < JUDGED_US) continue
          const [short, long] = [
            await cost(parse, text(SHORT), 3),
            // Rare enough for many tries: a collection of garbage may fall into each.
            await cost(parse, text(SHORT * GROWTH), 8),
          ]
          if (long > JUDGED_US && long > short * GROWTH * 3)
            slow.push(`${JSON.stringify(beginning + unit + tail)}: ${short} -> ${long} us`)
        }
      }
    }
    expect(slow).toEqual([])
  })
})
