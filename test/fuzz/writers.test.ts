/** The files of other programs that may write channels, IRQ affinity or XPS. */
import fc from 'fast-check'
import { describe, expect } from 'vitest'
import { parseOptions } from '../../src/irqbalance/options'
import { openSystem } from '../../src/system/system'
import { ifcfgWriters } from '../../src/writers/ifcfg'
import { iniValue, parseIni } from '../../src/writers/ini'
import { linkMatches } from '../../src/writers/link'
import { keyfileWriter } from '../../src/writers/network-manager'
import { activeSections } from '../../src/writers/tuned'
import { rulesWriters } from '../../src/writers/udev-rules'
import type { Writer } from '../../src/writers/writer'
import { nicOf } from '../support/simulated-kernel'
import { systemReading } from '../support/systems'
import { holds, must } from './lib/check'
import { damaged, numbersIn, word } from './lib/texts'

const NONE = openSystem('/nowhere')
const nic = nicOf({ ifindex: 2, maximum: 4 }, [0, 1, 2, 3])
const line = fc.stringMatching(/^[A-Za-z0-9 ,.:*!/-]{0,20}$/).map((text) => text.trim())

/** A finding is text for people: short clauses without line ends. */
function expectReadable(writer: Writer, name: Writer['writer']): void {
  expect(writer.writer).toBe(name)
  for (const text of [writer.where, writer.what, writer.remedy])
    expect(text).toMatch(/^[^\n\r\u2028\u2029]+$/)
  must(['yes', 'maybe'].includes(writer.matches), writer.matches)
}

describe('INI files', () => {
  holds(
    'read back what was written, whatever the line ends and comments between',
    fc.tuple(
      fc.array(fc.tuple(word, fc.array(fc.tuple(word, line), { maxLength: 4 })), { maxLength: 4 }),
      fc.constantFrom('\n', '\r\n'),
      fc.constantFrom('', '# x = y', '; [z]', '  '),
    ),
    ([sections, end, noise]) => {
      const text = sections
        .map(([name, pairs]) =>
          [`[${name}]`, noise, ...pairs.map(([key, value]) => `${key} = ${value}`), noise].join(end),
        )
        .join(end)
      const expected = new Map<string, [string, string][]>()
      for (const [name, pairs] of sections) expected.set(name, [...(expected.get(name) ?? []), ...pairs])
      expect(parseIni(text)).toEqual(expected)
      for (const [name, pairs] of expected)
        for (const [key] of pairs)
          expect(iniValue(parseIni(text), name, key)).toBe(pairs.findLast(([other]) => other === key)?.[1])
    },
  )
  const link = '[Match]\nOriginalName=eth* !eth9\nDriver=virtio_net\n[Link]\nCombinedChannels=2\n'
  const keyfile = `[connection]\nid=Wired 1\ninterface-name=${nic.name}\n[ethernet]\nmac-address=${nic.mac}\n[ethtool]\nchannels-combined=2\nring-rx=512\n`
  holds('of any text: sections, keys and values of the text', damaged(link, keyfile), (text) => {
    const joined = text.replace(/\\\r?\n/g, ' ')
    for (const [name, pairs] of parseIni(text))
      for (const part of [name, ...pairs.flat()]) must(joined.includes(part) && !part.includes('\n'), part)
    // systemd ignores a file without conditions.
    if (!parseIni(text).has('Match')) expect(linkMatches(parseIni(text), nic)).toBe('no')
  })
  holds('a keyfile of any text: one readable finding, or none', damaged(keyfile), (text) => {
    const writer = keyfileWriter('/etc/NetworkManager/system-connections/x', text, nic)
    fc.pre(writer !== undefined)
    expectReadable(writer, 'NetworkManager')
    must(/channels-/.test(text), text)
  })
  const profile =
    '[main]\ninclude=base,-$x\n[net]\ndevices=!eth9,eth*\nchannels=combined 4\n[scheduler]\nisolated_cores=2-3\n'
  holds(
    'tuned profiles that include one another in circles end',
    fc.tuple(damaged(profile), damaged('[main]\ninclude=top base\n[net]\nreplace=1\nchannels=combined 2\n')),
    ([top, base]) => {
      const system = systemReading((path) =>
        path.endsWith('/top/tuned.conf') ? top : path.endsWith('/base/tuned.conf') ? base : undefined,
      )
      for (const { name, options, where } of activeSections(system, ['top', 'base'])) {
        must(/\/(top|base)\/tuned\.conf$/.test(where), where)
        const texts = [top, base].map((text) => text.replace(/\\\r?\n/g, ' '))
        for (const part of [name, ...[...options].flat()])
          must(
            texts.some((text) => text.includes(part)),
            part,
          )
      }
    },
  )
})

describe('ifcfg', () => {
  holds(
    'finds -L of this NIC however it is quoted',
    fc.tuple(
      fc.constantFrom("'", '"'),
      fc.integer({ min: 1, max: 256 }),
      fc.constantFrom('-L', '--set-channels'),
    ),
    ([quote, channels, option]) => {
      const text = `DEVICE=${nic.name}\nONBOOT=yes\nETHTOOL_OPTS=${quote}-G ${nic.name} rx 512; ${option} ${nic.name} combined ${channels}${quote}\n`
      const [writer] = ifcfgWriters(NONE, '/etc/sysconfig/network-scripts/ifcfg-x', text, nic)
      expect(writer).toMatchObject({ matches: 'yes', tunable: 'channels' })
      expect(writer?.what).toContain(`combined ${channels}`)
    },
  )
  holds(
    'of any text: nothing, or one readable finding',
    damaged(`DEVICE=${nic.name}\nHWADDR=${nic.mac}\nexport ETHTOOL_OPTS="-L ${nic.name} combined 4"\n`),
    (text) => {
      const [writer] = ifcfgWriters(NONE, '/etc/sysconfig/network-scripts/ifcfg-x', text, nic)
      fc.pre(writer !== undefined)
      expectReadable(writer, 'ifcfg')
      must(/-L|--set-channels/.test(text), text)
    },
  )
})

describe('udev rules', () => {
  const rules = `# x\nACTION=="add", SUBSYSTEM=="net", DRIVERS=="virtio_net", RUN+="/usr/sbin/ethtool -L %k combined 4"\nSUBSYSTEM=="net", \\\n  KERNEL!="lo", ATTR{queues/tx-0/xps_cpus}="f"\nRUN+="/bin/sh -c 'echo 1 > /proc/irq/24/smp_affinity'"\n`
  holds('of any text: findings with a line of the text', damaged(rules), (text) => {
    for (const writer of rulesWriters(NONE, '/etc/udev/rules.d/70-x.rules', text, nic)) {
      expectReadable(writer, 'udev-rule')
      const at = Number(/:(\d+)$/.exec(writer.where)?.[1])
      must(at >= 1 && at <= text.split('\n').length, writer.where)
    }
  })
})

describe('irqbalance', () => {
  holds(
    'finds banned IRQs in every spelling',
    fc.array(fc.tuple(fc.nat(9_999), fc.nat(3)), { maxLength: 6 }),
    (banned) => {
      const args = banned.flatMap(
        ([irq, how]) =>
          [[`--banirq=${irq}`], ['--banirq', `${irq}`], ['-i', `${irq}`], [`-i${irq}`]][how] ?? [],
      )
      expect(parseOptions(['/usr/sbin/irqbalance', ...args]).bannedIrqs).toEqual(
        new Set(banned.map(([irq]) => irq)),
      )
    },
  )
  holds(
    'of any text: numbers that are written there',
    damaged('/usr/sbin/irqbalance\0--foreground\0--banirq=24\0-i\u000025\0'),
    (text) => {
      for (const irq of parseOptions(text.split('\0')).bannedIrqs) must(numbersIn(text).has(irq), irq)
    },
  )
})
