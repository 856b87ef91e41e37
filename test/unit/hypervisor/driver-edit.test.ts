import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { hidePasswords, unifiedDiff } from '../../../src/hypervisor/change/diff'
import { offeredQueues, parseDomain } from '../../../src/hypervisor/libvirt/domain'
import { setInterfaceQueues } from '../../../src/hypervisor/libvirt/driver-edit'
import { attributeOf, scanXml } from '../../../src/hypervisor/libvirt/xml-scan'
import { recorded } from './recorded'

const xml = recorded('web01.inactive.xml')
const FIRST = '52:54:00:00:00:01' // <driver name='qemu' queues='4'/>
const SECOND = '52:54:00:00:00:02' // no <driver>
const changedLines = (before: string, after: string) =>
  unifiedDiff('x', before, after)
    .split('\n')
    .filter((line) => /^[-+](?![-+])/.test(line))

describe('setInterfaceQueues', () => {
  it('replaces only the number where there is one', () => {
    expect(changedLines(xml, setInterfaceQueues(xml, [FIRST], 8))).toEqual([
      "-      <driver name='qemu' queues='4'/>",
      "+      <driver name='qemu' queues='8'/>",
    ])
  })

  it('adds a driver after the model, where libvirt would write it', () => {
    const after = setInterfaceQueues(xml, [SECOND], 2)
    expect(changedLines(xml, after)).toEqual(["+      <driver queues='2'/>"])
    expect(after).toMatch(/<model type='virtio'\/>\n {6}<driver queues='2'\/>/)
  })

  it('removes the attribute for one queue, and a driver that says nothing else', () => {
    expect(changedLines(xml, setInterfaceQueues(xml, [FIRST], 1))).toEqual([
      "-      <driver name='qemu' queues='4'/>",
      "+      <driver name='qemu'/>",
    ])
    const added = setInterfaceQueues(xml, [SECOND], 2)
    expect(setInterfaceQueues(added, [SECOND], 1)).toBe(xml)
    expect(setInterfaceQueues(xml, [SECOND], 1)).toBe(xml)
  })

  it('keeps children of the driver, other quotes, comments and a MAC inside a comment', () => {
    const odd = xml
      .replace(
        "<driver name='qemu' queues='4'/>",
        `<!-- <mac address='${SECOND}'/> > --><driver  name="vhost"><host tso4='off'/></driver>`,
      )
      .replace('<devices>', '<devices><![CDATA[ <interface> ]]>')
    const after = setInterfaceQueues(odd, [FIRST], 3)
    expect(after).toBe(odd.replace(`name="vhost">`, `name="vhost" queues='3'>`))
  })

  it('refuses a MAC that is missing or there twice', () => {
    expect(() => setInterfaceQueues(xml, ['52:54:00:00:00:99'], 2)).toThrow('0 interfaces have the MAC')
    const twice = xml.replace(SECOND, FIRST)
    expect(() => setInterfaceQueues(twice, [FIRST], 2)).toThrow('2 interfaces have the MAC')
  })

  it('changes what it is asked for and nothing else, for any counts', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 256 }), fc.integer({ min: 1, max: 256 }), (a, b) => {
        const once = setInterfaceQueues(xml, [FIRST, SECOND], a)
        const nics = parseDomain(once, 'test').interfaces
        expect(nics.filter((nic) => [FIRST, SECOND].includes(nic.mac)).map(offeredQueues)).toEqual([a, a])
        expect(nics.slice(2)).toEqual(parseDomain(xml, 'test').interfaces.slice(2))
        // The way does not matter, only the last request.
        expect(setInterfaceQueues(once, [FIRST, SECOND], b)).toBe(setInterfaceQueues(xml, [FIRST, SECOND], b))
        expect(setInterfaceQueues(setInterfaceQueues(once, [SECOND], 1), [FIRST], 4)).toBe(
          a === 1 ? xml.replace(" queues='4'", '').replace("name='qemu'", "name='qemu' queues='4'") : xml,
        )
      }),
      { numRuns: 40 },
    )
  })
})

describe('scanXml', () => {
  it('sees through declarations, comments and > in attributes', () => {
    const root = scanXml(`<?xml version='1.0'?><!DOCTYPE a><!-- <b> --><a x="1>2" y = 'z'><b/><c>t</c></a>\n`)
    expect(root?.children.map((child) => child.name)).toEqual(['b', 'c'])
    expect(attributeOf(root, 'x')).toBe('1>2')
    expect(attributeOf(root, 'y')).toBe('z')
  })
})

describe('parseDomain', () => {
  it.each([
    ['<domain><name>x', 'malformed XML at line 1'],
    ['', 'malformed XML'],
    ['<network><name>x</name></network>', 'not a domain'],
    [xml.replace("queues='4'", "queues='four'"), "interface 1: queues='four' is not a number"],
    [xml.replace("<mac address='52:54:00:00:00:02'/>", ''), 'interface 2: no <mac address>'],
  ])('refuses %#', (text, message) => {
    expect(() => parseDomain(text, 'web01')).toThrow(message)
    expect(() => parseDomain(text, 'web01')).toThrow(/^web01: /)
  })

  it('reads the running guest', () => {
    const live = parseDomain(recorded('web01.live.xml'), 'web01')
    expect(live).toMatchObject({ name: 'web01', type: 'qemu', id: 1, vcpus: { current: 2, maximum: 4 } })
    expect(live.interfaces.map(({ target, queues }) => [target, queues])).toEqual([
      ['vnet0', 4],
      ['vnet1', undefined],
      ['vnet2', undefined],
      [undefined, undefined],
    ])
  })
})

describe('unifiedDiff', () => {
  it('is what patch understands: new file, removed file, missing last newline', () => {
    expect(unifiedDiff('f', undefined, 'a\n')).toBe('--- /dev/null\n+++ f\n@@ -0,0 +1 @@\n+a\n')
    expect(unifiedDiff('f', 'a\n', undefined)).toBe('--- f\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n')
    expect(unifiedDiff('f', 'a', 'b\n')).toBe(
      '--- f\n+++ f\n@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+b\n',
    )
    expect(unifiedDiff('f', 'a\n', 'a\n')).toBe('')
  })

  it('hides passwords', () => {
    expect(hidePasswords(`+ <graphics passwd='s3cret' x='1'/>`)).toBe(`+ <graphics passwd='***' x='1'/>`)
  })
})
