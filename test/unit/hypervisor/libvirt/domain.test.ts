/** Libvirt's XML as recorded, and where it is sparse, odd or broken. */
import { describe, expect, it } from 'vitest'
import { bareDomain, parseDomain } from '../../../../src/hypervisor/libvirt/domain'
import { recorded } from '../recorded'

const MAC = '52:54:00:00:00:01'
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

describe('parseDomain', () => {
  const xml = recorded('web01.inactive.xml')

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
