/** virsh, and a libvirt of many guests that all are alike, in place of the installed one. */
import { openSystem, type System, type ToolResult } from '../../src/system/system'

export type Reply = (args: readonly string[]) => ToolResult
export const ok = (stdout: string): ToolResult => ({ code: 0, stdout, stderr: '' })
export const no = (stderr: string): ToolResult => ({ code: 1, stdout: '', stderr: `error: ${stderr}\n` })
export const uuid = (i: number) => `0a000000-0000-4000-8000-${String(i).padStart(12, '0')}`
const xml = (i: number, running: boolean) =>
  `<domain type='kvm'${running ? ` id='${i + 1}'` : ''}><name>g${i}</name><uuid>${uuid(i)}</uuid><devices/></domain>`

/** A virsh that answers commands, several of them at once when `batches`; counts its processes. */
export function fakeVirsh(reply: Reply, batches = true): { system: System; calls: string[] } {
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
export function libvirtOf(count: number, running: number, gone: readonly number[] = []): Reply {
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
