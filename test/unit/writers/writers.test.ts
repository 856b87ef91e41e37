import { describe, expect, test } from 'vitest'
import type { System } from '../../../src/system/system'
import { searchWriters } from '../../../src/writers/index'
import { parseIni } from '../../../src/writers/ini'
import type { Writer, WriterTarget } from '../../../src/writers/writer'
import { processFiles, systemWith } from '../../support/systems'

const findWriters = (system: System, nic: WriterTarget) => searchWriters(system, nic).writers
const irq = (number: number, name: string) => ({ irq: number, name, affinity: [0], effective: [0] })

const NIC: WriterTarget = {
  name: 'ens3',
  altnames: ['enp0s3'],
  mac: '52:54:00:ab:cd:01',
  bus: 'pci',
  busAddress: '0000:00:03.0',
  queues: [
    { index: 0, rxIrq: irq(25, 'virtio0-input.0'), txIrq: irq(26, 'virtio0-output.0') },
    { index: 1, rxIrq: irq(27, 'virtio0-input.1'), txIrq: irq(28, 'virtio0-output.1') },
  ],
}

/** Who, where and how surely, of a guest with these files. */
function writersOf(files: Readonly<Record<string, string>>, nic = NIC): Writer[] {
  const system = systemWith(files)
  return findWriters(system, nic).map((writer) => ({
    ...writer,
    where: writer.where.replace(system.paths.root, ''),
    remedy: writer.remedy.replaceAll(system.paths.root, ''),
  }))
}

const brief = (files: Readonly<Record<string, string>>, nic = NIC) =>
  writersOf(files, nic).map(({ writer, where, matches }) => `${matches} ${writer} ${where}`)

test('a guest without rivals has none', () => {
  expect(writersOf({ '/proc/1/comm': 'systemd\n', '/proc/self/comm': 'irqbalance\n' })).toEqual([])
})

describe('irqbalance', () => {
  const running = (...args: string[]) =>
    processFiles(812, 'irqbalance', { cmdline: ['/usr/sbin/irqbalance', ...args, ''].join('\0') })
  const found = (files: Readonly<Record<string, string>>, nic = NIC) => {
    const [one] = writersOf(files, nic)
    return one && `${one.matches}: ${one.what} -> ${one.remedy}`
  }

  test('running, it moves interrupts; what cannot be asked gets a policy script without numbers', () => {
    expect(writersOf({ ...running('--foreground'), '/etc/sysconfig/irqbalance': '' })).toEqual([
      {
        writer: 'irqbalance',
        where: 'pid 812',
        what: 'runs and moves the interrupts of the queues between CPUs',
        tunable: 'irq-affinity',
        matches: 'yes',
        remedy:
          'start it with --policyscript=/usr/libexec/vqtune/irqbalance-policy (IRQBALANCE_ARGS in /etc/sysconfig/irqbalance), or with --banmod=virtio-pci, which also means virtio disks; or systemctl disable --now irqbalance',
      },
    ])
  })

  test('one with a socket is asked', () => {
    expect(found({ ...running(), '/run/irqbalance/irqbalance812.sock': '' })).toBe(
      'yes: runs and moves the interrupts of the queues between CPUs -> vqtune apply, or the daemon, asks it to leave them alone, unless irqbalance = "leave" in vqtune.toml; or systemctl disable --now irqbalance',
    )
  })

  test('asked to leave every interrupt of the queues alone, it may move them all the same', () => {
    const request = (irqs: readonly number[], missing: readonly number[] = []) => ({
      ...running(),
      '/proc/sys/kernel/random/boot_id': 'b\n',
      '/proc/812/stat': `812 (irqbalance) S ${'0 '.repeat(18)}77 0\n`,
      '/run/vqtune/irqbalance.json': JSON.stringify({
        ...{ version: 1, bootId: 'b', pid: 812, startTicks: '77', at: '2027-01-01T00:00:00Z' },
        ...{ nics: [{ virtio: 'virtio0', ifindex: 2, name: 'ens3', irqs }], others: [], missing },
      }),
    })
    expect(found(request([25, 26, 27, 28]))).toBe(
      'maybe: was asked to leave the 4 interrupts of the queues alone, and may move them all the same -> nothing, unless it moves them: systemctl disable --now irqbalance',
    )
    expect(found(request([25, 26]))).toMatch(/^yes: runs and moves/)
    expect(found(request([25, 26, 27, 28], [28]))).toMatch(/^yes: runs and moves/)
    const { '/proc/812/stat': stat, ...restarted } = request([25, 26, 27, 28])
    expect(stat).toContain(' 77 ')
    expect(found({ ...restarted, '/proc/812/stat': `812 (irqbalance) S ${'0 '.repeat(18)}78 0\n` })).toMatch(
      /^yes/,
    )
  })

  test('what an administrator told it at its start is believed, and never stated as a fact', () => {
    const all = ['--banirq=25', '--banirq=26', '--banirq', '27', '-i', '28']
    expect(found(running(...all))).toMatch(
      /^maybe: was started with --banirq= for the interrupts of the queues/,
    )
    expect(found(running('--banirq=25'))).toMatch(/^yes: runs and moves/)
    expect(found(running('--banmod=virtio'))).toMatch(
      /^maybe: may move the interrupts of the queues; --banmod=virtio, with which it was started, should/,
    )
    expect(found(running('--banmod=xhci'))).toMatch(/^yes: /)
    expect(found(running('--policyscript=/etc/sysconfig/policy.sh'))).toBe(
      'maybe: may move the interrupts of the queues, unless its policy script /etc/sysconfig/policy.sh keeps it from that -> see that /etc/sysconfig/policy.sh /sys/bus/pci/devices/0000:00:03.0 25 prints ban=true; /usr/libexec/vqtune/irqbalance-policy does',
    )
    const environ = { '/proc/812/environ': 'IRQBALANCE_BANNED_CPULIST=2-3\0' }
    expect(found({ ...running(), ...environ })).toMatch(
      /^maybe: may move the interrupts of the queues to CPUs that are not banned for it \(banned: 2-3\)/,
    )
  })

  test('a single queue is at home wherever its interrupt is', () => {
    const [queue] = NIC.queues
    expect(writersOf(running(), { ...NIC, queues: queue === undefined ? [] : [queue] })).toEqual([])
  })

  test('a NIC without interrupts of its own queues: any number will do for its script', () => {
    expect(found(running('-l/p'), { ...NIC, queues: [] })).toMatch(/ -> see that \/p \S+ 0 prints ban=true/)
  })

  test('a device that is not on PCI: neither script nor driver name help', () => {
    const mmio: WriterTarget = { ...NIC, bus: 'mmio', busAddress: 'LNRO0005:00' }
    expect(found(running(), mmio)).toMatch(/ -> systemctl disable --now irqbalance$/)
    expect(found(running('--banmod=virtio'), mmio)).toMatch(/^yes/)
    expect(found(running('-l/p'), mmio)).toMatch(/ -> see that \/p \/sys 25 prints ban=true/)
  })
})

describe('tuned', () => {
  const RUNNING = processFiles(900, 'tuned')
  const PROFILE = (text: string) => ({
    ...RUNNING,
    '/etc/tuned/active_profile': 'web\n',
    '/etc/tuned/profiles/web/tuned.conf': text,
  })

  test('channels by an included vendor profile; the file with the value is named', () => {
    const files = {
      ...PROFILE(
        '#\n# tuned configuration\n#\n[main]\nsummary=Web\ninclude=network-latency,-more\n\n[sysctl]\nvm.swappiness=10\n',
      ),
      '/usr/lib/tuned/network-latency/tuned.conf':
        '[main]\ninclude=latency-performance\n[net]\ndevices=ens*, eth*\nchannels=combined 1\n',
      '/usr/lib/tuned/profiles/latency-performance/tuned.conf': '[cpu]\nforce_latency=1\n',
    }
    expect(writersOf(files)).toEqual([
      {
        writer: 'tuned',
        where: '/usr/lib/tuned/network-latency/tuned.conf:5',
        what: 'profile web sets channels = combined 1 in [net]',
        tunable: 'channels',
        matches: 'yes',
        remedy:
          'cp -r /usr/lib/tuned/network-latency /etc/tuned/network-latency, change the copy to be without channels=, then run systemctl restart tuned; or set on-conflict = "yield" for this NIC',
        value: '1',
      },
    ])
  })

  test.each([
    ['[net]\nchannels=combined 1\n', ['yes']],
    ['[net]\ndevices=eth*\nchannels=combined 1\n', []],
    ['[net]\ndevices=!ens3\nchannels=combined 1\n', []],
    [`[net]\ndevices=\${nics}\nchannels=combined 1\n`, ['maybe']],
    ['[my]\ntype=net\nchannels=combined 1\n', ['yes']],
    ['[net]\nenabled=false\nchannels=combined 1\n', []],
    ['[net]\nnf_conntrack_hashsize=1\n', []],
    ['[net]\ndevices_udev_regex=^ID_NET_DRIVER=virtio_net\nchannels=combined 1\n', ['yes']],
    ['[net]\ndevices_udev_regex=^ID_NET_DRIVER=ixgbe\nchannels=combined 1\n', []],
    ['[net]\ndevices_udev_regex=^ID_VENDOR=(\nchannels=combined 1\n', ['maybe']],
    ['[scheduler]\nisolated_cores=2-3\n', ['maybe']],
    ['[scheduler]\nisolated_cores=2-3\nirq_process=false\n', []],
    ['[irq]\naffinity=0-1\n', ['maybe']],
    ['[main]\ninclude=web\n[net]\nchannels=combined 1\n', ['yes']],
  ])('%j', (text, expected) => {
    expect(writersOf(PROFILE(text)).map((writer) => writer.matches)).toEqual(expected)
  })

  test('a child takes the channels of its parent back by replace=1', () => {
    const files = {
      ...PROFILE('[main]\ninclude=base\n[net]\nreplace=1\nwake_on_lan=0\n'),
      '/usr/lib/tuned/base/tuned.conf': '[net]\nchannels=combined 1\n',
    }
    expect(brief(files)).toEqual([])
  })

  test('not running now, it may still write at the next start', () => {
    const { '/proc/900/comm': _running, ...files } = PROFILE('[net]\nchannels=combined 1\n') as Record<
      string,
      string
    >
    expect(brief(files)).toEqual(['maybe tuned /etc/tuned/profiles/web/tuned.conf:2'])
  })
})

describe('NetworkManager', () => {
  const CONNECTIONS = '/etc/NetworkManager/system-connections'
  const keyfile = (connection: string, rest = '') =>
    `[connection]\nid=lan\nuuid=6a1d3a52-7a0c-4a6c-9a6a-0f6d0e0c9a11\ntype=ethernet\n${connection}\n[ethernet]\n${rest}\n[ethtool]\nchannels-combined=2\nfeature-gro=true\n\n[ipv4]\nmethod=auto\n`
  const RUNNING = processFiles(700, 'NetworkManager')

  test('a profile of this NIC sets channels', () => {
    expect(
      writersOf({ ...RUNNING, [`${CONNECTIONS}/lan.nmconnection`]: keyfile('interface-name=ens3') }),
    ).toEqual([
      {
        writer: 'NetworkManager',
        where: `${CONNECTIONS}/lan.nmconnection:9`,
        what: 'connection "lan" sets ethtool.channels-combined = 2',
        tunable: 'channels',
        matches: 'yes',
        remedy: 'nmcli connection modify lan ethtool.channels-combined ""',
        value: '2',
      },
    ])
  })

  test.each([
    [keyfile('', 'mac-address=52:54:00:AB:CD:01'), ['yes']],
    [keyfile('', 'mac-address=52:54:00:AB:CD:02'), []],
    [keyfile('interface-name=ens4'), []],
    [keyfile(''), ['maybe']],
    [`${keyfile('interface-name=ens3')}[match]\ndriver=virtio_net;\n`, ['maybe']],
    ['[connection]\nid=lan\n[ethtool]\nring-rx=512\n', ['maybe']],
    ['[connection]\nid=lan\n[ethtool]\ncoalesce-rx-usecs=8\n', []],
  ])('%j', (text, expected) => {
    const found = writersOf({ ...RUNNING, '/run/NetworkManager/system-connections/x.nmconnection': text })
    expect(found.map((writer) => writer.matches)).toEqual(expected)
  })

  test('profiles that this user may not read are told, once for each directory', () => {
    const system = systemWith({
      ...RUNNING,
      [`${CONNECTIONS}/a.nmconnection`]: '',
      [`${CONNECTIONS}/b.nmconnection`]: '',
    })
    const denied: System = Object.assign(Object.create(system), {
      readText(path: string) {
        if (path.endsWith('.nmconnection')) throw Object.assign(new Error('EACCES'), { code: 'EACCES' })
        return system.readText(path)
      },
    })
    expect(findWriters(denied, NIC)).toMatchObject([
      { writer: 'NetworkManager', where: `${system.paths.root}${CONNECTIONS}`, matches: 'unreadable' },
    ])
  })
})

test.each([
  ['DEVICE=ens3\nETHTOOL_OPTS="-G ens3 rx 512; -L ens3 combined 4"\n', ['yes']],
  [`HWADDR=52:54:00:AB:CD:01\nETHTOOL_OPTS='-L \${DEVICE} combined 4'\n`, ['yes']],
  ['DEVICE=ens4\nETHTOOL_OPTS="-L ens4 combined 4"\n', []],
  ['HWADDR=52:54:00:00:00:99\nETHTOOL_OPTS="-L ens4 combined 4"\n', []],
  ['ETHTOOL_OPTS="-L ens3 combined 4"\n', ['maybe']],
  ['DEVICE=ens3\nETHTOOL_OPTS="-K ens3 gro off"\n', []],
  ['DEVICE=ens3\n#ETHTOOL_OPTS="-L ens3 combined 4"\n', []],
])('ifcfg %j', (text, expected) => {
  const found = writersOf({ '/etc/sysconfig/network-scripts/ifcfg-ens3': text })
  expect(found.map((writer) => writer.matches)).toEqual(expected)
})

describe('systemd .link', () => {
  const DEFAULT = {
    '/usr/lib/systemd/network/99-default.link':
      '[Match]\nOriginalName=*\n\n[Link]\nNamePolicy=keep kernel database onboard slot path\nMACAddressPolicy=persistent\n',
  }
  const link = (match: string) => `[Match]\n${match}\n\n[Link]\nCombinedChannels=2\n`

  test.each([
    ['Driver=virtio_net', ['yes']],
    ['Driver=ixgbe', []],
    ['OriginalName=*', ['yes']],
    ['OriginalName=enp*', ['yes']],
    ['OriginalName=eth0', ['maybe']],
    ['OriginalName=wlan*', []],
    ['MACAddress=52:54:00:00:00:01 52-54-00-AB-CD-01', ['yes']],
    ['Path=pci-0000:00:03.0', ['yes']],
    ['Path=pci-0000:00:04.*', []],
    ['Driver=!virtio_net', []],
    ['MACAddress=52:54:00:00:00:01', []],
    ['Type=ether', ['yes']],
    ['Type=wlan', []],
    ['Host=!web01', ['maybe']],
    ['Driver=virtio_net\nHost=web01', ['maybe']],
    ['', []],
  ])('%j', (match, expected) => {
    const found = writersOf({ ...DEFAULT, '/etc/systemd/network/10-net.link': link(match) })
    expect(found.map((writer) => writer.matches)).toEqual(expected)
  })

  test('only the first file that matches is applied, and files hide those of the same name', () => {
    const late = { '/etc/systemd/network/99-z.link': link('Driver=virtio_net') }
    expect(brief({ ...DEFAULT, ...late })).toEqual([])
    const hidden = {
      '/etc/systemd/network/10-a.link': '[Match]\nDriver=ixgbe\n',
      '/usr/lib/systemd/network/10-a.link': link('Driver=virtio_net'),
    }
    expect(brief(hidden)).toEqual([])
    const unsure = { '/etc/systemd/network/10-a.link': '[Match]\nHost=web\n[Link]\nMTUBytes=9000\n' }
    expect(brief({ ...unsure, '/etc/systemd/network/20-b.link': link('Driver=virtio_net') })).toEqual([
      'maybe systemd-link /etc/systemd/network/20-b.link:5',
    ])
  })

  test('drop-ins count', () => {
    const files = { ...DEFAULT, '/etc/systemd/network/99-default.link.d/rx.conf': '[Link]\nRxChannels=max\n' }
    expect(writersOf(files)).toMatchObject([
      { what: 'sets RxChannels=max when the device appears', matches: 'yes' },
    ])
  })
})

describe('what does not run as things are says why', () => {
  const SCRIPT = '#!/bin/sh\nethtool -L ens3 combined 2\n'
  const why = (path: string, mask?: string) => {
    const masks = mask === undefined ? {} : { [`/etc/systemd/system/${mask}`]: '' }
    return writersOf({ [path]: SCRIPT, ...masks }).map(({ what, remedy }) => `${what} -> ${remedy}`)
  }

  test.each([
    [
      '/etc/rc.d/rc.local',
      undefined,
      'at each boot (it is not executable, so it is not run) -> remove line 2 of /etc/rc.d/rc.local, or run chmod -x /etc/rc.d/rc.local',
    ],
    [
      '/etc/rc.d/rc.local',
      'rc-local.service',
      'at each boot (rc-local.service is masked) -> remove line 2 of /etc/rc.d/rc.local, or run chmod -x /etc/rc.d/rc.local',
    ],
    [
      '/etc/init.d/q',
      undefined,
      'at each boot (no runlevel starts it) -> chkconfig q off, or systemctl mask q.service',
    ],
    [
      '/etc/init.d/q',
      'q.service',
      'at each boot (q.service is masked) -> chkconfig q off, or systemctl mask q.service',
    ],
    [
      '/etc/cron.daily/q',
      undefined,
      'by cron (daily) (it is not executable, so it is not run) -> remove line 2 of /etc/cron.daily/q, or run chmod -x /etc/cron.daily/q',
    ],
    [
      '/etc/NetworkManager/dispatcher.d/q',
      'NetworkManager-dispatcher.service',
      'when a connection changes (NetworkManager-dispatcher.service is masked) -> remove line 2 of /etc/NetworkManager/dispatcher.d/q, or run chmod -x /etc/NetworkManager/dispatcher.d/q',
    ],
    [
      '/var/lib/cloud/instance/scripts/q',
      'cloud-final.service',
      'by cloud-init, once for each instance (cloud-init is masked) -> remove line 2 of /var/lib/cloud/instance/scripts/q (user data: at its source, too), or create /etc/cloud/cloud-init.disabled',
    ],
  ])('%s, %s masked', (path, mask, expected) => {
    expect(why(path, mask)).toEqual([`runs ethtool -L ens3 combined 2 ${expected}`])
  })

  test('an agent without its script is named by its process', () => {
    const [channels] = writersOf(processFiles(900, 'google_guest_agent'.slice(0, 15)))
    expect(channels).toMatchObject({
      where: 'pid 900',
      what: expect.stringMatching(/; runs as pid 900$/),
      value: 'vcpus',
      remedy: 'set set_multiqueue = false in [InstanceSetup] of /etc/default/instance_configs.cfg',
    })
  })
})

describe('udev rules', () => {
  const RULES = '/etc/udev/rules.d/80-net.rules'

  test('file and line are named', () => {
    const text =
      '# ethtool -L\n\nACTION=="add", SUBSYSTEM=="net", \\\n  ENV{ID_NET_DRIVER}=="virtio_net", RUN+="/usr/sbin/ethtool -L $name combined 2"\n'
    expect(writersOf({ [RULES]: text })).toEqual([
      {
        writer: 'udev-rule',
        where: `${RULES}:3`,
        what: 'runs ethtool -L $name combined 2 (a udev rule, when its device appears)',
        value: '2',
        tunable: 'channels',
        matches: 'yes',
        remedy: 'remove the rule, or override it with a file of the same name in /etc/udev/rules.d',
      },
    ])
  })

  test("a vendor's rule is masked, never edited", () => {
    const rule = 'SUBSYSTEM=="net", RUN+="/sbin/ethtool -L %k combined 2"\n'
    expect(writersOf({ '/usr/lib/udev/rules.d/80-net.rules': rule })).toMatchObject([
      {
        where: '/usr/lib/udev/rules.d/80-net.rules:1',
        remedy: 'ln -s /dev/null /etc/udev/rules.d/80-net.rules',
      },
    ])
  })

  test('a rule that the file ends in the middle of counts', () => {
    const rule = 'SUBSYSTEM=="net", RUN+="/sbin/ethtool -L %k combined 2"'
    expect(writersOf({ [RULES]: `${rule}\\` }).map((writer) => writer.matches)).toEqual(['yes'])
  })

  test.each([
    ['SUBSYSTEM=="net", NAME=="ens4", RUN+="/sbin/ethtool -L %k combined 2"', []],
    ['SUBSYSTEM=="net", ATTR{address}=="52:54:00:ab:cd:01", RUN+="/sbin/ethtool -L %k combined 2"', ['yes']],
    ['SUBSYSTEM=="net", KERNEL!="lo", RUN+="/sbin/ethtool -L %k combined 2"', ['yes']],
    ['SUBSYSTEM=="net", KERNEL=="eth*", RUN+="/sbin/ethtool --set-channels %k combined 2"', ['maybe']],
    ['SUBSYSTEM=="net", DRIVERS=="ixgbe", RUN+="/sbin/ethtool -L %k combined 2"', []],
    ['SUBSYSTEM=="net", RUN+="/sbin/ethtool -K %k gro off"', []],
    ['SUBSYSTEM=="queues", KERNEL=="tx-*", ATTR{xps_cpus}="f"', ['maybe']],
    ['DRIVER=="virtio_net", RUN+="/sbin/ethtool -L %k combined 2"', ['yes']],
    ['KERNEL=="ens3", RUN+="/sbin/ethtool -L %k combined 2"', ['yes']],
    ['KERNEL=="wlan0", RUN+="/sbin/ethtool -L %k combined 2"', []],
    ['ATTR{mtu}=="1500", RUN+="/sbin/ethtool -L %k combined 2"', ['maybe']],
    ['ENV{ID_NET_DRIVER}=="ixgbe", RUN+="/sbin/ethtool -L %k combined 2"', []],
    ['ENV{INTERFACE}=="ens3", RUN+="/sbin/ethtool -L %k combined 2"', ['yes']],
    ['ENV{ID_NET_NAME}=="ens4", RUN+="/sbin/ethtool -L %k combined 2"', []],
    ['ENV{ID_PATH}=="x", RUN+="/sbin/ethtool -L %k combined 2"', ['maybe']],
    ['TEST=="/x", RUN+="/sbin/ethtool -L %k combined 2" \\', ['maybe']],
    ['SUBSYSTEM=="net", RUN+="/bin/sh -c \'echo 1 > /proc/irq/25/smp_affinity\'"', ['yes']],
    ['SUBSYSTEM=="net", RUN+="/bin/sh -c \'echo 1 > /proc/irq/1/smp_affinity\'"', []],
    ['SUBSYSTEM=="block", RUN+="/bin/sh -c \'echo 1 > /proc/irq/1/smp_affinity\'"', []],
  ])('%s', (rule, expected) => {
    expect(writersOf({ [RULES]: `${rule}\n` }).map((writer) => writer.matches)).toEqual(expected)
  })
})

test('certain rivals come first', () => {
  const files = {
    ...processFiles(1, 'irqbalance'),
    '/etc/systemd/network/10-a.link': '[Match]\nHost=a\n[Link]\nCombinedChannels=1\n',
    '/etc/sysconfig/network-scripts/ifcfg-ens3': 'DEVICE=ens3\nETHTOOL_OPTS="-L ens3 combined 1"\n',
  }
  expect(writersOf(files).map((writer) => `${writer.matches} ${writer.tunable}`)).toEqual([
    'yes irq-affinity',
    'yes channels',
    'maybe channels',
  ])
})

describe('what cannot be read', () => {
  const RULE = 'RUN+="/sbin/ethtool -L %k combined 2"\n'
  const FILES = {
    '/etc/sysconfig/network-scripts/ifcfg-ens3': 'ETHTOOL_OPTS="-L ens3 combined 4"\n',
    '/etc/systemd/network/10-a.link': '[Match]\nDriver=virtio_net\n[Link]\nCombinedChannels=1\n',
    '/etc/systemd/network/10-a.link.d/b.conf': '[Link]\nRxChannels=1\n',
    '/etc/udev/rules.d/80-a.rules': RULE,
    '/etc/NetworkManager/system-connections/a': '[ethtool]\nchannels-rx=1\n',
  }
  const failing = (errno: string, what: 'readText' | 'list', where: RegExp) => {
    const system = systemWith(FILES)
    const real = system[what].bind(system) as (path: string) => unknown
    return findWriters(
      Object.assign(Object.create(system), {
        [what]: (path: string) => {
          if (where.test(path)) throw Object.assign(new Error(errno), { code: errno })
          return real(path)
        },
      }),
      NIC,
    ).map(({ writer, matches }) => `${matches} ${writer}`)
  }

  test('is no rival, but of NetworkManager, whose profiles only root may read', () => {
    const all = ['yes systemd-link', 'yes udev-rule', 'maybe NetworkManager', 'maybe ifcfg']
    expect(failing('EIO', 'readText', /nowhere/)).toEqual(all)
    for (const errno of ['EACCES', 'EPERM']) {
      expect(failing(errno, 'readText', /\/etc\//)).toEqual(['unreadable NetworkManager'])
      expect(failing(errno, 'list', /\/etc\//)).toEqual(['unreadable NetworkManager'])
    }
    expect(failing('EIO', 'readText', /\/etc\//)).toEqual([])
    expect(failing('EIO', 'list', /\/etc\//)).toEqual([])
    expect(failing('EIO', 'readText', /\.conf$/)).toEqual(all)
  })
})

test('NetworkManager: a profile without a name of its own goes by its file', () => {
  const file = '/etc/NetworkManager/system-connections/a'
  expect(writersOf({ [file]: '[ethtool]\nchannels-rx=1\n' })).toMatchObject([
    { what: expect.stringMatching(/^connection ".*\/system-connections\/a" sets ethtool\.channels-rx = 1$/) },
  ])
  expect(writersOf({ [file]: '[connection]\nid=a\n' })).toEqual([])
})

test('irqbalance: of a NIC without interrupts of its own the remedy names none', () => {
  const files = processFiles(1, 'irqbalance')
  expect(writersOf(files, { ...NIC, queues: [] })).toMatchObject([
    { remedy: 'systemctl disable --now irqbalance' },
  ])
})

test('.link: the path of a NIC that is not on PCI cannot be told, nor one without [Match] or [Link] mean it', () => {
  const path = '/etc/systemd/network/10-a.link'
  const text = '[Match]\nPath=platform-a\n[Link]\nCombinedChannels=1\n'
  expect(brief({ [path]: text }, { ...NIC, bus: 'mmio' })).toEqual([`maybe systemd-link ${path}:4`])
  expect(brief({ [path]: '[Link]\nCombinedChannels=1\n' })).toEqual([])
  expect(brief({ [path]: '[Match]\nDriver=virtio_net\n' })).toEqual([])
})

describe('tuned: sections of several profiles', () => {
  const where = (own: string, included: string) =>
    writersOf({
      ...processFiles(900, 'tuned'),
      '/etc/tuned/active_profile': 'web\n',
      '/etc/tuned/profiles/web/tuned.conf': `[main]\ninclude=base\n${own}`,
      '/etc/tuned/profiles/base/tuned.conf': included,
    }).map((writer) => `${writer.matches} ${writer.where.split('/').at(-2)}`)

  test('the file with the last value is named', () => {
    const channels = '[net]\nchannels=combined 1\n'
    expect(where(channels, channels)).toEqual(['yes web'])
    expect(where('[net]\nwake_on_lan=d\n', channels)).toEqual(['yes base'])
    expect(where(channels, '[net]\nwake_on_lan=d\n')).toEqual(['yes web'])
    expect(where('[net]\nreplace=1\nwake_on_lan=d\n', channels)).toEqual([])
  })

  test('a pattern over properties that are not known here leaves it open', () => {
    const regex = (pattern: string) =>
      where('', `[net]\ndevices_udev_regex=${pattern}\nchannels=combined 1\n`)
    expect(regex('ID_PATH=x')).toEqual(['maybe base'])
    expect(regex('INTERFACE=eth9')).toEqual([])
    expect(regex('INTERFACE=ens3')).toEqual(['yes base'])
    expect(regex('(')).toEqual(['maybe base'])
  })
})

test('lines of an INI file that are no pairs, or stand before any section, are skipped', () => {
  expect(parseIni('x=0\n[a]\nnoise\n=x\nb = 1\n')).toEqual(new Map([['a', [['b', '1']]]]))
})
