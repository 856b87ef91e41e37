import type { Guest } from './guest'

/** Where the kernel has a queue, as lists and masks of the kernel; `-` for what there is none of. */
export interface QueueTruth {
  /** CPUs of the receive and of the transmit interrupt. */
  readonly rx: string
  readonly tx: string
  /** CPUs that send by it. */
  readonly xps: string
}

/** The queues that a NIC uses, in their order: read from the guest without vqtune. */
export async function queuesOf(guest: Guest, nic: string): Promise<QueueTruth[]> {
  // One look at /proc/interrupts, which is long where vCPUs and queues are many.
  const text = await guest.shell(
    `
    virtio=$(basename "$(readlink -f /sys/class/net/${nic}/device)")
    awk '{sub(":", "", $1); print $NF, $1}' /proc/interrupts >/tmp/irqs
    affinity() {
      irq=$(awk -v name="$1" '$1 == name {print $2}' /tmp/irqs)
      cat "/proc/irq/\${irq:-x}/smp_affinity_list" 2>/dev/null || echo -
    }
    i=0
    while [ -d /sys/class/net/${nic}/queues/tx-$i ]; do
      echo "$(affinity "$virtio-input.$i")" "$(affinity "$virtio-output.$i")" \
           "$(cat /sys/class/net/${nic}/queues/tx-$i/xps_cpus 2>/dev/null || echo -)"
      i=$((i + 1))
    done`,
    { timeoutMs: 300_000 },
  )
  return text
    .trim()
    .split('\n')
    .map((row) => {
      const [rx = '', tx = '', xps = ''] = row.split(' ')
      return { rx, tx, xps }
    })
}
