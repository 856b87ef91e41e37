/** What the host verbs read and edit: libvirt's XML, qemu.conf, modprobe.d, virsh, QEMU's command line, tracefs. */

import fc from 'fast-check'
import { XMLParser } from 'fast-xml-parser'
import { describe, expect } from 'vitest'
import { hidePasswords, unifiedDiff } from '../../src/hypervisor/change/diff'
import { type Domain, parseDomain } from '../../src/hypervisor/libvirt/domain'
import { type InterfacePlace, setInterfaceQueues } from '../../src/hypervisor/libvirt/driver-edit'
import { readNumber, scanConf, withNumber } from '../../src/hypervisor/libvirt/qemu-conf'
import { parseQueueRequest } from '../../src/hypervisor/libvirt/queue-request'
import { parseDomainList, parseInfo, virshError } from '../../src/hypervisor/libvirt/virsh-output'
import { parseXml } from '../../src/hypervisor/libvirt/xml'
import { scanXml, type XmlElement } from '../../src/hypervisor/libvirt/xml-scan'
import { isGuest, parseOpenFilesLimit, parseVectors } from '../../src/hypervisor/qemu/process'
import { parseScatterGather } from '../../src/hypervisor/zerocopy/conditions'
import { parseHistogram } from '../../src/hypervisor/zerocopy/histogram'
import { isOn, ownConf, parseModprobeConf } from '../../src/hypervisor/zerocopy/modprobe-conf'
import { parseUsers } from '../../src/hypervisor/zerocopy/module'
import { probeTarget } from '../../src/hypervisor/zerocopy/probe-target'
import { systemReading } from '../support/systems'
import { holds, must, parsedOrRefused } from './lib/check'
import { damaged, fixture, mac, numbersIn, word } from './lib/texts'

const HOST = 'host/debian12-libvirt9'
const inactive = fixture(`${HOST}/web01.inactive.xml`)
// A third of the length: more of the damage hits the interfaces.
const small =
  inactive.slice(0, inactive.indexOf('<os>')) +
  '<devices>\n' +
  inactive.slice(inactive.indexOf('    <interface type'), inactive.lastIndexOf('</interface>')) +
  '</interface>\n  </devices>\n</domain>\n'

/** White space, quotes and neighbours as people leave them in XML. */
const gap = fc.constantFrom('', ' ', '\n    ', '\t', '\n<!-- <driver queues="9"/> > -->\n')
const inTag = fc.constantFrom(' ', '  ', '\n\t')
const quote = fc.constantFrom("'", '"')
const oneInterface = fc
  .record({
    gap,
    inTag,
    quote,
    mac,
    queues: fc.option(fc.integer({ min: 0, max: 300 })),
    named: fc.boolean(),
    rest: fc.constantFrom('', "<host csum='off'/>", '<guest/>'),
    closed: fc.boolean(),
    extra: fc.constantFrom('', "<source bridge='br>0'/>", '<alias name="a/b"/>'),
  })
  .map(({ gap, inTag, quote, mac, queues, named, rest, closed, extra }) => {
    const attributes = [
      ...(named ? [`name=${quote}vhost${quote}`] : []),
      ...(queues === null ? [] : [`queues=${quote}${queues}${quote}`]),
    ]
    const start = `<driver${attributes.map((attribute) => inTag + attribute).join('')}`
    const driver =
      attributes.length === 0 && rest === ''
        ? ''
        : rest === '' && closed
          ? `${start}/>`
          : `${start}>${rest}</driver>`
    return {
      mac,
      queues,
      xml: `<interface type='network'>${gap}<mac address=${quote}${mac.toUpperCase()}${quote}/>${gap}${extra}${gap}<model type="virtio"/>${gap}${driver}${gap}</interface>`,
    }
  })
const anyDomain = fc
  .record({
    interfaces: fc.uniqueArray(oneInterface, { minLength: 1, maxLength: 4, selector: (one) => one.mac }),
    gap,
    note: fc.constantFrom('', '<description><![CDATA[<interface> & ]]></description>', '<!-- <devices> -->'),
  })
  .map(({ interfaces, gap, note }) => ({
    interfaces,
    xml: `<domain type='kvm'>${gap}<name>web</name>${note}<uuid>e2f8a9de-0000-4000-8000-000000000000</uuid><vcpu>4</vcpu>${gap}<devices>${gap}${interfaces.map((one) => one.xml).join(gap)}</devices>\n</domain>\n`,
  }))

function withoutQueues(domain: Domain) {
  return {
    ...domain,
    interfaces: domain.interfaces.map((nic) => ({ ...nic, queues: undefined, driver: nic.driver })),
  }
}

/** The edit of some interfaces changed their queues and no byte elsewhere. */
function expectOnlyQueues(
  before: string,
  after: string,
  places: readonly InterfacePlace[],
  queues: number,
): void {
  const [old, now] = [parseDomain(before, 'before'), parseDomain(after, 'after')]
  expect(withoutQueues(now)).toEqual(withoutQueues(old))
  for (const [index, nic] of now.interfaces.entries()) {
    if (places.some((place) => place.index === index)) expect(nic.queues ?? 1).toBe(queues)
    else expect(nic.queues).toBe(old.interfaces[index]?.queues)
  }
  const strip = (xml: string) =>
    xml
      .replace(/\n?[ \t]*<driver\s+queues=(?:'[^']*'|"[^"]*")\s*\/>/g, '')
      .replace(/\s+queues=(?:'[^']*'|"[^"]*")/g, '')
  const bare = (xml: string) => strip(xml).replace(/\n?[ \t]*<driver\s*(?:\/>|><\/driver>)/g, '')
  expect(bare(after)).toBe(bare(before))
}

describe('libvirt XML', () => {
  holds(
    'an edit changes the queues of the interfaces that it is about, once, and no other byte',
    fc.tuple(anyDomain, fc.integer({ min: 1, max: 256 }), fc.nat(15)),
    ([{ xml, interfaces }, queues, choice]) => {
      const places = interfaces
        .map(({ mac }, index) => ({ index, mac }))
        .filter(({ index }) => (choice >> index) & 1)
      const after = setInterfaceQueues(xml, places, queues)
      expectOnlyQueues(xml, after, places, queues)
      expect(setInterfaceQueues(after, places, queues)).toBe(after)
    },
  )
  holds('an edit of damaged XML does the same, or is refused in one line', damaged(small), (xml) => {
    const domain = parsedOrRefused(() => parseDomain(xml, 'web01'))
    fc.pre(domain !== undefined)
    const written = numbersIn(xml)
    const { current, maximum } = domain.vcpus
    for (const number of [maximum, current, ...domain.interfaces.map((nic) => nic.queues ?? 1)])
      must(number === 1 || written.has(number), number)
    const places = domain.interfaces.slice(0, 2)
    const after = parsedOrRefused(() => setInterfaceQueues(xml, places, 8))
    if (after !== undefined) expectOnlyQueues(xml, after, places, 8)
  })
  holds(
    'positions are those of the elements that an XML parser finds',
    fc.oneof(
      anyDomain.map(({ xml }) => xml),
      damaged(small),
    ),
    (xml) => {
      fc.pre(
        parsedOrRefused(() => parseXml(xml, 'x') ?? true) !== undefined && !/<!DOCTYPE|<!ENTITY/i.test(xml),
      )
      const root = scanXml(xml)
      fc.pre(root !== undefined)
      const check = (element: XmlElement): void => {
        must(
          xml.startsWith(`<${element.name}`, element.start) &&
            xml[element.tagEnd - 1] === '>' &&
            xml[element.end - 1] === '>',
          element.name,
        )
        for (const { name, rawValue, start, valueStart, valueEnd, end } of element.attributes) {
          expect(xml.slice(valueStart, valueEnd)).toBe(rawValue)
          must(xml.slice(start, end).trim().startsWith(name), name)
        }
        let last = element.tagEnd
        for (const child of element.children) {
          must(child.start >= last && child.end <= element.contentEnd, child.name)
          last = child.end
          check(child)
        }
      }
      check(root)
      const names = (element: XmlElement): string => `${element.name}(${element.children.map(names).join()})`
      const parsed: unknown[] = new XMLParser({
        preserveOrder: true,
        ignoreAttributes: true,
        parseTagValue: false,
        ignorePiTags: true,
      }).parse(xml)
      type Node = Record<string, Node[]>
      const parsedNames = (node: Node): string =>
        Object.entries(node)
          .filter(([name]) => name !== '#text' && name !== ':@')
          .map(([name, children]) => `${name}(${children.map(parsedNames).filter(Boolean).join()})`)
          .join('')
      const first = parsed.map((node) => parsedNames(node as Node)).filter(Boolean)[0]
      expect(names(root)).toBe(first)
    },
  )
})

describe('qemu.conf', () => {
  const conf = fixture(`${HOST}/qemu.conf`)
  const sample = `# comment\nuser = "root"\n#max_files = 0\nmax_files = 4096 # why\ncgroup_device_acl = [\n    "/dev/null", # one\n    "/dev/]full"\n]\nlong = """a\nmax_files = 1\n"""\n`
  holds(
    'an edit sets the number, once, and changes no other byte',
    fc.tuple(damaged(sample, conf.slice(0, 900)), fc.nat(1_048_576)),
    ([text, value]) => {
      const before = parsedOrRefused(() => scanConf(text, 'qemu.conf'))
      fc.pre(before !== undefined)
      const after = withNumber(text, 'max_files', value, 'qemu.conf')
      expect(readNumber(after, 'max_files', 'qemu.conf')).toBe(value)
      expect(withNumber(after, 'max_files', value, 'qemu.conf')).toBe(after)
      const others = (conf: string) =>
        scanConf(conf, 'qemu.conf')
          .filter(({ key }) => key !== 'max_files')
          .map(({ key, rawValue }) => [key, rawValue])
      expect(others(after)).toEqual(others(text))
      if (before.some(({ key }) => key === 'max_files')) {
        const blanked = (conf: string) => {
          let out = ''
          let at = 0
          for (const { key, valueStart, valueEnd } of scanConf(conf, 'qemu.conf')) {
            if (key !== 'max_files') continue
            out += conf.slice(at, valueStart)
            at = valueEnd
          }
          return out + conf.slice(at)
        }
        expect(blanked(after)).toBe(blanked(text))
      } else {
        // One insertion: what is before and what is after it make up the old text.
        let before = 0
        while (before < text.length && text[before] === after[before]) before++
        let behind = 0
        while (behind < text.length && text.at(-1 - behind) === after.at(-1 - behind)) behind++
        must(before + behind >= text.length, after)
        must(after.length - text.length <= `max_files = ${value}\n`.length + 1, after)
      }
    },
  )
  holds(
    'of any text are assignments in place, a number, or one line of error',
    damaged(sample, conf.slice(0, 1_500)),
    (text) => {
      let last = 0
      for (const { key, rawValue, valueStart, valueEnd, line } of parsedOrRefused(() =>
        scanConf(text, '/etc/libvirt/qemu.conf'),
      ) ?? []) {
        must(valueStart >= last && text.slice(valueStart, valueEnd) === rawValue, rawValue)
        must(text.split('\n')[line - 1]?.includes(key) === true, `${key} is not on line ${line}`)
        last = valueEnd
      }
      const number = parsedOrRefused(() => readNumber(text, 'max_files', '/etc/libvirt/qemu.conf')) ?? 0
      must(number === 0 || numbersIn(text).has(number), number)
    },
  )
})

describe('vhost_net', () => {
  holds(
    'modprobe.d: takes values from option lines of the module only',
    damaged(
      '# x\noptions vhost_net experimental_zcopytx=1\noptions vhost-net \\\n  foo=2 experimental_zcopytx="0"\nblacklist floppy\n',
      ownConf(true),
      ownConf(false),
    ),
    (text) => {
      for (const { value, source } of parseModprobeConf(text, '/etc/modprobe.d/x.conf')) {
        must(text.replaceAll('\\\n', '').includes(value), value)
        const line = Number(/^\/etc\/modprobe\.d\/x\.conf:(\d+)$/.exec(source)?.[1])
        must(line >= 1 && line <= text.split('\n').length, source)
        // As the kernel reads a number (kstrtoint), where JavaScript knows it, too.
        const number = /^[+-]?(?:0|[1-9]\d{0,8})$/.test(value) ? Number(value) : undefined
        must(number === undefined || isOn(value) === (number !== 0), value)
      }
    },
  )
  holds(
    'reads its own file back, and numbers as the kernel does',
    fc.tuple(fc.boolean(), fc.integer()),
    ([on, number]) => {
      const [found, ...more] = parseModprobeConf(ownConf(on), 'f')
      expect([isOn(found?.value ?? ''), more]).toEqual([on, []])
      expect(isOn(String(number))).toBe(number !== 0)
      expect(isOn(`0x${Math.abs(number).toString(16)}`)).toBe(number !== 0)
    },
  )
  holds(
    'its kernel function is one that the symbols name, for any release',
    fc.tuple(
      damaged('0000 t vhost_zerocopy_callback\t[vhost_net]\n', '0000 t vhost_zerocopy_complete\n'),
      damaged('5.14.0-427.el9\n', '4.18.0'),
      fc.boolean(),
    ),
    ([symbols, release, builtin]) => {
      const system = systemReading((path) => (path.endsWith('kallsyms') ? symbols : release))
      const module = { parameter: 'present', running: true, users: 1, configured: undefined } as const
      const target = parsedOrRefused(() =>
        probeTarget(system, { ...module, state: builtin ? 'builtin' : 'loaded' }),
      )
      fc.pre(target !== undefined)
      const name = target.location.replace('vhost_net:', '')
      must(symbols.includes(name) && target.location.includes(':') === !builtin, target.location)
      expect(target.fetches[0]).toMatch(/^\$arg[23]:u8$/)
    },
  )
  holds(
    'scatter-gather: only what ethtool -k says of it',
    damaged(fixture(`${HOST}/ethtool-k-lo.txt`).slice(0, 400)),
    (text) => {
      const found = parseScatterGather(text)
      fc.pre(found !== undefined)
      must(text.includes(`scatter-gather: ${found ? 'on' : 'off'}`), text)
    },
  )
  holds(
    '/proc/modules and histograms: numbers that are written there',
    damaged(
      'vhost_net 36864 4 - Live 0xffff\nvhost 57344 1 vhost_net, Live 0x0\n',
      fixture(`${HOST}/hist-works.txt`),
      fixture(`${HOST}/hist-copied.txt`),
    ),
    (text) => {
      const written = numbersIn(text)
      const users = parseUsers(text)
      must(users === undefined || written.has(users), users)
      for (const [key, hits] of parseHistogram(text))
        must(written.has(key) && written.has(hits), `${key} ${hits}`)
    },
  )
})

describe('virsh and QEMU', () => {
  const guestName = fc
    .oneof(fc.string({ minLength: 1 }), fc.stringMatching(/^[a,]{1,6}$/))
    .filter((name) => !name.includes('\0'))
  holds(
    'lists and errors: words of the text, one line',
    damaged(
      fixture(`${HOST}/list.txt`),
      fixture(`${HOST}/dominfo.txt`),
      'error: failed to connect to the hypervisor\nerror: Permission denied\n',
    ),
    (text) => {
      for (const { name, uuid } of parseDomainList(text))
        must(text.includes(name) && text.includes(uuid) && name.trim() === name, name)
      for (const [key, value] of parseInfo(text))
        must(text.includes(key) && text.includes(value) && value.trim() === value, key)
      expect(
        parsedOrRefused(() => {
          throw virshError('qemu:///system', { code: 1, stdout: '', stderr: text })
        }),
      ).toBeUndefined()
    },
  )
  holds(
    'the command line: vectors and the name',
    fc.record({
      name: guestName,
      // Names are told apart also where commas, which are doubled there, are all that is different.
      other: fc.oneof(guestName, fc.constantFrom(',', ',,', ',x')),
      mac,
      vectors: fc.nat(600),
      json: fc.boolean(),
    }),
    ({ name, other, mac, vectors, json }) => {
      const device = json
        ? `{"driver":"virtio-net-pci","mq":true,"vectors":${vectors},"mac":"${mac}"}`
        : `virtio-net-pci,mq=on,vectors=${vectors},mac=${mac}`
      const cmdline = [
        '/usr/bin/qemu',
        '-name',
        `guest=${name.replaceAll(',', ',,')},debug-threads=on`,
        '-device',
        device,
        '',
      ].join('\0')
      expect(isGuest(cmdline, name)).toBe(true)
      expect(isGuest(cmdline, name + other)).toBe(false)
      expect(isGuest(cmdline, other)).toBe(other === name)
      for (let end = 1; end < name.length; end++) expect(isGuest(cmdline, name.slice(0, end))).toBe(false)
      expect(parseVectors(cmdline)).toEqual(new Map([[mac, vectors]]))
    },
  )
  holds(
    'the command line and limits of any text: numbers that are written there',
    damaged(fixture(`${HOST}/cmdline`), fixture(`${HOST}/limits`)),
    (text) => {
      const written = numbersIn(text)
      for (const vectors of parseVectors(text).values()) must(written.has(vectors), vectors)
      const limit = parseOpenFilesLimit(text)
      must(limit === undefined || limit === Number.POSITIVE_INFINITY || written.has(limit), limit)
    },
  )
})

describe('set-queues', () => {
  holds('takes 1 to 256 or vcpus, and refuses the rest in one line', damaged('vcpus', '4', '256'), (text) => {
    const request = parsedOrRefused(() => parseQueueRequest(text))
    fc.pre(request !== undefined)
    if (request === 'vcpus') expect(text).toBe('vcpus')
    else must(request >= 1 && request <= 256 && numbersIn(text).has(request), text)
  })
})

describe('diffs', () => {
  const lines = fc.array(fc.constantFrom('a', 'b', 'c', '', "<graphics passwd='secret'/>"), { maxLength: 12 })
  holds(
    'give the second text when applied to the first',
    fc.tuple(lines, lines, fc.boolean(), fc.boolean()),
    ([a, b, endA, endB]) => {
      const [before, after] = [a.join('\n') + (endA ? '\n' : ''), b.join('\n') + (endB ? '\n' : '')]
      const diff = unifiedDiff('x', before, after)
      expect(diff === '').toBe(before === after)
      fc.pre(diff !== '')
      const [, , ...body] = diff.split('\n')
      const side = (sign: string) => body.filter((line) => line.startsWith(sign)).length
      const total = (text: string) =>
        text === '' ? 0 : text.split('\n').length - (text.endsWith('\n') ? 1 : 0)
      expect(side('+') - side('-')).toBe(total(after) - total(before))
      must(!hidePasswords(diff).includes('secret'), diff)
    },
  )
  holds('hide passwords however they are quoted', word, (password) => {
    must(!hidePasswords(`+<graphics passwd="${password}Z9"/>`).includes(`${password}Z9`), password)
  })
})
