import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { unifiedDiff } from '../../../../src/hypervisor/change/diff'
import { offeredQueues, parseDomain } from '../../../../src/hypervisor/libvirt/domain'
import { attachableInterface, setInterfaceQueues } from '../../../../src/hypervisor/libvirt/driver-edit'
import { recorded } from '../recorded'

const xml = recorded('web01.inactive.xml')
const FIRST = { index: 0, mac: '52:54:00:00:00:01' } // <driver name='qemu' queues='4'/>
const SECOND = { index: 1, mac: '52:54:00:00:00:02' } // no <driver>
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
        `<!-- <mac address='${SECOND.mac}'/> > --><driver  name="vhost"><host tso4='off'/></driver>`,
      )
      .replace('<devices>', '<devices><![CDATA[ <interface> ]]>')
    const after = setInterfaceQueues(odd, [FIRST], 3)
    expect(after).toBe(odd.replace(`name="vhost">`, `name="vhost" queues='3'>`))
  })

  it('takes an interface by its place, since a MAC may be there twice, and refuses one that is another', () => {
    const twice = xml.replace(SECOND.mac, FIRST.mac)
    const after = setInterfaceQueues(twice, [{ ...SECOND, mac: FIRST.mac }], 2)
    expect(changedLines(twice, after)).toEqual(["+      <driver queues='2'/>"])
    for (const place of [
      { index: 9, mac: FIRST.mac },
      { index: 1, mac: FIRST.mac },
    ])
      expect(() => setInterfaceQueues(xml, [place], 2)).toThrow(
        `interface ${place.index + 1} is not the one with the MAC ${FIRST.mac}`,
      )
  })

  it('changes what it is asked for and nothing else, for any counts', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 256 }), fc.integer({ min: 1, max: 256 }), (a, b) => {
        const once = setInterfaceQueues(xml, [FIRST, SECOND], a)
        const nics = parseDomain(once, 'test').interfaces
        expect(nics.filter((nic) => [FIRST.mac, SECOND.mac].includes(nic.mac)).map(offeredQueues)).toEqual([
          a,
          a,
        ])
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

describe('attachableInterface', () => {
  it('is the running interface without what libvirt chose for it, with the queues, and can be parsed', () => {
    const live = recorded('web01.live.xml')
    expect(attachableInterface(live, SECOND, 4)).toBe(
      [
        "<interface type='bridge'>",
        "  <mac address='52:54:00:00:00:02'/>",
        "  <source bridge='br0'/>",
        "  <model type='virtio'/>",
        "  <driver queues='4'/>",
        '</interface>',
      ].join('\n'),
    )
    expect(attachableInterface(live, FIRST, 2)).toContain("<driver name='qemu' queues='2'/>")
  })

  it('keeps an alias and a target that somebody chose, whatever they follow', () => {
    const own = recorded('web01.live.xml')
      .replace("<target dev='vnet1'/>", '')
      .replace("<alias name='net1'/>", "<target dev='tap-web'/><alias name='ua-lan'/><alias/>")
    const xml = attachableInterface(own, SECOND, 4)
    expect(xml).toContain("<target dev='tap-web'/><alias name='ua-lan'/>")
    expect(xml).not.toContain('<address')
    const tight = live('<model type="virtio"/><alias name="net0"/><address type="pci"/><target/>')
    expect(attachableInterface(tight, { index: 0, mac: FIRST.mac }, 4)).toBe(
      `<interface type='bridge'><mac address='${FIRST.mac}'/><model type="virtio"/><driver queues='4'/><target/></interface>`,
    )
  })

  const live = (inner: string) =>
    `<domain><devices><interface type='bridge'><mac address='${FIRST.mac}'/>${inner}</interface></devices></domain>`
})

describe('an edit', () => {
  const domain = (inner: string) =>
    `<domain><devices><interface><mac address='${FIRST.mac}'/>${inner}</interface></devices></domain>`

  it('is refused for what is no domain, or has nowhere to put a driver', () => {
    expect(() => setInterfaceQueues('<network/>', [], 2)).toThrow('the root element is not <domain>')
    expect(() => setInterfaceQueues(domain(''), [FIRST], 2)).toThrow('an interface without <model>')
  })

  it('leaves a driver without queues alone for one queue, and puts the number into a bare one', () => {
    const named = domain("<driver name='vhost'/>")
    expect(setInterfaceQueues(named, [FIRST], 1)).toBe(named)
    expect(setInterfaceQueues(domain('<driver><guest/></driver>'), [FIRST], 2)).toBe(
      domain("<driver queues='2'><guest/></driver>"),
    )
  })
})
