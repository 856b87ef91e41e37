import type { Arch, Image, Release } from './image'
import { isRhel, type Kernel } from './kernels'

export interface NicOptions {
  /** Queue pairs the host offers (the guest's maximum). */
  queues: number
  /** MSI-X vectors; 2 * queues + 2 unless told. 3 makes one shared virtqueue IRQ, 0 makes INTx. */
  vectors?: number
  mac?: string
  /** Further properties of the virtio-net device: `{ failover: 'on' }`. */
  props?: Record<string, string | number>
}

export interface BootOptions {
  /** One of VQTUNE_KERNELS must be there: see kernels.ts. */
  kernel: Kernel
  /** x86_64 unless told. On aarch64 there is no `node`: what a test needs, it brings. */
  arch?: Arch
  /** bookworm unless told, which has systemd 252, ethtool 6.1 and NetworkManager 1.42; trixie has only kernel 6.12. */
  release?: Release
  cpus: number
  /**
   * Room for CPU hot-add, with kernel 6.1: since a fix of November 2025 newer ones count vCPUs that come later only in a hypervisor
   * that they know, which an emulator is not (acpi_is_processor_usable() in arch/x86/kernel/acpi/boot.c).
   */
  maxCpus?: number
  memoryMiB?: number
  nics: readonly NicOptions[]
  /** q35 unless told; microvm has virtio-mmio devices and no PCI. */
  machine?: 'q35' | 'microvm'
  /** PCIe root ports hp0, hp1, ... for addNic(). */
  hotplugPorts?: number
  /** Fields of SMBIOS type 1: `{ manufacturer: 'Nutanix', product: 'AHV' }`. */
  smbios?: Record<string, string>
  /** Other SMBIOS tables, as QEMU takes them: `type=2,product=LXD`. */
  smbiosTables?: readonly string[]
  /** Appended to the kernel's command line: `isolcpus=2-3`. */
  kernelArgs?: readonly string[]
  /** Debian's SELinux policy, enforcing, on bookworm and x86_64; kernelArgs may say `enforcing=0`. */
  selinux?: boolean
  /** auditd installed and not enabled, on bookworm and x86_64, and /etc/fstab heeded for /, /proc and /run. */
  hardened?: boolean
  /** Debian's Cockpit, not started, on x86_64; see cockpitGuestImage(). */
  cockpit?: boolean
  /** This process's node as `node` in the guest. */
  node?: boolean
  /** Path of a bundle that becomes `vqtune` in the guest; implies `node`. */
  vqtune?: string
  extraArgs?: readonly string[]
  bootTimeoutMs?: number
}

export interface QemuPaths {
  image: Image
  nodeDisk: string | undefined
  /** Holds qmp.sock, agent.sock, push.sock and console.log. */
  runDirectory: string
}

/** Slots: disks and serial below, root ports from 4, NICs from 8: names are the same whatever else is asked for. */
const firstPort = 4
const firstNic = 8

export function macOf(nic: NicOptions, index: number): string {
  return nic.mac ?? `52:54:00:77:00:${index.toString(16).padStart(2, '0')}`
}

/** Properties of the device, as for -device and for QMP's device_add. */
export function nicDevice(
  nic: NicOptions,
  index: number,
  bus: 'pci' | 'mmio',
): Record<string, string | number> {
  const pci = { driver: 'virtio-net-pci', vectors: nic.vectors ?? 2 * nic.queues + 2 }
  return {
    ...(bus === 'pci' ? pci : { driver: 'virtio-net-device' }),
    id: `nic${index}`,
    netdev: `net${index}`,
    mac: macOf(nic, index),
    mq: nic.queues > 1 ? 'on' : 'off',
    ...nic.props,
  }
}

function device(properties: Record<string, string | number>): string[] {
  const { driver, ...rest } = properties
  return ['-device', [driver, ...Object.entries(rest).map(([name, value]) => `${name}=${value}`)].join(',')]
}

export function qemuArgs(options: BootOptions, paths: QemuPaths): string[] {
  const aarch64 = options.arch === 'aarch64'
  const microvm = options.machine === 'microvm'
  const at = (slot: number): Record<string, string | number> =>
    microvm ? {} : { bus: 'pcie.0', addr: `0x${slot.toString(16)}` }
  const bus = microvm ? 'device' : 'pci'
  const commandLine = [
    `root=/dev/vda rw console=${aarch64 ? 'ttyAMA0' : 'ttyS0'} quiet loglevel=4 panic=5 mitigations=off random.trust_cpu=on audit=${options.selinux || options.hardened ? 1 : 0} apparmor=0`,
    // Clock and RCU settings that matter only under emulation; rdinit's disk is never checked.
    'tsc=reliable no_timer_check rcupdate.rcu_expedited=1 fsck.mode=skip systemd.show_status=0',
    ...(paths.nodeDisk ? ['vqtest.node'] : []),
    // Drivers that make interfaces when they start, which is at boot where they are built in.
    ...(isRhel(options.kernel) ? ['bonding.max_bonds=0 dummy.numdummies=0 ifb.numifbs=0'] : []),
    ...(options.selinux ? ['security=selinux selinux=1 enforcing=1'] : []),
    ...(options.kernelArgs ?? []),
  ].join(' ')
  const ports = Array.from({ length: options.hotplugPorts ?? 0 }, (_, index) =>
    device({ driver: 'pcie-root-port', id: `hp${index}`, chassis: index + 1, ...at(firstPort + index) }),
  )
  const nics = options.nics.map((nic, index) => [
    '-netdev',
    netdev(`net${index}`, `tap${index}`, nic.queues),
    ...device({ ...nicDevice(nic, index, microvm ? 'mmio' : 'pci'), ...at(firstNic + index) }),
  ])
  const smbios = Object.entries(options.smbios ?? {}).map(([field, value]) => `${field}=${value}`)
  return [
    // The oldest that RHEL 9 runs on: what newer ones have (AVX, five levels of page tables) costs an emulator a tenth of its speed.
    ...['-machine', machineOf(options), '-cpu', aarch64 ? 'cortex-a72' : 'Nehalem'],
    // One thread for all vCPUs: with a thread each, QEMU 7.2 lets one run a breakpoint by which another one patches the kernel
    // (static keys, tracepoints, kprobes) when it is gone already, and the guest panics or stops. Several guests at once keep the cores busy.
    // Small translation cache: several guests share the machine. Big enough for userland not to be flushed.
    ...['-accel', 'tcg,thread=single,tb-size=256', '-smp', smp(options)],
    ...['-m', `${options.memoryMiB ?? 1024}M`, '-nodefaults', '-no-user-config', '-display', 'none'],
    ...['-kernel', paths.image.kernel(options.kernel), '-initrd', paths.image.initrd(options.kernel)],
    ...['-append', commandLine, '-serial', `file:${paths.runDirectory}/console.log`],
    ...['-qmp', `unix:${paths.runDirectory}/qmp.sock,server=on,wait=off`],
    ...['-drive', `file=${paths.image.rootDisk},format=raw,if=none,id=root,snapshot=on,cache=unsafe`],
    ...device({ driver: `virtio-blk-${bus}`, drive: 'root', ...at(1) }),
    ...(paths.nodeDisk
      ? [
          ...['-drive', `file=${paths.nodeDisk},format=raw,if=none,id=node,readonly=on`],
          ...device({ driver: `virtio-blk-${bus}`, drive: 'node', ...at(2) }),
        ]
      : []),
    ...device({ driver: `virtio-serial-${bus}`, id: 'serial', ...at(3) }),
    ...port('agent', 'org.qemu.guest_agent.0', paths.runDirectory),
    ...port('push', 'vqtune.push', paths.runDirectory),
    ...ports.flat(),
    ...nics.flat(),
    ...(smbios.length > 0 ? ['-smbios', ['type=1', ...smbios].join(',')] : []),
    ...(options.smbiosTables ?? []).flatMap((table) => ['-smbios', table]),
    ...(options.extraArgs ?? []),
  ]
}

function machineOf({ arch, machine }: BootOptions): string {
  // its: without it PCI devices have no MSI-X there.
  if (arch === 'aarch64') return 'virt,gic-version=3,its=on'
  return machine === 'microvm' ? 'microvm,pit=on,pic=on,rtc=on,isa-serial=on' : 'q35'
}

function smp(options: BootOptions): string {
  const { cpus, maxCpus } = options
  // A socket for each: newer kernels take no further vCPU of a package that is there already.
  return maxCpus ? `${cpus},maxcpus=${maxCpus},sockets=${maxCpus},cores=1,threads=1` : String(cpus)
}

/** QEMU refuses queues=1 on a tap that was made for one queue. */
function netdev(id: string, tap: string, queues: number): string {
  return `tap,id=${id},ifname=${tap},script=no,downscript=no${queues > 1 ? `,queues=${queues}` : ''}`
}

function port(id: string, name: string, runDirectory: string): string[] {
  return [
    ...['-chardev', `socket,id=${id},path=${runDirectory}/${id}.sock,server=on,wait=off`],
    ...['-device', `virtserialport,bus=serial.0,chardev=${id},name=${name}`],
  ]
}
