/** Questions to libvirt: many in one virsh, few where one fails, an end where it hangs. */
import { describe, expect, it } from 'vitest'
import { VqtuneError } from '../../../../src/errors'
import { observeHypervisor } from '../../../../src/hypervisor/check/observe'
import { Virsh } from '../../../../src/hypervisor/libvirt/virsh'
import { fakeVirsh, libvirtOf } from '../../../support/fake-virsh'

describe('many guests', () => {
  it('cost a few processes, at most two questions each', async () => {
    const { system, calls } = fakeVirsh(libvirtOf(500, 250))
    const seen = await observeHypervisor(system, new Virsh(system))
    expect(seen.domains).toHaveLength(500)
    expect(seen.domains.filter(({ live }) => live !== undefined)).toHaveLength(250)
    expect(seen.domains.every(({ inactive }) => inactive !== undefined)).toBe(true)
    expect(calls.length).toBe(2 + Math.ceil(500 / 40) + Math.ceil(250 / 40))
    expect(calls.join(' ').match(/dumpxml/g)).toHaveLength(750)
  })

  it('are asked one by one by a virsh that takes one command', async () => {
    const { system, calls } = fakeVirsh(libvirtOf(3, 1), false)
    const seen = await observeHypervisor(system, new Virsh(system))
    expect(seen.domains.map(({ name, live }) => [name, live !== undefined])).toEqual([
      ['g0', true],
      ['g1', false],
      ['g2', false],
    ])
    expect(calls.filter((call) => call.startsWith('dumpxml'))).toHaveLength(4)
  })

  it('tell how far it is', async () => {
    const { system } = fakeVirsh(libvirtOf(80, 80))
    const told: string[] = []
    await observeHypervisor(system, new Virsh(system), undefined, (done, total) =>
      told.push(`${done}/${total}`),
    )
    expect(told).toEqual(['20/80', '40/80', '60/80', '80/80'])
  })
})

describe('a libvirt that hangs', () => {
  const hang = (): never => {
    throw new VqtuneError('timeout', 'virsh: no answer within 10000 ms')
  }

  it('for its guests is not asked for all of them', async () => {
    const reply = libvirtOf(100, 100)
    let asked = 0
    const { system } = fakeVirsh((args) => {
      if (args[0] !== 'dumpxml') return reply(args)
      asked++
      return hang()
    }, true)
    const seen = await observeHypervisor(system, new Virsh(system))
    expect(seen.domains).toEqual([])
    expect(seen.unanswered).toHaveLength(100)
    expect(seen.unanswered[0]?.why).toBe(
      "virsh qemu:///system: libvirt did not answer within 10 s; is its daemon stuck, or a guest's job?",
    )
    expect(seen.unanswered[99]?.why).toContain('not asked, because libvirt did not answer before')
    expect(asked).toBeLessThan(20)
  })

  it('from the start is one error', async () => {
    const { system } = fakeVirsh(hang)
    await expect(observeHypervisor(system, new Virsh(system))).rejects.toThrow(
      'libvirt did not answer within 30 s',
    )
  })
})

it('words that virsh would take apart are refused', async () => {
  const { system } = fakeVirsh(libvirtOf(1, 0))
  await expect(
    new Virsh(system).ask([
      ['net-dumpxml', 'a;b'],
      ['net-dumpxml', 'c'],
    ]),
  ).rejects.toThrow('not usable')
  const missing = Object.assign(Object.create(system), {
    run: async () => {
      throw new VqtuneError('tool-missing', 'virsh is not installed')
    },
  })
  await expect(new Virsh(missing).ask([['a'], ['b']])).rejects.toThrow('package libvirt-client')
  await expect(new Virsh(missing).ask([['a']])).rejects.toThrow('package libvirt-client')
})
