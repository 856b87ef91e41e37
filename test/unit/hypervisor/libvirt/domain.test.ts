/** Libvirt's XML where it is sparse, odd or broken; recorded texts are in driver-edit.test.ts. */
import { describe, expect, it } from 'vitest'
import { unifiedDiff } from '../../../../src/hypervisor/change/diff'
import { bareDomain, parseDomain } from '../../../../src/hypervisor/libvirt/domain'
import { setInterfaceQueues } from '../../../../src/hypervisor/libvirt/driver-edit'
import { scanXml } from '../../../../src/hypervisor/libvirt/xml-scan'

const MAC = '52:54:00:00:00:01'
const PLACE = { index: 0, mac: MAC }
const domain = (devices: string, head = '<name>w</name><uuid>u</uuid>') =>
  `<domain>${head}${devices}</domain>`
const nic = (inner: string) => `<devices><interface><mac address='${MAC}'/>${inner}</interface></devices>`

describe('a domain', () => {
  it('that says little has the defaults of libvirt', () => {
    expect(parseDomain(domain(`${nic('')}<devices/>`), 'w')).toEqual({
      ...bareDomain('w', 'u'),
      interfaces: [
        {
          ...{ index: 0, mac: MAC, type: '', model: undefined, driver: undefined },
          ...{ queues: undefined, target: undefined, targetManaged: true, source: undefined },
          ...{ alias: undefined, teaming: undefined, backend: undefined },
        },
      ],
    })
  })

  it('that says something twice means the first; empty elements are none', () => {
    const twice = domain(
      '<vcpu>2</vcpu><vcpu>3</vcpu><devices><disk/></devices>',
      '<name>w</name><uuid>u</uuid>',
    )
    expect(parseDomain(twice, 'w')).toMatchObject({
      vcpus: { maximum: 2 },
      devices: { disks: [{ virtio: false, queues: undefined, protocol: undefined }] },
      interfaces: [],
    })
    for (const head of ['<name/><uuid>u</uuid>', "<name a='x'/><uuid>u</uuid>", '<uuid>u</uuid>'])
      expect(() => parseDomain(domain('', head), 'w')).toThrow('w: not a domain')
    expect(() => parseDomain(domain('<devices><interface/></devices>'), 'w')).toThrow(
      'w: interface 1: no <mac address>',
    )
  })
})

describe('an edit', () => {
  it('is refused for what is no domain, or has nowhere to put a driver', () => {
    expect(() => setInterfaceQueues('<network/>', [], 2)).toThrow('the root element is not <domain>')
    expect(() => setInterfaceQueues(domain(nic('')), [PLACE], 2)).toThrow('an interface without <model>')
  })

  it('leaves a driver without queues alone for one queue, and puts the number into a bare one', () => {
    const named = domain(nic("<driver name='vhost'/>"))
    expect(setInterfaceQueues(named, [PLACE], 1)).toBe(named)
    expect(setInterfaceQueues(domain(nic('<driver><guest/></driver>')), [PLACE], 2)).toBe(
      domain(nic("<driver queues='2'><guest/></driver>")),
    )
  })
})

describe('positions', () => {
  it.each(['', 'x', '<!-- a', '</a>', '<a></a', '< a>', '<a', '<a>', '<a b>'])('of %j are none', (xml) => {
    expect(scanXml(xml)).toBeUndefined()
  })

  it('are those of the first element, whatever follows', () => {
    expect(scanXml("<a b=''/><c/>")).toMatchObject({
      name: 'a',
      selfClosing: true,
      attributes: [{ name: 'b', rawValue: '', valueStart: 6, valueEnd: 6 }],
    })
  })
})

it('a diff keeps lines that both sides have between two changes', () => {
  expect(unifiedDiff('f', 'a\nx\nb\n', 'c\nx\nd')).toBe(
    '--- f\n+++ f\n@@ -1,3 +1,3 @@\n-a\n+c\n x\n-b\n+d\n\\ No newline at end of file\n',
  )
})

it('a diff has a hunk for each place', () => {
  const lines = Array.from({ length: 20 }, (_, i) => `${i}`)
  const after = lines.map((line) => (line === '2' || line === '15' ? 'x' : line))
  const heads = unifiedDiff('f', lines.join('\n'), after.join('\n')).match(/^@@.*@@$/gm)
  expect(heads).toEqual(['@@ -1,6 +1,6 @@', '@@ -13,7 +13,7 @@'])
})
