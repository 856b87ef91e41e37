/**
 * RHEL 7.7's kernel, in a guest that runs one script: how its driver selects queues, seen by traffic; and that vqtune's
 * layout follows. C library, ethtool and the runtime are the image's: RHEL 7's own are too old for the runtime, see
 * docs/decisions/rhel7.md.
 */
import { existsSync } from 'node:fs'
import { beforeAll, describe, expect, test } from 'vitest'
import { BUNDLE } from '../support/bundle'
import { addresses } from './lib/host-network'
import { RHEL7, rhelImage } from './lib/kernels'
import { runInGuest } from './lib/quick-guest'

/** Queues of eth0, eth1 and eth2: as many as vCPUs, fewer, and more. */
const QUEUES = [4, 2, 8] as const

function forEachNic(lines: (nic: string, address: ReturnType<typeof addresses>) => string): string {
  return QUEUES.map((_, index) => lines(`eth${index}`, addresses(index))).join('\n')
}

/** `part NAME` ends the part before it. `sent NIC HOST`: for each CPU the receive queue that answers to its echo requests reach. */
const SCRIPT = `
part() { echo "@@ $1"; }
irqs() {
  virtio=$(basename "$(readlink /sys/class/net/$1/device)")
  awk -v d="$virtio-$2" 'index($NF, d ".") == 1 {sub(":", "", $1); print $1}' /proc/interrupts
}
counts() { for irq in $(irqs $1 input); do awk -v irq="$irq:" '$1 == irq {print $2 + $3 + $4 + $5}' /proc/interrupts; done; }
sent() {
  ping -c 1 -W 60 -q $2 >/dev/null
  for cpu in 0 1 2 3; do
    counts $1 >/run/before
    taskset -c $cpu ping -c 20 -i 0.02 -q $2 >/dev/null
    counts $1 >/run/after
    queue=$(paste /run/before /run/after | awk '{d = $2 - $1; if (d > most) {most = d; queue = NR - 1}} END {print queue}')
    echo "$1 $cpu $queue"
  done
}
masks() {
  for nic in eth0 eth1 eth2; do
    for direction in input output; do
      echo $nic $direction $(for irq in $(irqs $nic $direction); do cat /proc/irq/$irq/smp_affinity_list; done)
    done
  done
}
xps() { cat /sys/class/net/eth*/queues/tx-*/xps_cpus; }
until_is() {
  tries=0
  until [ "$("$@")" = "$is" ] || [ $tries -gt 60 ]; do
    sleep 0.5
    tries=$((tries + 1))
  done
  "$@"
}
channels() { ls -d /sys/class/net/eth0/queues/tx-* | wc -l; }
first() { cat /proc/irq/$(irqs eth0 input | head -n 1)/smp_affinity_list; }

${forEachNic((nic, { guest }) => `ip link set ${nic} up\nip addr add ${guest}/24 dev ${nic}`)}
part before
masks
part sent
${forEachNic((nic, { host }) => `sent ${nic} ${host}`)}
ethtool -L eth0 combined 2 >/dev/null 2>&1
part plan
vqtune plan eth0
part apply
vqtune apply
echo "exit $?"
part after
masks
part status
vqtune status --json
part xps
xps
part kept
ethtool -L eth0 combined 2
masks
part daemon
vqtune daemon >/run/log 2>&1 &
daemon=$!
is=4 until_is channels
echo 0-3 >/proc/irq/$(irqs eth0 input | head -n 1)/smp_affinity_list
is=0 until_is first
echo 0 >/sys/devices/system/cpu/cpu3/online
is=2 until_is first
channels
echo 1 >/sys/devices/system/cpu/cpu3/online
is=0 until_is first
channels
kill $daemon
wait $daemon
part log
cat /run/log
part rollback
vqtune rollback
echo "exit $?"
masks
`

/** What the kernel's driver does with the n-th of 4 online CPUs: see driver-layout.ts for the source. */
const SELECTED = { eth0: [0, 1, 2, 3], eth1: [1, 0, 1, 0], eth2: [1, 2, 3, 0] } as const

const IN_PLACE = [
  ...['eth0 input 0 1 2 3', 'eth0 output 0 1 2 3'],
  ...['eth1 input 1,3 0,2', 'eth1 output 1,3 0,2'],
]

describe.skipIf(!existsSync(rhelImage(RHEL7)))('RHEL 7.7', () => {
  const parts = new Map<string, string>()
  const part = (name: string): string => parts.get(name) ?? ''
  const lines = (name: string): string[] => part(name).trimEnd().split('\n')

  beforeAll(async () => {
    const nics = QUEUES.map((queues) => ({ queues }))
    const output = await runInGuest(
      { kernel: RHEL7, cpus: 4, nics, kernelArgs: ['net.ifnames=0'], vqtune: BUNDLE },
      SCRIPT,
    )
    for (const text of output.split(/^@@ /m).slice(1)) {
      const end = text.indexOf('\n')
      parts.set(text.slice(0, end), text.slice(end + 1))
    }
  })

  test('its driver sends by CPU number', () => {
    const selected = Object.entries(SELECTED).flatMap(([nic, queues]) =>
      queues.map((queue, cpu) => `${nic} ${cpu} ${queue}`),
    )
    expect(lines('sent')).toEqual(selected)
  })

  test('the plan does not say that the kernel rewrites anything', () => {
    expect(part('plan')).toContain('eth0: channels 2 -> 4')
    expect(part('plan')).toContain('then IRQ affinity is checked again: other queues have other interrupts')
    expect(part('plan')).not.toMatch(/the kernel (?:resets|rewrites)/)
  })

  test('interrupts follow the CPUs that send through their queue', () => {
    expect(lines('apply').at(-1)).toBe('exit 0')
    expect(lines('after').slice(0, 4)).toEqual(IN_PLACE)
    // Queue 0 of eth2 is that of CPU 3; the four that are not in use stay where they were.
    expect(lines('after')[4]).toMatch(/^eth2 input 3 0 1 2 /)
    expect(lines('after')[5]).toMatch(/^eth2 output 3 0 1 2 /)
  })

  test('every queue is private, without XPS, which would have no effect', () => {
    const { nics } = JSON.parse(part('status')) as {
      nics: { name: string; state: string; queues: { private: boolean }[] }[]
    }
    expect(
      nics.map(({ name, state, queues }) => [name, state, queues.every((queue) => queue.private)]),
    ).toEqual([
      ['eth0', 'converged', true],
      ['eth1', 'converged', true],
      ['eth2', 'converged', true],
    ])
    expect(new Set(lines('xps'))).toEqual(new Set(['0']))
    expect(part('apply')).toContain(
      "this kernel's driver chooses the transmit queue by CPU number and ignores xps_cpus",
    )
  })

  test('a change of channels rewrites no interrupt there', () => {
    expect(lines('kept')).toEqual(lines('after'))
  })

  test('the daemon puts back channels and an interrupt, and follows a vCPU off and on', () => {
    expect(lines('daemon'), part('log')).toEqual(['4', '0', '2', '3', '0', '4'])
    expect(part('log')).not.toContain('by kernel')
  })

  test('a rollback restores what was before', () => {
    const before = lines('before')
    expect(lines('rollback').slice(-7)[0]).toBe('exit 0')
    // Of eth0 another program had set the channels meanwhile; eth1 and eth2 are as they were.
    expect(lines('rollback').slice(-4)).toEqual(before.slice(2))
  })
})
