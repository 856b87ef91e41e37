/** A guest in memory that vqtune observes and changes: files as the kernel shows them, ethtool and ip as they answer. */
import { formatCpuList, formatCpuMask, parseCpuList, parseCpuMask } from '../../../src/kernel/cpulist'
import { pathsUnder } from '../../../src/system/paths'
import type { System, ToolResult } from '../../../src/system/system'
import { driverStripes } from '../../support/simulated-kernel'
import { kill, type Process } from './virtual-time'

export interface Nic {
  name: string
  readonly virtio: string
  readonly ifindex: number
  readonly maximum: number
  channels: number
  /** False: in another network namespace. */
  isVisible: boolean
  /** By interrupt, then the mask of each transmit queue: lists of CPUs. */
  irqs: Map<number, string>
  xps: string[]
  /** The gateway answers with at most so many channels. */
  limit: number
  neighbour: 'STALE' | 'REACHABLE' | 'FAILED'
}

export interface Write {
  readonly process: Process
  readonly nic: Nic | undefined
  readonly what: string
  /** Channels before and after it. */
  readonly from?: number
  readonly to?: number
}

const MAC = (nic: Nic): string => `52:54:00:00:00:${String(nic.ifindex % 100).padStart(2, '0')}`
const GATEWAY = '10.0.0.1'

export class SimulatedGuest {
  nics: Nic[] = []
  online = [0, 1, 2, 3]
  readonly files = new Map<string, string>()
  readonly paths = pathsUnder('')
  onWrite: (write: Write) => void = () => {}
  private nextIndex = 2

  plug(maximum: number): void {
    const ifindex = this.nextIndex++
    const channels = Math.min(maximum, this.online.length)
    const nic: Nic = {
      ...{ name: `eth${ifindex}`, virtio: `virtio${ifindex}`, ifindex, maximum, channels, isVisible: true },
      ...{ irqs: new Map(), xps: [], limit: 8, neighbour: 'REACHABLE' as const },
    }
    this.nics.push(nic)
    this.stripe(nic)
  }

  setOnline(online: readonly number[]): void {
    this.online = [...online]
    for (const nic of this.nics) this.stripe(nic)
  }

  /** What -L does. */
  setChannels(nic: Nic, count: number): void {
    nic.channels = count
    this.stripe(nic)
  }

  private stripe(nic: Nic): void {
    const stripes = driverStripes(nic.channels, this.online)
    nic.irqs = new Map(
      stripes.flatMap((list, queue) =>
        [0, 1].map((k) => [1000 * nic.ifindex + 2 * queue + k, list] as const),
      ),
    )
    nic.xps = [...stripes]
  }

  /** As seen by one process; without effect once that is killed. */
  systemFor(process: Process): System {
    const guarded =
      <A extends readonly unknown[], R>(work: (...args: A) => R) =>
      (...args: A): R => {
        if (!process.alive) throw new Error('killed')
        return work(...args)
      }
    const write = <A extends readonly unknown[]>(work: (...args: A) => void) =>
      guarded((...args: A): void => {
        if (process.writesLeft !== undefined && process.writesLeft-- === 0) {
          kill(process)
          throw new Error('killed')
        }
        work(...args)
      })
    const system = {
      paths: this.paths,
      mayWrite: true,
      readText: guarded((path: string) => this.read(path)),
      list: guarded((path: string) => this.list(path)),
      readLink: guarded((path: string) => this.link(path)),
      exists: guarded((path: string) => this.read(path) !== undefined),
      stat: guarded(() => ({ uid: 0, mode: 0o755, size: 0, kind: 'directory' as const })),
      linkStat: guarded(() => undefined),
      findTool: guarded((tool: string) =>
        ['ethtool', 'ip'].includes(tool) ? `/usr/sbin/${tool}` : undefined,
      ),
      writeAttribute: write((path: string, value: string) => this.writeAttribute(process, path, value)),
      replaceFile: write((path: string, text: string) => {
        this.files.set(path, text)
        this.onWrite({ process, nic: undefined, what: path })
      }),
      removeFile: write((path: string) => void this.files.delete(path)),
      touchFile: () => true,
      run: async (tool: string, args: readonly string[]): Promise<ToolResult> => {
        let result: ToolResult = { code: 1, stdout: '', stderr: 'unexpected' }
        const run = (): void => {
          result = tool === 'ethtool' ? this.ethtool(process, args) : this.ip(args)
        }
        if (args[0] === '-L') write(run)()
        else guarded(run)()
        return result
      },
    }
    return system as unknown as System
  }

  private named(name: string | undefined): Nic | undefined {
    return this.nics.find((nic) => nic.isVisible && nic.name === name)
  }

  private read(path: string): string | undefined {
    const { paths } = this
    if (path === `${paths.sysCpu}/online`) return `${formatCpuList(this.online)}\n`
    if (path === paths.procBootId) return 'this-boot\n'
    if (path === paths.procInterrupts) return this.interrupts()
    const irq = /^\/proc\/irq\/(\d+)\/smp_affinity_list$/.exec(path)?.[1]
    if (irq !== undefined) return this.nics.find(({ irqs }) => irqs.has(Number(irq)))?.irqs.get(Number(irq))
    const device = /^\/sys\/bus\/virtio\/devices\/([^/]+)\/device$/.exec(path)?.[1]
    if (device !== undefined)
      return this.nics.some(({ virtio }) => virtio === device) ? '0x0001\n' : undefined
    const [, name, file = ''] = /^\/sys\/class\/net\/([^/]+)\/(.+)$/.exec(path) ?? []
    const nic = this.named(name)
    return nic === undefined ? this.files.get(path) : this.nicFile(nic, file)
  }

  private nicFile(nic: Nic, file: string): string | undefined {
    const queue = Number(/^queues\/[rt]x-(\d+)\//.exec(file)?.[1] ?? Number.NaN)
    if (file.endsWith('/xps_cpus') && queue < nic.channels)
      return formatCpuMask(parseCpuList(nic.xps[queue] ?? '') ?? [])
    if (file.endsWith('/rps_cpus') && queue < nic.channels) return '0\n'
    switch (file) {
      case 'ifindex':
        return `${nic.ifindex}\n`
      case 'address':
        return `${MAC(nic)}\n`
      case 'addr_assign_type':
        return '0\n'
      case 'operstate':
        return 'up\n'
      case 'carrier':
        return '1\n'
      case 'device/features':
        return Array.from({ length: 64 }, (_, bit) => (bit === 17 || bit === 22 ? '1' : '0')).join('')
      default:
        return undefined
    }
  }

  private interrupts(): string {
    const lines = this.nics.flatMap(({ virtio, irqs }) =>
      [...irqs.keys()].map(
        (irq, k) => `${irq}: 0 PCI-MSI ${virtio}-${k % 2 === 0 ? 'input' : 'output'}.${k >> 1}`,
      ),
    )
    return `${lines.join('\n')}\n`
  }

  private list(path: string): readonly string[] {
    const { paths } = this
    const visible = this.nics.filter(({ isVisible }) => isVisible)
    if (path === paths.sysClassNet) return visible.map(({ name }) => name)
    if (path === paths.sysVirtioDevices) return this.nics.map(({ virtio }) => virtio)
    const nic = this.named(/^\/sys\/class\/net\/([^/]+)\/queues$/.exec(path)?.[1])
    return nic === undefined ? [] : nic.xps.flatMap((_, queue) => [`rx-${queue}`, `tx-${queue}`])
  }

  private link(path: string): string | undefined {
    const [, name, file] = /^\/sys\/class\/net\/([^/]+)(\/.*)?$/.exec(path) ?? []
    const nic = this.named(name)
    if (nic === undefined) return path.endsWith('/driver') ? '../../drivers/virtio_net' : undefined
    if (file === undefined)
      return `../../devices/pci0000:00/0000:00:0${nic.ifindex % 10}.0/${nic.virtio}/net/${nic.name}`
    if (file === '/device/driver') return '../../../../bus/virtio/drivers/virtio_net'
    return file === '/device/../subsystem' ? '../../../bus/pci' : undefined
  }

  private writeAttribute(process: Process, path: string, value: string): void {
    const irq = Number(/^\/proc\/irq\/(\d+)\//.exec(path)?.[1] ?? Number.NaN)
    const [, name, queue] = /^\/sys\/class\/net\/([^/]+)\/queues\/tx-(\d+)\/xps_cpus$/.exec(path) ?? []
    const nic = this.named(name) ?? this.nics.find(({ irqs }) => irqs.has(irq))
    if (nic === undefined) throw Object.assign(new Error('ENOENT'), { code: 'ENOENT' })
    this.onWrite({ process, nic, what: path })
    if (name === undefined) nic.irqs.set(irq, value)
    else nic.xps[Number(queue)] = formatCpuList(parseCpuMask(value) ?? [])
  }

  private ethtool(process: Process, [verb, name, , count]: readonly string[]): ToolResult {
    const nic = this.named(name)
    if (nic === undefined) return { code: 1, stdout: '', stderr: 'netlink error: no device matches name\n' }
    if (verb === '-L') {
      this.onWrite({ process, nic, what: 'channels', from: nic.channels, to: Number(count) })
      this.setChannels(nic, Number(count))
      return { code: 0, stdout: '', stderr: '' }
    }
    const numbers = (combined: number): string =>
      `RX:\t\tn/a\nTX:\t\tn/a\nOther:\t\tn/a\nCombined:\t${combined}\n`
    const stdout = `Channel parameters for ${name}:\nPre-set maximums:\n${numbers(nic.maximum)}Current hardware settings:\n${numbers(nic.channels)}`
    return { code: 0, stdout, stderr: '' }
  }

  private ip(args: readonly string[]): ToolResult {
    const text = args.join(' ')
    const nic = this.named(/ dev (\S+)/.exec(text)?.[1])
    const ok = (stdout = ''): ToolResult => ({ code: 0, stdout, stderr: '' })
    if (text.includes('link show')) {
      return ok(
        JSON.stringify(this.nics.filter(({ isVisible }) => isVisible).map(({ name }) => ({ ifname: name }))),
      )
    }
    // Traffic has the kernel ask a gateway again that had failed; it never ends here.
    for (const one of this.nics)
      if (one.neighbour === 'FAILED' && one.channels <= one.limit) one.neighbour = 'STALE'
    if (text === '-s neigh show') {
      const lines = this.nics
        .filter(({ isVisible }) => isVisible)
        .map(({ name, neighbour }) => {
          const address = neighbour === 'FAILED' ? '' : 'lladdr 52:54:00:aa:bb:cc '
          return `${GATEWAY} dev ${name} ${address}used 99/99/99 probes 1 ${neighbour}\n`
        })
      return ok(lines.join(''))
    }
    if (nic === undefined) return { code: 1, stdout: '', stderr: 'Cannot find device' }
    if (text.startsWith('-4 route show default')) return ok(`default via ${GATEWAY} proto dhcp \n`)
    if (text.startsWith('-4 neigh show')) {
      return ok(
        `${GATEWAY} ${nic.neighbour === 'FAILED' ? '' : 'lladdr 52:54:00:aa:bb:cc '}${nic.neighbour} \n`,
      )
    }
    if (text.startsWith('-4 neigh change') || text.startsWith('-4 neigh replace')) {
      nic.neighbour = nic.channels <= nic.limit ? 'REACHABLE' : 'FAILED'
      return ok()
    }
    return ok()
  }
}
