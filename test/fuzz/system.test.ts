/** What the kernel, ethtool, udev and iproute2 print. */
import fc from 'fast-check'
import { describe, expect } from 'vitest'
import { remediesFor } from '../../src/advice/platforms/index'
import { parseGateway, parseNeighbour } from '../../src/confirm/connectivity'
import { concernsUs, parseKernelEvent } from '../../src/daemon/udev-events'
import { readRunningTools, runningWriter } from '../../src/drift/process-scan'
import { parseCpuTicks, parseNicCounters } from '../../src/kernel/counters'
import { formatCpuList, formatCpuMask, parseCpuList, parseCpuMask } from '../../src/kernel/cpulist'
import { classifyRefusal, errorText, parseChannels } from '../../src/kernel/ethtool'
import { parseVirtioInterrupts } from '../../src/kernel/interrupts'
import { parseLinks } from '../../src/kernel/ip-link'
import { parseStartTicks } from '../../src/kernel/process-identity'
import { parseRssTable } from '../../src/kernel/rss'
import { escapeControl } from '../../src/text/escape'
import { rssQueues } from '../../src/tunables/rss-table'
import { guestFile } from '../support/captured-guest'
import { evidenceWith } from '../support/platform-evidence'
import { systemReading } from '../support/systems'
import { holds, must, parsedOrRefused } from './lib/check'
import { count, cpuList, damaged, fixture, mac, numbersIn, ofEveryEthtool, word } from './lib/texts'

const interruptTexts = ['debian-6.12-4cpu-4q', 'debian-6.1-4cpu-4q', 'shared-vectors', 'intx', 'ccw'].map(
  (guest) => guestFile(guest, 'proc/interrupts'),
)
const linkTexts = ['bond', 'renamed-altnames', 'xdp-attached', 'failover'].map((guest) =>
  guestFile(guest, 'ethtool/ip-link.json'),
)

describe('ethtool -l', () => {
  const row = fc.oneof(fc.constant('n/a'), fc.nat(300).map(String))
  holds(
    'finds what was printed, in every spelling of unused rows',
    fc.record({ nic: word, maximum: fc.nat(99_999), current: fc.nat(99_999), unused: row }),
    ({ nic, maximum, current, unused }) => {
      const block = (heading: string, combined: number) =>
        `${heading}:\nRX:\t\t${unused}\nTX:\t\t${unused}\nOther:\t\t${unused}\nCombined:\t${combined}\n`
      const text = `Channel parameters for ${nic}:\n${block('Pre-set maximums', maximum)}${block('Current hardware settings', current)}`
      expect(parseChannels(text)).toEqual({ maximum, current })
    },
  )
  holds(
    'of any text takes exactly two lines "Combined: N"',
    damaged(
      ...ofEveryEthtool('show.txt'),
      ...ofEveryEthtool('monitor.txt'),
      ...ofEveryEthtool('show-json.txt'),
    ),
    (text) => {
      const lines = text
        .split('\n')
        .flatMap((line) => /^Combined:[ \t]+(\d{1,5})[ \t\r]*$/.exec(line)?.[1] ?? [])
      const expected =
        lines.length === 2 ? { maximum: Number(lines[0]), current: Number(lines[1]) } : undefined
      expect(parseChannels(text)).toEqual(expected)
    },
  )
  holds(
    'tells errors in one line that is not empty and was printed',
    fc.record({
      code: fc.integer({ min: 1, max: 255 }),
      stdout: fc.constant(''),
      stderr: damaged(
        ...['set-over-max', 'set-no-device', 'set-xdp', 'set-zero', 'show-unsupported'].flatMap((name) =>
          ofEveryEthtool(`${name}.err.txt`),
        ),
      ),
    }),
    (result) => {
      const text = errorText(result)
      expect(text).toMatch(/^[^\n]+$/)
      expect(text === `exit status ${result.code}` || result.stderr.includes(text)).toBe(true)
      // What is known is told by its name: refused is what has no other.
      const isKnown = /not permitted|no device matches|not supported/i.test(result.stderr)
      must(classifyRefusal(result).code !== 'refused' || !isKnown, result.stderr)
    },
  )
})

describe('ethtool -x', () => {
  holds(
    'finds the queues of a table of any size',
    fc.array(fc.array(fc.nat(255), { minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 16 }),
    (rows) => {
      const text = rows
        .map(
          (row, i) =>
            `${String(i * 8).padStart(5)}:  ${row.map((queue) => String(queue).padStart(5)).join(' ')}`,
        )
        .join('\n')
      const queues = [...new Set(rows.flat())].sort((a, b) => a - b)
      const table = parseRssTable(`RX flow hash indirection table for x with 4 RX ring(s):\n${text}\n`)
      expect(table && rssQueues(table.spread)).toEqual(queues)
      expect(table?.size).toBe(rows.flat().length)
    },
  )
  holds('invents no queue', damaged(...ofEveryEthtool('rss.txt')), (text) => {
    const table = parseRssTable(text)
    const queues = table && rssQueues(table.spread)
    expect(queues).not.toEqual([])
    const written = numbersIn(text)
    for (const queue of queues ?? [])
      expect(written.has(queue) && Number.isSafeInteger(queue), `${queue}`).toBe(true)
    expect(queues ?? []).toEqual([...new Set(queues)].sort((a, b) => a - b))
  })
})

describe('/proc/interrupts', () => {
  const action = fc
    .tuple(fc.nat(99), fc.constantFrom('-config', '-input.0', '-output.0', '-input.12', '-virtqueues', ''))
    .map(([device, rest]) => `virtio${device}${rest}`)
  const line = fc.record({
    irq: fc.nat(4_000),
    counts: fc.array(fc.nat(), { minLength: 1, maxLength: 8 }),
    chip: fc.constantFrom(
      'PCI-MSI 131073-edge',
      'PCI-MSIX-0000:00:03.0   1-edge',
      'IO-APIC  11-fasteoi',
      'GICv3  78 Edge',
    ),
    // Also alone or beside the action of somebody else, on a shared line.
    before: fc.constantFrom('', 'ehci_hcd:usb1, ', 'virtio7, '),
    action,
  })
  holds('finds every virtio action with its number', fc.array(line, { maxLength: 20 }), (lines) => {
    const text = lines
      .map(
        ({ irq, counts, chip, before, action }) =>
          `${String(irq).padStart(4)}: ${counts.join('  ')}   ${chip}      ${before}${action}`,
      )
      .join('\n')
    const found = parseVirtioInterrupts(`${text}\nNMI:  0   0   Non-maskable interrupts\n`)
    const last = new Map(
      lines.flatMap(({ irq, action, before }): [string, number][] => [
        [action, irq],
        ...(before.startsWith('virtio') ? ([['virtio7', irq]] as [string, number][]) : []),
      ]),
    )
    for (const [name] of last) expect(found.has(name), name).toBe(true)
    for (const [name, irq] of found) {
      expect(
        lines.some((one) => one.irq === irq && (one.action === name || one.before.startsWith(name))),
      ).toBe(true)
    }
  })
  holds('takes names and numbers only from where they belong', damaged(...interruptTexts), (text) => {
    for (const [name, irq] of parseVirtioInterrupts(text)) {
      const line = text
        .split('\n')
        .find((one) => Number(/^\s*(\d+)\s*:/.exec(one)?.[1] ?? Number.NaN) === irq && one.includes(name))
      expect(line, `${irq} ${name}`).toBeDefined()
      expect(name).toMatch(/^virtio[^ ]*$/)
    }
  })
})

describe('CPU lists and masks', () => {
  holds('read back what they print', cpuList, (cpus) => {
    expect(parseCpuList(formatCpuList(cpus))).toEqual(cpus)
    expect(parseCpuMask(formatCpuMask(cpus))).toEqual(cpus)
  })
  holds(
    'of any text are ascending, bounded by what is written, and stable',
    damaged('0-3,8\n', '0-1,1-2,71', '0,2-5,7,128-255'),
    (text) => {
      const cpus = parseCpuList(text)
      fc.pre(cpus !== undefined)
      expect(cpus).toEqual([...new Set(cpus)].sort((a, b) => a - b))
      expect(parseCpuList(formatCpuList(cpus))).toEqual(cpus)
      const written = numbersIn(text)
      for (const end of [cpus[0], cpus.at(-1)]) if (end !== undefined) expect(written.has(end)).toBe(true)
    },
  )
  holds(
    'masks of any text have as many bits as the text',
    damaged('ff\n', '00000001,ffffffff', '80,00000001,80000000'),
    (text) => {
      const cpus = parseCpuMask(text)
      fc.pre(cpus !== undefined)
      const bits = [...text.trim().replaceAll(',', '')].reduce(
        (sum, digit) => sum + (Number.parseInt(digit, 16).toString(2).match(/1/g)?.length ?? 0),
        0,
      )
      expect(cpus).toHaveLength(bits)
      expect(parseCpuMask(formatCpuMask(cpus))).toEqual(cpus)
    },
  )
})

describe('counters', () => {
  const netDev = guestFile('debian-6.12-4cpu-4q', 'proc/net/dev')
  const stat = 'cpu  10 0 20 3000 5 0 7 1 0 0\ncpu0 5 0 10 1500 5 0 7 1 0 0\nintr 4711 0 9\nctxt 33\n'
  holds(
    '/proc/net/dev: finds what was printed',
    fc.record({
      nic: word.filter((name) => name !== 'lo'),
      values: fc.array(count, { minLength: 16, maxLength: 16 }),
    }),
    ({ nic, values }) => {
      const text = `Inter-|   Receive  |  Transmit\n face |bytes |bytes\n    lo: ${new Array(16).fill(1).join(' ')}\n  ${nic}: ${values.join('   ')}\n`
      expect(parseNicCounters(text, nic)).toEqual({
        rxBytes: values[0],
        rxPackets: values[1],
        txBytes: values[8],
        txPackets: values[9],
      })
    },
  )
  holds('/proc/net/dev: invents no count', damaged(netDev), (text) => {
    const written = numbersIn(text)
    for (const value of Object.values(parseNicCounters(text, 'enp0s8') ?? {}))
      expect(written.has(value), `${value}`).toBe(true)
  })
  holds('/proc/stat: adds up, never to NaN', damaged(stat), (text) => {
    for (const [cpu, ticks] of parseCpuTicks(text)) {
      expect(cpu).toMatch(/^cpu\d*$/)
      for (const value of Object.values(ticks))
        expect(Number.isFinite(value) && value >= 0, JSON.stringify(ticks)).toBe(true)
      expect(ticks.softirq + ticks.stolen).toBeLessThanOrEqual(ticks.total)
    }
  })
})

describe('processes', () => {
  const SET = ['ethtool', '-L', 'eth0', 'combined', '2', ''].join('\0')
  holds(
    'that are seen at work have a number, arguments and a parent that are written there',
    fc.record({
      name: fc.oneof(fc.constantFrom('ethtool\n', 'tuna\n'), damaged('ethtool\n')),
      cmdline: damaged(SET),
      status: damaged('Name:\tethtool\nUmask:\t0022\nPid:\t812\nPPid:\t500\nTracerPid:\t0\n'),
    }),
    ({ name, cmdline, status }) => {
      const texts: Readonly<Record<string, string>> = { comm: name, cmdline, status }
      const host = Object.assign(
        systemReading((path) => texts[path.slice(path.lastIndexOf('/') + 1)]),
        { list: () => ['1', '812', 'self'] },
      )
      for (const one of readRunningTools(host, 4_711)) {
        must([1, 812].includes(one.pid) && name.trim() === one.name, one.name)
        for (const arg of one.args) must(cmdline.includes(arg) && !arg.includes('\0'), arg)
        must(one.parent === undefined || numbersIn(status).has(one.parent.pid), one.parent?.pid)
        const { evidence = 'none' } = runningWriter([one], 'channels', { nic: 'eth0', new: '2' }) ?? {}
        expect(evidence).toMatch(/^[^\p{Cc}\p{Zl}\p{Zp}]{1,200}$/u)
      }
    },
  )
  holds(
    'are told apart by their start, whatever they call themselves',
    fc.tuple(fc.string({ unit: 'binary', maxLength: 15 }), fc.nat()),
    ([name, ticks]) => {
      const before = Array.from({ length: 18 }, (_, i) => i)
      expect(parseStartTicks(`812 (${name}) S ${[...before, ticks].join(' ')} 1 2\n`)).toBe(`${ticks}`)
    },
  )
})

describe('DMI', () => {
  holds(
    'of any strings leads to a remedy for each platform that fits',
    fc.tuple(damaged('QEMU', 'Red Hat', 'Google'), damaged('Standard PC (Q35 + ICH9, 2009)', 'KVM')),
    ([vendor, product]) => {
      const nic = { mac: '52:54:00:12:34:56', bus: 'pci' } as const
      const request = { ...nic, name: 'eth0', target: 8, xdpQueues: 0, maximum: 2, vcpus: 8 }
      const remedies = remediesFor(evidenceWith({ ...nic, vendor, product }), request)
      must(
        remedies.length >= 1 && new Set(remedies.map(({ platform }) => platform)).size === remedies.length,
        vendor,
      )
      for (const { reaches } of remedies) must(reaches >= 1 && reaches <= 8, reaches)
    },
  )
})

describe('udevadm monitor', () => {
  const path = fc.array(word, { minLength: 1, maxLength: 6 }).map((parts) => `/${parts.join('/')}`)
  holds(
    'finds what was printed',
    fc.record({
      seconds: fc.nat(),
      micros: fc.nat(999_999),
      action: fc.constantFrom('add', 'remove', 'move'),
      path,
      subsystem: fc.constantFrom('net', 'queues', 'cpu'),
    }),
    ({ seconds, micros, action, path, subsystem }) => {
      const line = `KERNEL[${seconds}.${String(micros).padStart(6, '0')}] ${action.padEnd(8)} ${path} (${subsystem})`
      expect(parseKernelEvent(line)).toEqual({ action, device: path, subsystem })
    },
  )
  holds(
    'of any line takes words of it',
    damaged(
      'KERNEL[12.345678] add      /devices/pci0000:00/0000:00:08.0/virtio3/net/enp0s8/queues/rx-1 (queues)',
    ),
    (line) => {
      const event = parseKernelEvent(line)
      fc.pre(event !== undefined)
      for (const part of Object.values(event)) expect(line.includes(part) && /^\S+$/.test(part)).toBe(true)
      if (event.subsystem !== 'cpu')
        expect(concernsUs(event)).toBe(!/^\/devices\/virtual\//.test(event.device))
    },
  )
})

describe('ip -j -d link show', () => {
  type Entry = { ifname?: unknown; altnames?: unknown[]; xdp?: unknown; prog?: unknown } | null
  /** iproute2's control characters are no JSON; the parser mends them. */
  const entriesOf = (text: string): Entry[] => JSON.parse(escapeControl(text))
  holds(
    'is a map of what JSON says, or one line of error',
    damaged(...linkTexts, fixture('host/debian12-libvirt9/ip-link.json')),
    (text) => {
      const links = parsedOrRefused(() => parseLinks(text))
      fc.pre(links !== undefined)
      const entries = entriesOf(text)
      const written = numbersIn(text)
      for (const [name, { altnames, xdp, tapQueues }] of links) {
        const entry = entries.findLast((one) => one?.ifname === name)
        must(entry !== undefined, name)
        for (const altname of altnames) expect(entry?.altnames).toContain(altname)
        if (xdp) expect(entry?.xdp ?? entry?.prog).toMatchObject({})
        for (const queues of Object.values(tapQueues ?? {}))
          expect(written.has(queues), `${queues}`).toBe(true)
      }
    },
  )
})

describe('ip route, ip neigh', () => {
  const address = fc.oneof(fc.ipV4(), fc.ipV6())
  holds(
    'find what was printed',
    fc.record({
      address,
      mac: fc.option(mac),
      flag: fc.constantFrom('', 'router ', 'extern_learn  '),
      state: fc.constantFrom('REACHABLE', 'STALE', 'DELAY', 'PROBE', 'FAILED', 'NOARP', 'PERMANENT'),
      end: fc.constantFrom('', ' ', ' proto zebra ', '\n10.0.0.2 INCOMPLETE'),
      via: fc.constantFrom('via ', 'via inet6 '),
    }),
    ({ address, mac, flag, state, end, via }) => {
      const route = `default ${via}${address} proto dhcp metric 100 \ndefault via 10.0.0.9 metric 200 \n`
      expect(parseGateway(route)).toBe(address)
      const entry = `${address} ${mac === null ? '' : `lladdr ${mac} `}${flag}${state}${end}\n`
      const flags = flag === '' ? [] : [flag.trim()]
      expect(parseNeighbour(entry)).toEqual({ state, address: mac ?? undefined, flags })
    },
  )
  holds(
    'take words of the text',
    damaged(
      'default via 10.0.0.1 proto dhcp metric 100\n',
      'default via fe80::1 dev eth0\n',
      '10.0.0.1 lladdr 52:54:00:12:34:56 router REACHABLE\n',
    ),
    (text) => {
      const gateway = parseGateway(text)
      if (gateway !== undefined) expect(text).toMatch(/default via /)
      const { state, address } = parseNeighbour(text)
      for (const found of [gateway, state, address]) if (found !== undefined) expect(text).toContain(found)
    },
  )
})
