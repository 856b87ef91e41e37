/** What one look at a libvirt sees; how its questions are asked is in virsh.test.ts. */
import { describe, expect, it } from 'vitest'
import { VqtuneError } from '../../../../src/errors'
import { askPools, observeHypervisor, readMaxFiles } from '../../../../src/hypervisor/check/observe'
import { parseDomain } from '../../../../src/hypervisor/libvirt/domain'
import { Virsh } from '../../../../src/hypervisor/libvirt/virsh'
import { fakeVirsh, libvirtOf, ok, type Reply, uuid } from '../../../support/fake-virsh'
import { systemFailing, systemWith } from '../../../support/systems'

describe('a guest', () => {
  it('that went away meanwhile is none', async () => {
    const reply = libvirtOf(3, 1, [1])
    let asked = 0
    const { system } = fakeVirsh((args) =>
      args[0] === 'list' && ++asked > 2 ? ok(`${uuid(0)} g0\n${uuid(2)} g2\n`) : reply(args),
    )
    const seen = await observeHypervisor(system, new Virsh(system))
    expect(seen.domains.map(({ name }) => name)).toEqual(['g0', 'g2'])
    expect(seen.unanswered).toEqual([])
  })

  it('of which libvirt tells nothing is named with the reason', async () => {
    const { system } = fakeVirsh(libvirtOf(3, 1, [1]))
    const seen = await observeHypervisor(system, new Virsh(system))
    expect(seen.unanswered).toEqual([
      { name: 'g1', why: `virsh qemu:///system: failed to get domain '${uuid(1)}'` },
    ])
  })

  it('without a stored configuration is transient', async () => {
    const reply = libvirtOf(2, 2)
    const { system } = fakeVirsh((args) => (args.includes('--persistent') ? ok(`${uuid(1)}\n`) : reply(args)))
    const seen = await observeHypervisor(system, new Virsh(system))
    expect(seen.domains.map(({ inactive }) => inactive === undefined)).toEqual([true, false])
  })

  it('of which libvirt does not tell the stored configuration in time is left out, not the others', async () => {
    const reply = libvirtOf(2, 2)
    const { system } = fakeVirsh((args) =>
      args.includes('--inactive') && args.includes(uuid(0)) ? hangs() : reply(args),
    )
    const seen = await observeHypervisor(system, new Virsh(system))
    expect(seen.domains.map(({ name }) => name)).toEqual(['g1'])
    expect(seen.unanswered.map(({ name }) => name)).toEqual(['g0'])
  })

  const hangs = (): never => {
    throw new VqtuneError('timeout', 'virsh: no answer within 10000 ms')
  }

  it('that is named is the only one that is looked at', async () => {
    const { system, calls } = fakeVirsh(libvirtOf(3, 3))
    const { domains, uri } = await observeHypervisor(system, new Virsh(system), 'g1')
    expect([uri, domains.map(({ name }) => name)]).toEqual(['qemu:///system', ['g1']])
    expect(calls.join(' ')).not.toContain(uuid(2))
    await expect(observeHypervisor(system, new Virsh(system), 'g9')).rejects.toMatchObject({ kind: 'usage' })
  })

  it('that runs comes with the XML that it was read from, and a stopped one without', async () => {
    const { system } = fakeVirsh(libvirtOf(2, 1))
    const { domains } = await observeHypervisor(system, new Virsh(system))
    expect(domains.map(({ liveXml }) => liveXml?.includes("id='1'"))).toEqual([true, undefined])
    expect(domains.map(({ stack, process }) => [stack, process])).toEqual([
      ['libvirt', undefined],
      ['libvirt', undefined],
    ])
  })
})

describe('networks', () => {
  const nic = (network: string) =>
    `<interface type='network'><mac address='52:54:00:00:00:01'/><source network='${network}'/><model type='virtio'/></interface>`
  const domain = (devices: string) =>
    `<domain><name>g0</name><uuid>${uuid(0)}</uuid><devices>${devices}</devices></domain>`
  const answer: Reply = ([verb, name]) => {
    if (verb === 'list') return ok(`${uuid(0)} g0\n`)
    if (verb !== 'net-dumpxml') return ok(domain(nic('vfs') + nic('lan')))
    return ok(
      `<network><name>${name}</name><forward mode='${name === 'vfs' ? 'hostdev' : 'nat'}'/></network>`,
    )
  }

  it('that hand out devices of the host are told, each asked for once', async () => {
    const { system, calls } = fakeVirsh(answer)
    const domains = [nic('vfs') + nic('lan') + nic('vfs')].map((devices) => parseDomain(domain(devices), 'g'))
    expect(await askPools(new Virsh(system), domains)).toEqual(new Set(['vfs']))
    expect(calls.join(' ').match(/net-dumpxml \S+/g)).toHaveLength(2)
    expect((await observeHypervisor(system, new Virsh(system))).pools).toEqual(new Set(['vfs']))
  })

  it('that are known, and names that virsh would take apart, are not asked for', async () => {
    const { system, calls } = fakeVirsh(answer)
    const domains = [parseDomain(domain(nic('vfs') + nic('a b;c')), 'g')]
    expect(await askPools(new Virsh(system), domains, new Set(['vfs']))).toEqual(new Set())
    expect(calls).toEqual([])
  })

  it('of which a running guest shows what they made need no question', async () => {
    const running = domain(
      "<interface type='hostdev'><mac address='52:54:00:00:00:01'/></interface>",
    ).replace('<domain', "<domain id='1'")
    const { system, calls } = fakeVirsh((args) =>
      args[0] === 'dumpxml' && !args.includes('--inactive')
        ? ok(running)
        : args[0] === 'dumpxml'
          ? ok(domain(nic('vfs')))
          : answer(args),
    )
    expect((await observeHypervisor(system, new Virsh(system))).pools).toEqual(new Set(['vfs']))
    expect(calls.join(' ')).not.toContain('net-dumpxml')
  })
})

describe('max_files of qemu.conf', () => {
  const conf = (text: string) => systemWith({ '/etc/libvirt/qemu.conf': text })

  it('is a number, or 0 where it is not set', () => {
    expect(readMaxFiles(conf('#max_files = 1024\nmax_files = 4096\n'))).toBe(4096)
    expect(readMaxFiles(conf('#max_files = 1024\n'))).toBe(0)
    expect(readMaxFiles(systemWith({}))).toBe(0)
  })

  it('is not known to whom may not read it; what is wrong in it is an error', () => {
    expect(readMaxFiles(systemFailing('EACCES'))).toBeUndefined()
    expect(() => readMaxFiles(systemFailing('EIO'))).toThrow('cannot read')
    expect(() => readMaxFiles(conf('max_files = "many"\n'))).toThrow(
      expect.objectContaining({ kind: 'config' }),
    )
  })
})
