import { describe, expect, it } from 'vitest'
import { startProblems } from '../../../../src/hypervisor/check/start-checks'
import { type DomainInterface, parseDomain } from '../../../../src/hypervisor/libvirt/domain'
import { parseLinks } from '../../../../src/kernel/ip-link'

const nic = (type: string, queues: number | undefined, inner = ''): DomainInterface => {
  const driver = queues === undefined ? '' : `<driver queues='${queues}'/>`
  const [found] = parseDomain(
    `<domain><name>g</name><uuid>u</uuid><devices><interface type='${type}'><mac address='52:54:00:00:00:01'/><model type='virtio'/>${driver}${inner}</interface></devices></domain>`,
    'g',
  ).interfaces
  return found as DomainInterface
}
const links = parseLinks(
  JSON.stringify([
    { ifname: 'one', linkinfo: { info_kind: 'tun', info_data: { multi_queue: false, persist: true } } },
    {
      ifname: 'many',
      linkinfo: {
        info_kind: 'tun',
        info_data: { multi_queue: true, numqueues: 0, numdisabled: 0, persist: true },
      },
    },
    { ifname: 'own', linkinfo: { info_kind: 'tun', info_data: { multi_queue: false, persist: false } } },
    { ifname: 'mvt', linkinfo: { info_kind: 'macvtap', info_data: { mode: 'bridge' } } },
  ]),
)
const devices = { links, vdpaPairs: new Map([['/dev/vhost-vdpa-1', 4]]) }
const found = (candidate: DomainInterface, running?: DomainInterface) =>
  startProblems(candidate, devices, running).map(({ code, fatal }) => `${code}${fatal ? ' fatal' : ''}`)
const target = (name: string, managed = "managed='no'") => `<target dev='${name}' ${managed}/>`

describe('a tap that somebody else made', () => {
  it('is opened only with the flag that it was made with, in both directions', () => {
    expect(found(nic('ethernet', 4, target('one')))).toEqual(['tap-flags fatal'])
    expect(found(nic('ethernet', undefined, target('one')))).toEqual([])
    expect(found(nic('ethernet', 4, target('many')))).toEqual([])
    expect(found(nic('ethernet', undefined, target('many')))).toEqual(['tap-flags fatal'])
    // Also where libvirt would make it, were it not there.
    expect(found(nic('bridge', 4, target('one', '')))).toEqual(['tap-flags fatal'])
    const [problem] = startProblems(nic('ethernet', 4, target('one')), devices, undefined)
    expect(problem?.text).toBe(
      'one was made without multi_queue: the guest does not start with 4 queues on it',
    )
    expect(problem?.remedy).toContain('ip tuntap add dev one mode tap multi_queue')
  })

  it('must be made with it before the start when it is not there', () => {
    expect(found(nic('ethernet', 4, target('gone')))).toEqual(['tap-missing fatal'])
    expect(found(nic('ethernet', 1, target('gone')))).toEqual([])
    expect(found(nic('ethernet', 4, target('gone', '')))).toEqual([])
    expect(
      startProblems(nic('ethernet', 4, target('gone')), { ...devices, links: undefined }, undefined),
    ).toEqual([])
  })

  it('is no matter for macvtap, nor where the tap goes with its guest', () => {
    expect(found(nic('ethernet', 4, target('mvt')))).toEqual([])
    const own = nic('bridge', 4, target('own', ''))
    expect(found(own, nic('bridge', undefined, target('own', '')))).toEqual([])
    expect(found(own)).toEqual(['tap-flags fatal'])
  })
})

describe('interface types', () => {
  it.each([
    ['bridge', 256, []],
    ['bridge', 257, ['too-many-queues fatal']],
    ['direct', 300, ['too-many-queues fatal']],
    ['user', 4, ['type-without-multiqueue fatal']],
    ['user', 1, []],
    ['vhostuser', 4, ['backend-queues']],
    ['vhostuser', 300, ['backend-queues']],
    ['vhostuser', 1, []],
    ['vdpa', 4, ['backend-queues']],
    ['hostdev', 4, []],
  ] as const)('%s with %i queues: %j', (type, queues, problems) => {
    expect(found(nic(type, queues))).toEqual(problems)
  })

  it('passt has one queue, as a user-mode network and as a vhost-user backend', () => {
    expect(found(nic('user', 2, "<backend type='passt'/>"))).toEqual(['type-without-multiqueue fatal'])
    expect(found(nic('vhostuser', 2, "<backend type='passt'/>"))).toEqual(['type-without-multiqueue fatal'])
  })

  it('names the socket or device where there is one', () => {
    const text = (type: string, inner: string) =>
      startProblems(nic(type, 2, inner), devices, undefined)[0]?.text
    expect(text('vhostuser', "<source type='unix' path='/run/s' mode='server'/>")).toContain('(/run/s)')
    expect(text('vhostuser', '')).toContain('(socket)')
    expect(text('vdpa', "<source dev='/dev/vhost-vdpa-0'/>")).toContain('/dev/vhost-vdpa-0')
    expect(text('vdpa', '')).toContain('the vDPA device')
  })
})

describe('a vDPA device whose queue pairs are known', () => {
  const onIt = (queues: number | undefined) =>
    startProblems(nic('vdpa', queues, "<source dev='/dev/vhost-vdpa-1'/>"), devices, undefined)

  it('decides how many the guest gets', () => {
    expect(onIt(8)).toMatchObject([
      {
        ...{ severity: 'warning', code: 'backend-queues', fatal: false },
        text: 'the vDPA device /dev/vhost-vdpa-1 has 4 queue pairs: the guest gets 4 of 8',
        remedy: "set queues='4', or with the guest off make the device anew: vdpa dev add ... max_vqp 8",
      },
    ])
  })

  it('needs interrupt vectors for all of them', () => {
    expect(onIt(2)).toMatchObject([
      { text: expect.stringContaining("queues='2' makes interrupt vectors for 2"), remedy: "set queues='4'" },
    ])
  })

  it('is no matter where the numbers agree, nor with one queue', () => {
    for (const queues of [4, 1, undefined]) expect(onIt(queues)).toEqual([])
  })
})
