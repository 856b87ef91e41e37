/** NICs and vCPUs as a QEMU command line gives them, in both spellings: JSON, and keys with values. Pure. */
import { parseWholeNumber } from '../../text/numbers'

export interface CommandLineNic {
  /** Lower case; undefined: QEMU's own. */
  readonly mac: string | undefined
  /** id= of the device. */
  readonly id: string | undefined
  /** The device, such as virtio-net-pci. */
  readonly device: string
  /** 'tap', 'user', 'vhost-user', 'vhost-vdpa', 'bridge', 'stream' ...; undefined: no such -netdev. */
  readonly backend: string | undefined
  /** tap or macvtap, where the command line names it. */
  readonly ifname: string | undefined
  /** Queue pairs of the backend. */
  readonly queues: number
  /** False: the device does not offer more than one to the guest. */
  readonly multiqueue: boolean
  readonly vhost: boolean
  readonly vectors: number | undefined
}

export interface CommandLine {
  readonly name: string | undefined
  readonly uuid: string | undefined
  readonly vcpus: { readonly current: number; readonly maximum: number }
  /** False: emulated, without KVM. */
  readonly kvm: boolean
  readonly machine: string
  readonly nics: readonly CommandLineNic[]
}

/** @param args of one QEMU, its program first */
export function parseCommandLine(args: readonly string[]): CommandLine {
  const smp = options(valuesOf(args, 'smp').at(-1) ?? '1', 'cpus')
  const current = countOf(smp.get('cpus')) ?? topology(smp) ?? 1
  const maximum = Math.max(current, countOf(smp.get('maxcpus')) ?? current)
  const name = options(valuesOf(args, 'name')[0] ?? '', 'guest')
  const machine = options([...valuesOf(args, 'machine'), ...valuesOf(args, 'M')].at(-1) ?? '', 'type')
  return {
    name: name.get('guest') || undefined,
    uuid: valuesOf(args, 'uuid')[0],
    vcpus: { current, maximum },
    kvm:
      args.includes('-enable-kvm') ||
      args.includes('--enable-kvm') ||
      /(?:^|[:,])kvm\b/.test(machine.get('accel') ?? '') ||
      valuesOf(args, 'accel').some((value) => options(value, 'accel').get('accel') === 'kvm') ||
      // Debian's and Proxmox VE's program of that name means KVM.
      /(?:^|\/)(?:qemu-)?kvm$/.test(args[0] ?? ''),
    machine: machine.get('type') ?? '',
    nics: parseNics(args),
  }
}

/** NICs of -device with their -netdev, and of -nic. */
export function parseNics(args: readonly string[]): readonly CommandLineNic[] {
  const backends = new Map(
    valuesOf(args, 'netdev').map((value) => {
      const netdev = options(value, 'type')
      return [netdev.get('id') ?? '', netdev] as const
    }),
  )
  const devices = valuesOf(args, 'device')
    .map((value) => options(value, 'driver'))
    .filter((device) => device.has('netdev') || /^virtio-net/.test(device.get('driver') ?? ''))
    .map((device) => nicOf(device, backends.get(device.get('netdev') ?? '')))
  const short = valuesOf(args, 'nic')
    .map((value) => options(value, 'type'))
    .filter((nic) => nic.get('type') !== 'none')
    .map((nic) => nicOf(new Map([...nic, ['driver', nic.get('model') ?? 'e1000']]), nic))
  return [...devices, ...short]
}

type Options = ReadonlyMap<string, string>

function nicOf(device: Options, backend: Options | undefined): CommandLineNic {
  const driver = device.get('driver') ?? ''
  return {
    mac: device.get('mac')?.toLowerCase(),
    id: device.get('id'),
    device: driver,
    backend: backend?.get('type'),
    ifname: backend?.get('ifname'),
    queues: backend === undefined ? 1 : queuesOf(backend),
    multiqueue: isOn(device.get('mq')),
    vhost: isOn(backend?.get('vhost')) || /^vhost-/.test(backend?.get('type') ?? ''),
    vectors: parseWholeNumber(device.get('vectors')),
  }
}

/** Descriptors handed over by a manager stand for one queue each: fds=30:31:32. */
function queuesOf(backend: Options): number {
  const fds = backend.get('fds')
  return countOf(backend.get('queues')) ?? (fds === undefined ? 1 : fds.split(':').length)
}

function topology(smp: Options): number | undefined {
  const parts = ['sockets', 'dies', 'clusters', 'cores', 'threads'].flatMap(
    (key) => countOf(smp.get(key)) ?? [],
  )
  return parts.length === 0 ? undefined : parts.reduce((product, part) => product * part, 1)
}

function countOf(text: string | undefined): number | undefined {
  const count = parseWholeNumber(text)
  return count !== undefined && count >= 1 && count <= 65_536 ? count : undefined
}

function isOn(value: string | undefined): boolean {
  return value === 'on' || value === 'true' || value === 'yes'
}

/** Values of an option, which QEMU takes with one dash or two. */
function valuesOf(args: readonly string[], option: string): string[] {
  return args.filter((_, i) => args[i - 1] === `-${option}` || args[i - 1] === `--${option}`)
}

/**
 * `tap,id=n0,queues=4` or `{"type":"tap","id":"n0","queues":4}` as keys with values. Commas in values are doubled.
 * @param first the key of a value that stands alone at the beginning
 */
function options(text: string, first: string): Options {
  if (text.startsWith('{')) return jsonOptions(text)
  const parts = text.split(/(?<!,),(?!,)/).map((part) => part.replaceAll(',,', ','))
  return new Map(
    parts.flatMap((part, i): [string, string][] => {
      const equals = part.indexOf('=')
      if (equals > 0) return [[part.slice(0, equals), part.slice(equals + 1)]]
      if (part === '') return []
      // A word alone later on is a flag: mq, nowait.
      return i === 0 ? [[first, part]] : [[part, 'on']]
    }),
  )
}

function jsonOptions(text: string): Options {
  let parsed: object
  try {
    // What begins with a brace is an object, or no JSON.
    parsed = JSON.parse(text)
  } catch {
    return new Map()
  }
  return new Map(Object.entries(parsed).map(([key, value]) => [key, String(value)]))
}
