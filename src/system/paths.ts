/**
 * Every file-system location that vqtune reads or writes. No other file spells out /sys, /proc, /etc or /run,
 * so a captured guest tree can stand in for the running guest.
 */

export interface Paths {
  /** '' for the running guest, else the directory of a captured tree. */
  readonly root: string
  readonly sysClassNet: string
  readonly sysVirtioNetDriver: string
  readonly sysCpu: string
  /** Callbacks for vCPUs that come and go, by name. */
  readonly sysCpuHotplugStates: string
  readonly sysDmi: string
  /** The unified hierarchy. */
  readonly sysCgroup: string
  readonly procCmdline: string
  readonly proc: string
  readonly procInterrupts: string
  readonly procIrq: string
  readonly procBootId: string
  readonly procHostname: string
  readonly procDomainName: string
  readonly procVersion: string
  readonly procKernelRelease: string
  readonly procStat: string
  readonly procSoftirqs: string
  /** Of this network namespace. */
  readonly procNet: string
  readonly procNetDev: string
  /** Only where connection tracking is in use. */
  readonly procConntrackCount: string
  /** Marks of a container: systemd-nspawn and others, podman, docker. */
  readonly containerMarks: readonly string[]
  readonly sysPciDevices: string
  readonly sysVirtioDevices: string
  /** udev's database: n<ifindex> exists once udev has handled an interface. */
  readonly udevData: string
  readonly osRelease: string
  readonly resolvConf: string
  readonly machineId: string
  /** Configuration of the administrator; conf.d beside it. */
  readonly etcConfig: string
  readonly etcConfigDir: string
  /** Configuration of the vendor or image builder. */
  readonly vendorConfig: string
  /** Forgotten at reboot, like the settings that it describes: ledger, lock, daemon state. */
  readonly runDir: string
  /** Kept across reboots: drift history, boot record. */
  readonly stateDir: string
  /** See planner/boot-record.ts. */
  readonly bootRecord: string
  /** systemd/boot-gate, as installed. */
  readonly bootGate: string
  /** The hypervisor half only. */
  readonly hypervisor: HypervisorPaths
  readonly writers: WriterPaths
}

/** Where other programs keep settings that write channels, IRQ affinity or XPS. Lists are in the order of precedence. */
export interface WriterPaths {
  readonly tunedActiveProfile: string
  readonly tunedProfileDirs: readonly string[]
  readonly networkManagerDirs: readonly string[]
  readonly ifcfgDir: string
  readonly linkDirs: readonly string[]
  readonly udevRuleDirs: readonly string[]
}

/** What `vqtune host` reads and writes. */
export interface HypervisorPaths {
  /** Only on a node of Proxmox VE. */
  readonly etcPve: string
  readonly qemuConf: string
  /** NAME.pid of each running guest; the monolithic and the modular daemon share it. */
  readonly runLibvirtQemu: string
  readonly runLibvirt: string
  readonly sysModuleVhostNet: string
  readonly procModules: string
  readonly procKallsyms: string
  /** In kmod's order: a file hides those of the same name in later directories. */
  readonly modprobeDirs: readonly string[]
  /** The only file there that vqtune writes. */
  readonly modprobeOwnFile: string
  /** Where tracefs may be mounted. */
  readonly tracefs: readonly string[]
}

/** @param root '' or an absolute directory without a trailing slash. */
export function pathsUnder(root: string): Paths {
  return {
    root,
    sysClassNet: `${root}/sys/class/net`,
    sysVirtioNetDriver: `${root}/sys/bus/virtio/drivers/virtio_net`,
    sysCpu: `${root}/sys/devices/system/cpu`,
    sysCpuHotplugStates: `${root}/sys/devices/system/cpu/hotplug/states`,
    sysDmi: `${root}/sys/class/dmi/id`,
    sysCgroup: `${root}/sys/fs/cgroup`,
    procCmdline: `${root}/proc/cmdline`,
    proc: `${root}/proc`,
    procInterrupts: `${root}/proc/interrupts`,
    procIrq: `${root}/proc/irq`,
    procHostname: `${root}/proc/sys/kernel/hostname`,
    procDomainName: `${root}/proc/sys/kernel/domainname`,
    procVersion: `${root}/proc/version`,
    procKernelRelease: `${root}/proc/sys/kernel/osrelease`,
    procBootId: `${root}/proc/sys/kernel/random/boot_id`,
    procStat: `${root}/proc/stat`,
    procSoftirqs: `${root}/proc/softirqs`,
    procNet: `${root}/proc/net`,
    procNetDev: `${root}/proc/net/dev`,
    procConntrackCount: `${root}/proc/sys/net/netfilter/nf_conntrack_count`,
    containerMarks: [`${root}/run/systemd/container`, `${root}/run/.containerenv`, `${root}/.dockerenv`],
    sysPciDevices: `${root}/sys/bus/pci/devices`,
    sysVirtioDevices: `${root}/sys/bus/virtio/devices`,
    osRelease: `${root}/etc/os-release`,
    resolvConf: `${root}/etc/resolv.conf`,
    machineId: `${root}/etc/machine-id`,
    udevData: `${root}/run/udev/data`,
    etcConfig: `${root}/etc/vqtune/vqtune.toml`,
    etcConfigDir: `${root}/etc/vqtune/conf.d`,
    vendorConfig: `${root}/usr/lib/vqtune/vqtune.toml`,
    runDir: `${root}/run/vqtune`,
    stateDir: `${root}/var/lib/vqtune`,
    bootRecord: `${root}/var/lib/vqtune/boot-record`,
    bootGate: `${root}/usr/libexec/vqtune/boot-gate`,
    hypervisor: {
      etcPve: `${root}/etc/pve`,
      qemuConf: `${root}/etc/libvirt/qemu.conf`,
      runLibvirtQemu: `${root}/run/libvirt/qemu`,
      runLibvirt: `${root}/run/libvirt`,
      sysModuleVhostNet: `${root}/sys/module/vhost_net`,
      procModules: `${root}/proc/modules`,
      procKallsyms: `${root}/proc/kallsyms`,
      modprobeDirs: ['etc', 'run', 'usr/local/lib', 'usr/lib', 'lib'].map(
        (top) => `${root}/${top}/modprobe.d`,
      ),
      modprobeOwnFile: `${root}/etc/modprobe.d/vqtune-vhost-net.conf`,
      tracefs: [`${root}/sys/kernel/tracing`, `${root}/sys/kernel/debug/tracing`],
    },
    writers: {
      tunedActiveProfile: `${root}/etc/tuned/active_profile`,
      tunedProfileDirs: ['etc/tuned/profiles', 'etc/tuned', 'usr/lib/tuned/profiles', 'usr/lib/tuned'].map(
        (directory) => `${root}/${directory}`,
      ),
      networkManagerDirs: ['etc', 'run', 'usr/lib'].map(
        (top) => `${root}/${top}/NetworkManager/system-connections`,
      ),
      ifcfgDir: `${root}/etc/sysconfig/network-scripts`,
      linkDirs: ['etc', 'run', 'usr/local/lib', 'usr/lib', 'lib'].map(
        (top) => `${root}/${top}/systemd/network`,
      ),
      udevRuleDirs: ['etc', 'run', 'usr/local/lib', 'usr/lib', 'lib'].map(
        (top) => `${root}/${top}/udev/rules.d`,
      ),
    },
  }
}
