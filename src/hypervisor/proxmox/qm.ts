/** The edge to Proxmox VE: qm, one call for each question. */
import { VqtuneError } from '../../errors'
import type { System, ToolResult } from '../../system/system'
import { parseWholeNumber } from '../../text/numbers'
import { parseConfig, type QmConfig } from './config'

const READ_TIMEOUT_MS = 15_000
/** qm waits for the lock of the virtual machine, and for a device that is taken out. */
const WRITE_TIMEOUT_MS = 60_000

export interface QmGuest {
  readonly vmid: string
  readonly name: string
  readonly running: boolean
  /** undefined: not running. */
  readonly pid: number | undefined
}

/** True on a node of Proxmox VE. */
export function isProxmox(system: System): boolean {
  return system.exists(system.paths.hypervisor.etcPve) && system.findTool('qm') !== undefined
}

export class Qm {
  constructor(private readonly system: System) {}

  /** The virtual machines of this node. */
  async guests(): Promise<readonly QmGuest[]> {
    return parseList(await this.read(['list']))
  }

  /** @param name number or name. @throws VqtuneError kind usage when there is none, or several. */
  async guest(name: string): Promise<QmGuest> {
    const guests = await this.guests()
    const byNumber = guests.find(({ vmid }) => vmid === name)
    const found = byNumber === undefined ? guests.filter((guest) => guest.name === name) : [byNumber]
    const [first] = found
    if (first !== undefined && found.length === 1) return first
    const known = guests.map((guest) => `${guest.vmid} (${guest.name})`).join(', ') || 'none'
    throw new VqtuneError(
      'usage',
      found.length > 1
        ? `${name}: several virtual machines have this name; name one by its number: ${found.map(({ vmid }) => vmid).join(', ')}`
        : `${name}: no such virtual machine on this node; there are: ${known}`,
    )
  }

  /** What the next start uses: pending changes are applied in it. */
  async config(vmid: string): Promise<QmConfig> {
    return parseConfig(await this.read(['config', vmid]))
  }

  /** What runs, where pending changes wait for a power-off. */
  async currentConfig(vmid: string): Promise<QmConfig> {
    return parseConfig(await this.read(['config', vmid, '--current', '1']))
  }

  /** Sets keys of the configuration. On a running machine qm also does at once what it can plug. */
  async set(vmid: string, values: QmConfig): Promise<void> {
    const options = [...values].flatMap(([key, value]) => [`--${key}`, value])
    await this.run(['set', vmid, ...options], WRITE_TIMEOUT_MS)
  }

  private read(args: readonly string[]): Promise<string> {
    return this.run(args, READ_TIMEOUT_MS)
  }

  private async run(args: readonly string[], timeoutMs: number): Promise<string> {
    const result = await this.system.run('qm', args, { timeoutMs })
    if (result.code !== 0) throw qmError(args, result)
    return result.stdout
  }
}

function qmError([verb]: readonly string[], { code, stderr }: ToolResult): VqtuneError {
  const text = stderr.trim().split('\n').at(-1) || `exit code ${code}`
  const kind = /as root|permission/i.test(text) ? 'permission' : 'tool-failed'
  return new VqtuneError(kind, `qm ${verb}: ${text}`)
}

/** `VMID NAME STATUS MEM(MB) BOOTDISK(GB) PID` lines below their head. */
export function parseList(text: string): readonly QmGuest[] {
  return text.split('\n').flatMap((line) => {
    const match = /^\s*(\d+)\s+(\S+)\s+(\w+)\s.*?(\d+)\s*$/.exec(line)
    if (match === null) return []
    const [, vmid = '', name = '', status, pid] = match
    const running = status === 'running'
    return [{ vmid, name, running, pid: running ? parseWholeNumber(pid) : undefined }]
  })
}
