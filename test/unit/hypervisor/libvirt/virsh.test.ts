/** Questions to libvirt: many in one virsh, few where one fails, an end where it hangs. */
import { describe, expect, it } from 'vitest'
import { VqtuneError } from '../../../../src/errors'
import { observeHypervisor } from '../../../../src/hypervisor/check/observe'
import { Virsh } from '../../../../src/hypervisor/libvirt/virsh'
import { openSystem, type System, type ToolResult } from '../../../../src/system/system'

type Reply = (args: readonly string[]) => ToolResult
const ok = (stdout: string): ToolResult => ({ code: 0, stdout, stderr: '' })
const no = (stderr: string): ToolResult => ({ code: 1, stdout: '', stderr: `error: ${stderr}\n` })
const uuid = (i: number) => `0a000000-0000-4000-8000-${String(i).padStart(12, '0')}`
const xml = (i: number, running: boolean) =>
  `<domain type='kvm'${running ? ` id='${i + 1}'` : ''}><name>g${i}</name><uuid>${uuid(i)}</uuid><devices/></domain>`

/** A virsh that answers commands, several of them at once when `batches`; counts its processes. */
function fake(reply: Reply, batches = true): { system: System; calls: string[] } {
  const calls: string[] = []
  const system: System = Object.assign(Object.create(openSystem('/nowhere')), {
    run: async (_tool: string, args: readonly string[]) => {
      const words = args.slice(args.indexOf('-c') + 2).filter((word) => word !== '-r')
      calls.push(words.join(' '))
      if (words.length > 1 || !words[0]?.includes(';')) return reply(words)
      if (!batches) return no(`unknown command: '${words[0]}'`)
      const results = words[0].split('; ').map((command) => {
        const [verb, ...rest] = command.split(' ')
        // As virsh -q does it: no line of its own.
        return verb === 'echo' ? ok(rest.join(' ')) : reply([verb as string, ...rest])
      })
      return {
        code: results.at(-1)?.code ?? 0,
        stdout: results.map(({ stdout }) => stdout).join(''),
        stderr: results.map(({ stderr }) => stderr).join(''),
      }
    },
  })
  return { system, calls }
}

/** A libvirt of `count` guests, of which `running` of them run. */
function libvirt(count: number, running: number, gone: readonly number[] = []): Reply {
  const all = Array.from({ length: count }, (_, i) => i)
  return ([verb, which, option]) => {
    if (verb === 'list') {
      // A guest that went away was there when the list was first asked for.
      return ok(all.map((i) => `${uuid(i)} g${i}`).join('\n'))
    }
    const i = all.find((each) => uuid(each) === which)
    if (i === undefined || gone.includes(i)) return no(`failed to get domain '${which}'`)
    return ok(`${xml(i, i < running && option !== '--inactive')}\n`)
  }
}

describe('many guests', () => {
  it('cost a few processes, at most two questions each', async () => {
    const { system, calls } = fake(libvirt(500, 250))
    const seen = await observeHypervisor(system, new Virsh(system))
    expect(seen.domains).toHaveLength(500)
    expect(seen.domains.filter(({ live }) => live !== undefined)).toHaveLength(250)
    expect(seen.domains.every(({ inactive }) => inactive !== undefined)).toBe(true)
    expect(calls.length).toBe(2 + Math.ceil(500 / 40) + Math.ceil(250 / 40))
    expect(calls.join(' ').match(/dumpxml/g)).toHaveLength(750)
  })

  it('are asked one by one by a virsh that takes one command', async () => {
    const { system, calls } = fake(libvirt(3, 1), false)
    const seen = await observeHypervisor(system, new Virsh(system))
    expect(seen.domains.map(({ name, live }) => [name, live !== undefined])).toEqual([
      ['g0', true],
      ['g1', false],
      ['g2', false],
    ])
    expect(calls.filter((call) => call.startsWith('dumpxml'))).toHaveLength(4)
  })

  it('tell how far it is', async () => {
    const { system } = fake(libvirt(80, 80))
    const told: string[] = []
    await observeHypervisor(system, new Virsh(system), undefined, (done, total) =>
      told.push(`${done}/${total}`),
    )
    expect(told).toEqual(['20/80', '40/80', '60/80', '80/80'])
  })
})

describe('a guest', () => {
  it('that went away meanwhile is none', async () => {
    const reply = libvirt(3, 1, [1])
    let asked = 0
    const { system } = fake((args) =>
      args[0] === 'list' && ++asked > 2 ? ok(`${uuid(0)} g0\n${uuid(2)} g2\n`) : reply(args),
    )
    const seen = await observeHypervisor(system, new Virsh(system))
    expect(seen.domains.map(({ name }) => name)).toEqual(['g0', 'g2'])
    expect(seen.unanswered).toEqual([])
  })

  it('of which libvirt tells nothing is named with the reason', async () => {
    const { system } = fake(libvirt(3, 1, [1]))
    const seen = await observeHypervisor(system, new Virsh(system))
    expect(seen.unanswered).toEqual([
      { name: 'g1', why: `virsh qemu:///system: failed to get domain '${uuid(1)}'` },
    ])
  })

  it('without a stored configuration is transient', async () => {
    const reply = libvirt(2, 2)
    const { system } = fake((args) => (args.includes('--persistent') ? ok(`${uuid(1)}\n`) : reply(args)))
    const seen = await observeHypervisor(system, new Virsh(system))
    expect(seen.domains.map(({ inactive }) => inactive === undefined)).toEqual([true, false])
  })
})

describe('a libvirt that hangs', () => {
  const hang = (): never => {
    throw new VqtuneError('timeout', 'virsh: no answer within 10000 ms')
  }

  it('for its guests is not asked for all of them', async () => {
    const reply = libvirt(100, 100)
    let asked = 0
    const { system } = fake((args) => {
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

  it('for the stored configuration of one guest leaves that guest out, not the others', async () => {
    const reply = libvirt(2, 2)
    const { system } = fake((args) =>
      args.includes('--inactive') && args.includes(uuid(0)) ? hang() : reply(args),
    )
    const seen = await observeHypervisor(system, new Virsh(system))
    expect(seen.domains.map(({ name }) => name)).toEqual(['g1'])
    expect(seen.unanswered.map(({ name }) => name)).toEqual(['g0'])
  })

  it('from the start is one error', async () => {
    const { system } = fake(hang)
    await expect(observeHypervisor(system, new Virsh(system))).rejects.toThrow(
      'libvirt did not answer within 30 s',
    )
  })
})

it('words that virsh would take apart are refused', async () => {
  const { system } = fake(libvirt(1, 0))
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
