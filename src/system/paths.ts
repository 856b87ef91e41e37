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
  /** net.core.rps_sock_flow_entries. */
  readonly procFlowEntries: string
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
  readonly run: string
  /** irqbalance's socket, while it is running: irqbalancePID.sock. */
  readonly runIrqbalance: string
  /** Forgotten at reboot, like the settings that it describes: ledger, lock, daemon state. */
  readonly runDir: string
  /** What the kernel notes of writers, where the unit has it do so. */
  readonly writerTraces: readonly string[]
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
  readonly tunedDir: string
  readonly tunedActiveProfile: string
  readonly tunedPostProfile: string
  readonly tunedProfileDirs: readonly string[]
  readonly networkManagerDirs: readonly string[]
  /** Of initscripts, and of wicked. */
  readonly ifcfgDirs: readonly string[]
  readonly linkDirs: readonly string[]
  readonly udevRuleDirs: readonly string[]
  /** Environment of irqbalance's unit: RHEL, Debian. */
  readonly irqbalanceFiles: readonly string[]
  /** Programs that rules name without a path. */
  readonly udevProgramDirs: readonly string[]
  readonly dispatcherDirs: readonly string[]
  /** Scripts that network services run for each interface. */
  readonly networkHooks: readonly string[]
  readonly networkHookDirs: readonly string[]
  readonly ifupdownFiles: readonly string[]
  readonly ifupdownDir: string
  readonly ifupdownHookDirs: readonly string[]
  readonly rcLocalFiles: readonly string[]
  readonly initDirs: readonly string[]
  /** rcN.d, with the links of enabled init scripts. */
  readonly runlevelDirs: readonly string[]
  /** Tables with a column for the user. */
  readonly cronTables: readonly string[]
  readonly cronTableDir: string
  readonly cronUserDirs: readonly string[]
  readonly cronScriptDirs: readonly string[]
  readonly anacrontab: string
  readonly unitDirs: readonly string[]
  readonly cloudConfigFiles: readonly string[]
  readonly cloudConfigDir: string
  readonly cloudScriptDirs: readonly string[]
  readonly dracutModuleDirs: readonly string[]
  readonly dracutHookDirs: readonly string[]
  readonly kubeletFiles: readonly string[]
  readonly modprobeDirs: readonly string[]
  readonly sysctlFile: string
  readonly sysctlDirs: readonly string[]
  readonly google: { readonly scripts: readonly string[]; readonly config: string }
  readonly alibabaScripts: readonly string[]
  readonly huaweiScripts: readonly string[]
  readonly tencentDirs: readonly string[]
  readonly perftune: { readonly scripts: readonly string[]; readonly configs: readonly string[] }
  readonly audit: { readonly log: string; readonly rules: string; readonly rulesDir: string }
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
  readonly sysVdpaDevices: string
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
    procFlowEntries: `${root}/proc/sys/net/core/rps_sock_flow_entries`,
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
    run: `${root}/run`,
    runIrqbalance: `${root}/run/irqbalance`,
    runDir: `${root}/run/vqtune`,
    writerTraces: ['tracing', 'debug/tracing'].map(
      (place) => `${root}/sys/kernel/${place}/instances/vqtune/trace`,
    ),
    stateDir: `${root}/var/lib/vqtune`,
    bootRecord: `${root}/var/lib/vqtune/boot-record`,
    bootGate: `${root}/usr/libexec/vqtune/boot-gate`,
    hypervisor: {
      etcPve: `${root}/etc/pve`,
      qemuConf: `${root}/etc/libvirt/qemu.conf`,
      runLibvirtQemu: `${root}/run/libvirt/qemu`,
      runLibvirt: `${root}/run/libvirt`,
      sysModuleVhostNet: `${root}/sys/module/vhost_net`,
      sysVdpaDevices: `${root}/sys/bus/vdpa/devices`,
      procModules: `${root}/proc/modules`,
      procKallsyms: `${root}/proc/kallsyms`,
      modprobeDirs: ['etc', 'run', 'usr/local/lib', 'usr/lib', 'lib'].map(
        (top) => `${root}/${top}/modprobe.d`,
      ),
      modprobeOwnFile: `${root}/etc/modprobe.d/vqtune-vhost-net.conf`,
      tracefs: [`${root}/sys/kernel/tracing`, `${root}/sys/kernel/debug/tracing`],
    },
    writers: {
      tunedDir: `${root}/etc/tuned`,
      tunedActiveProfile: `${root}/etc/tuned/active_profile`,
      tunedPostProfile: `${root}/etc/tuned/post_loaded_profile`,
      tunedProfileDirs: [
        'etc/tuned/profiles',
        'etc/tuned',
        'usr/lib/tuned/profiles',
        'usr/lib/tuned',
        'var/lib/ocp-tuned/profiles',
      ].map((directory) => `${root}/${directory}`),
      networkManagerDirs: ['etc', 'run', 'usr/lib'].map(
        (top) => `${root}/${top}/NetworkManager/system-connections`,
      ),
      ifcfgDirs: [`${root}/etc/sysconfig/network-scripts`, `${root}/etc/sysconfig/network`],
      linkDirs: ['etc', 'run', 'usr/local/lib', 'usr/lib', 'lib'].map(
        (top) => `${root}/${top}/systemd/network`,
      ),
      udevRuleDirs: ['etc', 'run', 'usr/local/lib', 'usr/lib', 'lib'].map(
        (top) => `${root}/${top}/udev/rules.d`,
      ),
      irqbalanceFiles: ['sysconfig', 'default'].map((directory) => `${root}/etc/${directory}/irqbalance`),
      udevProgramDirs: ['usr/lib', 'lib', 'etc'].map((top) => `${root}/${top}/udev`),
      dispatcherDirs: ['etc', 'usr/lib'].flatMap((top) =>
        ['', '/pre-up.d', '/pre-down.d', '/no-wait.d'].map(
          (kind) => `${root}/${top}/NetworkManager/dispatcher.d${kind}`,
        ),
      ),
      networkHooks: ['sbin', 'usr/sbin'].flatMap((top) =>
        ['ifup-local', 'ifup-pre-local', 'ifdown-local'].map((name) => `${root}/${top}/${name}`),
      ),
      networkHookDirs: [
        ...['etc', 'usr/lib'].flatMap((top) =>
          ['routable.d', 'configured.d', 'configuring.d', 'carrier.d', 'degraded.d', 'dormant.d'].map(
            (kind) => `${root}/${top}/networkd-dispatcher/${kind}`,
          ),
        ),
        ...['dhclient.d', 'dhclient-enter-hooks.d', 'dhclient-exit-hooks.d', 'dhclient-up-hooks.d'].map(
          (kind) => `${root}/etc/dhcp/${kind}`,
        ),
        `${root}/etc/sysconfig/network/scripts`,
        `${root}/etc/sysconfig/network/if-up.d`,
      ],
      ifupdownFiles: [`${root}/etc/network/interfaces`],
      ifupdownDir: `${root}/etc/network/interfaces.d`,
      ifupdownHookDirs: ['if-pre-up.d', 'if-up.d', 'if-down.d', 'if-post-down.d'].map(
        (kind) => `${root}/etc/network/${kind}`,
      ),
      rcLocalFiles: ['rc.d/rc.local', 'rc.local', 'init.d/boot.local', 'init.d/after.local'].map(
        (name) => `${root}/etc/${name}`,
      ),
      initDirs: [`${root}/etc/rc.d/init.d`, `${root}/etc/init.d`],
      runlevelDirs: ['2', '3', '4', '5', 'S'].flatMap((level) => [
        `${root}/etc/rc.d/rc${level}.d`,
        `${root}/etc/rc${level}.d`,
      ]),
      cronTables: [`${root}/etc/crontab`],
      cronTableDir: `${root}/etc/cron.d`,
      cronUserDirs: [`${root}/var/spool/cron`, `${root}/var/spool/cron/crontabs`],
      cronScriptDirs: ['hourly', 'daily', 'weekly', 'monthly'].map((often) => `${root}/etc/cron.${often}`),
      anacrontab: `${root}/etc/anacrontab`,
      unitDirs: [
        'etc/systemd/system.control',
        'run/systemd/system.control',
        'run/systemd/transient',
        'etc/systemd/system',
        'run/systemd/system',
        'run/systemd/generator',
        'usr/local/lib/systemd/system',
        'usr/lib/systemd/system',
        'lib/systemd/system',
      ].map((directory) => `${root}/${directory}`),
      cloudConfigFiles: [
        'etc/cloud/cloud.cfg',
        'var/lib/cloud/instance/cloud-config.txt',
        'var/lib/cloud/instance/user-data.txt',
        'var/lib/cloud/instance/vendor-data.txt',
        'var/lib/cloud/seed/nocloud/user-data',
        'var/lib/cloud/seed/nocloud-net/user-data',
      ].map((name) => `${root}/${name}`),
      cloudConfigDir: `${root}/etc/cloud/cloud.cfg.d`,
      cloudScriptDirs: [
        'scripts/per-boot',
        'scripts/per-instance',
        'scripts/per-once',
        'scripts/vendor',
        'instance/scripts',
      ].map((name) => `${root}/var/lib/cloud/${name}`),
      dracutModuleDirs: [`${root}/usr/lib/dracut/modules.d`, `${root}/etc/dracut/modules.d`],
      dracutHookDirs: [
        `${root}/usr/lib/dracut/hooks`,
        `${root}/etc/dracut/hooks`,
        `${root}/var/lib/dracut/hooks`,
      ],
      kubeletFiles: [
        'var/lib/kubelet/config.yaml',
        'etc/kubernetes/kubelet.conf',
        'etc/kubernetes/kubelet-config.yaml',
        'etc/kubernetes/kubelet/kubelet-config.json',
      ].map((name) => `${root}/${name}`),
      modprobeDirs: ['etc', 'run', 'usr/local/lib', 'usr/lib', 'lib'].map(
        (top) => `${root}/${top}/modprobe.d`,
      ),
      sysctlFile: `${root}/etc/sysctl.conf`,
      sysctlDirs: ['etc', 'run', 'usr/local/lib', 'usr/lib', 'lib'].map((top) => `${root}/${top}/sysctl.d`),
      google: {
        scripts: ['google_set_multiqueue', 'google_hpc_multiqueue'].map((name) => `${root}/usr/bin/${name}`),
        config: `${root}/etc/default/instance_configs.cfg`,
      },
      alibabaScripts: ['sbin', 'usr/sbin', 'usr/local/sbin', 'usr/bin'].map(
        (top) => `${root}/${top}/ecs_mq_rps_rfs`,
      ),
      huaweiScripts: [
        'etc/rc.d/init.d',
        'etc/init.d',
        'etc/sysconfig/network-scripts',
        'usr/local/bin',
        'usr/sbin',
      ].map((top) => `${root}/${top}/multi-queue-hw`),
      tencentDirs: ['irq', 'rps', 'xps'].map((kind) => `${root}/usr/local/qcloud/${kind}`),
      perftune: {
        scripts: [
          'opt/scylladb/scripts/perftune.py',
          'opt/scylladb/seastar/scripts/perftune.py',
          'usr/lib/scylla/perftune.py',
          'opt/redpanda/lib/perftune.py',
        ].map((name) => `${root}/${name}`),
        configs: [`${root}/etc/scylla.d/perftune.yaml`, `${root}/etc/scylla.d/scylla-perftune.conf`],
      },
      audit: {
        log: `${root}/var/log/audit/audit.log`,
        rules: `${root}/etc/audit/audit.rules`,
        rulesDir: `${root}/etc/audit/rules.d`,
      },
    },
  }
}
