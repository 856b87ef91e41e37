import { afterEach, describe, test } from 'vitest'
import { capture } from '../lib/capture'
import { type BootOptions, Guest } from '../lib/guest'
import { allKernels, isRhel } from '../lib/kernels'
import { xdpPassObject } from '../lib/xdp-object'

/**
 * Writes the archives of test/fixtures/guests from real guests:
 *   npx vitest run --config test/vm/capture/vitest.config.ts guests [-t NAME]
 * One guest serves several fixtures where a later state follows from an earlier one.
 */
describe('guests', () => {
  let guest: Guest | undefined
  afterEach(async () => {
    await guest?.dispose()
  })

  async function boot(options: Omit<BootOptions, 'node' | 'kernel'> & Partial<BootOptions>): Promise<Guest> {
    guest = await Guest.boot({ kernel: '6.12', node: true, ...options })
    return guest
  }

  test('debian-6.12-4cpu-4q', async () => {
    const vm = await boot({ cpus: 4, nics: [{ queues: 4 }] })
    const nic = await vm.configureNic(0)
    await capture(vm, 'debian-6.12-4cpu-4q', 'as booted: four vCPUs, four queues, every queue private')

    await vm.shell(`
      virtio=$(basename "$(readlink -f /sys/class/net/${nic}/device)")
      for i in 0 1; do
        for d in input output; do
          n=$(awk -v n="$virtio-$d.$i" '$NF == n {sub(":", "", $1); print $1}' /proc/interrupts)
          echo 3 > /proc/irq/$n/smp_affinity_list
        done
      done
      echo f > /sys/class/net/${nic}/queues/tx-0/xps_cpus
      echo c > /sys/class/net/${nic}/queues/rx-0/rps_cpus`)
    await capture(
      vm,
      'irq-affinity-drifted',
      'IRQs of queues 0 and 1 moved to CPU 3, XPS of tx-0 on all CPUs, RPS on rx-0',
    )

    await vm.run(['ethtool', '-L', nic, 'combined', '2'])
    await capture(vm, 'channels-shrunk-2of4', 'someone ran ethtool -L combined 2; the maximum is 4')

    await vm.run(['ethtool', '-L', nic, 'combined', '4'])
    await vm.setCpuOnline(3, false)
    await capture(vm, 'vcpu-offlined-3of4', 'CPU 3 was taken offline; four channels remain')
  })

  test('debian-6.1-4cpu-4q', async () => {
    const vm = await boot({ kernel: '6.1', cpus: 4, nics: [{ queues: 4 }] })
    await vm.configureNic(0)
    await capture(vm, 'debian-6.1-4cpu-4q', 'as booted: four vCPUs, four queues')
  })

  test.each(allKernels)('what kernel %s does', async (kernel) => {
    const vm = await boot({
      kernel,
      cpus: 4,
      nics: [{ queues: 4 }, { queues: 4, props: { rss: 'on', hash: 'on' } }],
    })
    await vm.configureNic(0)
    const second = await vm.configureNic(1)
    const name = isRhel(kernel) ? kernel : `debian-${kernel}`
    if (isRhel(kernel)) {
      await capture(
        vm,
        `${name}-4cpu-4q`,
        'as booted: four vCPUs, two NICs of four queues, RSS on the second',
      )
    }
    // What a kernel makes of it is seen afterwards; one may refuse the second.
    await vm.run(['ethtool', '-L', second, 'combined', '2'])
    await vm.exec(['ethtool', '-G', second, 'rx', '128'])
    await vm.setCpuOnline(3, false)
    await capture(
      vm,
      `${name}-changed`,
      'the second NIC, which has RSS: two channels, RX ring of 128 if the kernel can; then CPU 3 offline',
    )
  })

  test('host-limits-2of4', async () => {
    const vm = await boot({ cpus: 4, nics: [{ queues: 2 }] })
    await vm.configureNic(0)
    await capture(vm, 'host-limits-2of4', 'the host exposes two queues to a guest of four vCPUs')
  })

  test('debian-6.12-max1', async () => {
    const vm = await boot({ cpus: 4, nics: [{ queues: 1 }] })
    await vm.configureNic(0)
    await capture(vm, 'debian-6.12-max1', 'the host exposes a single queue (no MQ feature)')
  })

  test('shared-vectors', async () => {
    const vm = await boot({ cpus: 4, nics: [{ queues: 4, vectors: 3 }] })
    await vm.configureNic(0)
    await capture(vm, 'shared-vectors', 'three MSI-X vectors: one IRQ for all virtqueues')
  })

  test('intx', async () => {
    const vm = await boot({ cpus: 4, nics: [{ queues: 4, vectors: 0 }] })
    await vm.configureNic(0)
    await capture(vm, 'intx', 'no MSI-X: one INTx line')
  })

  test('hotplug-drift', async () => {
    const vm = await boot({ kernel: '6.1', cpus: 2, maxCpus: 4, nics: [{ queues: 4 }] })
    await vm.configureNic(0)
    for (const _ of [2, 3]) await vm.setCpuOnline(await vm.addCpu(), true)
    await capture(vm, 'hotplug-drift', 'booted with two vCPUs, two more hot-added: two channels of four')
  })

  test('microvm-mmio', async () => {
    const vm = await boot({ machine: 'microvm', cpus: 4, nics: [{ queues: 4 }] })
    await vm.configureNic(0)
    await capture(vm, 'microvm-mmio', 'virtio-mmio: one IRQ per device')
  })

  test('offline-hole', async () => {
    const vm = await boot({ cpus: 8, nics: [{ queues: 8 }] })
    await vm.configureNic(0)
    await vm.setCpuOnline(2, false)
    await vm.setCpuOnline(5, false)
    await capture(vm, 'offline-hole', 'eight vCPUs, CPUs 2 and 5 offline')
  })

  test('isolated-cpus', async () => {
    const vm = await boot({ cpus: 4, nics: [{ queues: 4 }], kernelArgs: ['isolcpus=2-3', 'nohz_full=2-3'] })
    await vm.configureNic(0)
    await capture(vm, 'isolated-cpus', 'isolcpus=2-3 nohz_full=2-3')
  })

  test('two-nics', async () => {
    const vm = await boot({ cpus: 4, nics: [{ queues: 4 }, { queues: 2 }] })
    await vm.configureNic(0)
    await vm.configureNic(1)
    await capture(vm, 'two-nics', 'two NICs, maximum four and two')

    const nic = await vm.nicName(1)
    await vm.shell(`ip link set ${nic} down; ip link set ${nic} name uplink0; ip link set uplink0 up
      ip link property add dev uplink0 altname storage-a altname enp9s9altname`)
    await capture(vm, 'renamed-altnames', 'the second NIC renamed to uplink0, with two alternative names')

    await vm.shell('ip netns add tenant; ip link set uplink0 netns tenant')
    await capture(vm, 'nic-in-other-netns', 'the second NIC moved into the network namespace "tenant"')
  })

  test('eight-nics', async () => {
    const vm = await boot({ cpus: 4, nics: Array.from({ length: 8 }, () => ({ queues: 4 })) })
    await capture(vm, 'eight-nics', 'eight NICs of four queues, down')
  })

  test('bond', async () => {
    const vm = await boot({ cpus: 4, nics: [{ queues: 4 }, { queues: 4 }, { queues: 4 }] })
    const [first, second, third] = [await vm.nicName(0), await vm.nicName(1), await vm.nicName(2)]
    await vm.shell(`ip link add bond0 type bond mode active-backup miimon 100
      ip link set ${first} master bond0; ip link set ${second} master bond0
      ip link set bond0 up; ip link set ${third} up`)
    await capture(vm, 'bond', `bond0 (active-backup) over ${first} and ${second}; ${third} is free`)

    await vm.shell(`ip link del bond0
      ip link add br0 type bridge; ip link set ${first} master br0; ip link set ${first} up; ip link set br0 up
      ip link add link ${second} name ${second}.100 type vlan id 100; ip link set ${second} up; ip link set ${second}.100 up
      ip link add link ${third} name macvlan0 type macvlan mode bridge; ip link set macvlan0 up
      ip link add veth0 type veth peer name veth1; ip link add dummy0 type dummy`)
    await capture(
      vm,
      'bridge-vlan-macvlan',
      `br0 over ${first}, VLAN 100 on ${second}, macvlan0 on ${third}, veth, dummy`,
    )

    await vm.shell(`ip link del br0; ip link del ${second}.100; ip link del macvlan0
      ip link set ${first} down; ip link set ${second} down
      ip link add team0 type team; ip link set ${first} master team0; ip link set ${second} master team0; ip link set team0 up`)
    await capture(vm, 'team', `team0 over ${first} and ${second}`)
  })

  test('xdp-attached', async () => {
    const vm = await boot({ cpus: 2, nics: [{ queues: 8 }] })
    const nic = await vm.configureNic(0)
    await vm.writeFile('/root/xdp.o', xdpPassObject())
    await vm.run(['ip', 'link', 'set', 'dev', nic, 'xdp', 'obj', '/root/xdp.o', 'sec', 'xdp'])
    await capture(vm, 'xdp-attached', 'two vCPUs, maximum eight, XDP attached: combined is inflated')
  })

  test('rss', async () => {
    const vm = await boot({ cpus: 4, nics: [{ queues: 4, props: { rss: 'on', hash: 'on' } }] })
    const nic = await vm.configureNic(0)
    await capture(vm, 'rss', 'the device offers RSS: the kernel built a default table')

    await vm.run(['ethtool', '-X', nic, 'weight', '1', '1', '2', '4'])
    await capture(vm, 'rss-table-by-hand', 'ethtool -X weight 1 1 2 4')
  })

  test('rss-stale', async () => {
    // The driver counts the vCPUs that are online when it finds the NIC.
    const vm = await boot({
      kernel: '6.1',
      cpus: 4,
      kernelArgs: ['maxcpus=2'],
      nics: [{ queues: 4, props: { rss: 'on' } }],
    })
    const nic = await vm.configureNic(0)
    for (const cpu of [2, 3]) await vm.setCpuOnline(cpu, true)
    await vm.run(['ethtool', '-L', nic, 'combined', '4'])
    await capture(vm, 'rss-stale', 'found with two vCPUs, then four channels: the RSS table names two queues')
  })

  test('no-ctrl-vq', async () => {
    const needsCtrlVq = ['ctrl_rx', 'ctrl_vlan', 'ctrl_mac_addr', 'ctrl_guest_offloads', 'guest_announce']
    const off = Object.fromEntries(['ctrl_vq', ...needsCtrlVq].map((feature) => [feature, 'off']))
    const vm = await boot({
      cpus: 4,
      nics: [
        { queues: 1, props: off },
        { queues: 4, props: { ctrl_vq: 'off' } },
      ],
    })
    await capture(
      vm,
      'no-ctrl-vq',
      'the first NIC has no control virtqueue; a second offers MQ without one, so the driver refuses it (no interface)',
    )
  })

  test('failover', async () => {
    const vm = await boot({ cpus: 4, nics: [{ queues: 4, props: { failover: 'on' } }] })
    await vm.shell('for link in /sys/class/net/*; do ip link set "$(basename "$link")" up; done')
    await capture(vm, 'failover', 'STANDBY negotiated: a net_failover master over the virtio NIC, no primary')
  })

  test('irqbalance-running', async () => {
    const vm = await boot({ cpus: 4, nics: [{ queues: 4 }] })
    await vm.configureNic(0)
    await vm.run(['systemctl', 'start', 'irqbalance'])
    // Its interval is ten seconds; it moves IRQs only under load.
    await vm.shell('for i in 1 2 3 4 5 6 7 8; do timeout 25 ping -q -f 10.77.0.1 & done; wait || true')
    await capture(vm, 'irqbalance-running', 'irqbalance has been running under load for 25 s')
  })

  test('many-cpus', async () => {
    const vm = await boot({ cpus: 72, memoryMiB: 3072, nics: [{ queues: 8 }], bootTimeoutMs: 900_000 })
    await vm.configureNic(0)
    await capture(vm, 'many-cpus', '72 vCPUs, eight queues: masks of more than 64 bits')
  }, 1_200_000)
})
