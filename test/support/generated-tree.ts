/**
 * A guest tree of any size with an `ethtool` that changes it as the kernel would, for tests of the loop with real child
 * processes and for bench/. What real guests do is tested in test/vm; this one can be made to fail on demand.
 */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { formatCpuList, formatCpuMask } from '../../src/kernel/cpulist'
import { stripes } from '../../src/planner/layout'

export interface GeneratedNic {
  readonly name: string
  readonly maximum: number
  readonly current: number
  /** Counts that -L may be asked for, besides `current`. */
  readonly counts: readonly number[]
  /** Lists its MSI-X vectors, as a real guest does; else only ethtool tells the maximum. */
  readonly vectors?: boolean
}

export interface GeneratedTree {
  readonly root: string
  /** Makes `ethtool -L <nic>` print this on standard error and exit with 1. */
  refuse(nic: string, stderr: string): void
  /** Makes `ethtool -l <nic>` print this on standard error and exit with 1. */
  break(nic: string, stderr: string): void
  /** Makes `ethtool -L <nic>` succeed without doing anything. */
  ignore(nic: string): void
  /** Makes every ethtool call sleep for some seconds. */
  slow(seconds: number): void
  remove(): void
}

// Same text as ethtool 6.1; the current count is the number of tx queues.
const ETHTOOL = `#!/bin/sh
T=$(dirname "$(dirname "$(dirname "$0")")")
echo "$*" >> "$T/calls"
test -f "$T/slow" && sleep "$(cat "$T/slow")"
nic=$2
dir="$T/sys/class/net/$nic"
case "$1" in
-l)
  if test -f "$T/break.$nic"; then cat "$T/break.$nic" >&2; exit 1; fi
  cur=$(cat "$dir/current")
  printf 'Channel parameters for %s:\\nPre-set maximums:\\nRX:\\t\\tn/a\\nTX:\\t\\tn/a\\nOther:\\t\\tn/a\\nCombined:\\t%s\\n' "$nic" "$(cat "$dir/maximum")"
  printf 'Current hardware settings:\\nRX:\\t\\tn/a\\nTX:\\t\\tn/a\\nOther:\\t\\tn/a\\nCombined:\\t%s\\n' "$cur" ;;
-L)
  if test -f "$T/refuse.$nic"; then cat "$T/refuse.$nic" >&2; exit 1; fi
  test -f "$T/ignore.$nic" && exit 0
  test -d "$dir/queues.$4" || { echo 'netlink error: requested channel count exceeds maximum (offset 36)' >&2; exit 1; }
  ln -sfn "queues.$4" "$dir/queues"
  echo "$4" > "$dir/current"
  cp -r "$T/kernel/$nic.$4/." "$T/proc/irq/" ;;
*) echo "unexpected: $*" >&2; exit 99 ;;
esac
`

/** @param cpus number of online vCPUs */
export function generateTree(cpus: number, nics: readonly GeneratedNic[]): GeneratedTree {
  const root = mkdtempSync(join(tmpdir(), 'vqtune-tree-'))
  const put = (path: string, text: string): void => {
    mkdirSync(dirname(`${root}/${path}`), { recursive: true })
    writeFileSync(`${root}/${path}`, text)
  }
  const link = (target: string, path: string): void => {
    mkdirSync(dirname(`${root}/${path}`), { recursive: true })
    symlinkSync(target, `${root}/${path}`)
  }
  const online = Array.from({ length: cpus }, (_, i) => i)
  put('sys/devices/system/cpu/online', `${formatCpuList(online)}\n`)
  put('proc/sys/kernel/random/boot_id', '8a9b7c6d-0000-4000-8000-000000000000\n')
  put('usr/sbin/ethtool', ETHTOOL)
  chmodSync(`${root}/usr/sbin/ethtool`, 0o755)
  put('usr/sbin/ip', '#!/bin/sh\necho "[]"\n')
  chmodSync(`${root}/usr/sbin/ip`, 0o755)

  const interrupts: string[] = []
  // A column for each CPU: the size of the file is a part of what reading it costs.
  const counts = '          0'.repeat(cpus)
  let irq = 24
  for (const [k, nic] of nics.entries()) {
    const slot = `0000:${(k >> 5).toString(16).padStart(2, '0')}:${(k % 32).toString(16).padStart(2, '0')}.0`
    const device = `sys/devices/pci0000:00/${slot}/virtio${k}`
    const net = `${device}/net/${nic.name}`
    const bits = new Array(64).fill('0')
    bits[17] = '1'
    bits[22] = nic.maximum > 1 ? '1' : '0'
    put(`${device}/features`, `${bits.join('')}\n`)
    link('../../../../bus/virtio/drivers/virtio_net', `${device}/driver`)
    link('../../../bus/pci', `sys/devices/pci0000:00/${slot}/subsystem`)
    put(`${net}/ifindex`, `${k + 2}\n`)
    put(`${net}/address`, `52:54:00:00:00:${k.toString(16).padStart(2, '0')}\n`)
    put(`${net}/operstate`, 'up\n')
    put(`${net}/maximum`, `${nic.maximum}\n`)
    put(`${net}/current`, `${nic.current}\n`)
    link(`../../../virtio${k}`, `${net}/device`)
    link(`../../devices/pci0000:00/${slot}/virtio${k}/net/${nic.name}`, `sys/class/net/${nic.name}`)
    link(`queues.${nic.current}`, `${net}/queues`)
    const first = irq
    for (let i = 0; nic.vectors === true && i <= 2 * nic.maximum; i++)
      put(`sys/devices/pci0000:00/${slot}/msi_irqs/${1000 + irq + i}`, 'msix\n')
    for (let i = 0; i < nic.maximum; i++) {
      interrupts.push(`${irq++}:${counts} PCI-MSIX-${slot} ${2 * i + 1}-edge virtio${k}-input.${i}`)
      interrupts.push(`${irq++}:${counts} PCI-MSIX-${slot} ${2 * i + 2}-edge virtio${k}-output.${i}`)
    }
    for (const count of new Set([nic.current, ...nic.counts])) {
      for (const [i, group] of stripes(count, online, 0).entries()) {
        put(`${net}/queues.${count}/rx-${i}/rps_cpus`, '0\n')
        put(`${net}/queues.${count}/tx-${i}/xps_cpus`, `${formatCpuMask(group)}\n`)
        for (const n of [first + 2 * i, first + 2 * i + 1]) {
          for (const file of ['smp_affinity_list', 'effective_affinity_list']) {
            put(`kernel/${nic.name}.${count}/${n}/${file}`, `${formatCpuList(group)}\n`)
            if (count === nic.current) put(`proc/irq/${n}/${file}`, `${formatCpuList(group)}\n`)
          }
        }
      }
    }
  }
  put('proc/interrupts', `${interrupts.join('\n')}\n`)
  return {
    root,
    refuse: (nic, stderr) => put(`refuse.${nic}`, stderr),
    break: (nic, stderr) => put(`break.${nic}`, stderr),
    ignore: (nic) => put(`ignore.${nic}`, ''),
    slow: (seconds) => put('slow', String(seconds)),
    remove: () => removeTree(root),
  }
}

/** What a test has started may still write there: it ends with the next thing that it cannot find. */
function removeTree(root: string): void {
  for (let tries = 200; ; tries--) {
    try {
      rmSync(root, { recursive: true, force: true })
      return
    } catch (error) {
      if (tries === 0) throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 25)
    }
  }
}
