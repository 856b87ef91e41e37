/** Huawei Cloud's multi-queue-hw: channels, IRQ affinity and XPS at boot, as an init script or a unit. */
import type { System } from '../system/system'
import { vendorFindings } from './vendor'
import type { KnownWriter, Writer } from './writer'

function find(system: System): readonly Writer[] {
  return vendorFindings(system, {
    writer: huawei,
    files: system.paths.writers.huaweiScripts,
    what: "Huawei's multi-queue-hw sets channels to the maximum, interrupts and XPS at boot",
    writes: [{ tunable: 'channels', value: 'max' }, { tunable: 'irq-affinity' }, { tunable: 'xps' }],
    units: ['multi-queue-hw.service'],
    processes: [{ name: 'multi-queue-hw', script: true }],
    remedy: 'chkconfig multi-queue-hw off, or systemctl disable multi-queue-hw.service',
  })
}

export const huawei: KnownWriter = { name: 'huawei-multi-queue', title: "Huawei's `multi-queue-hw`", find }
