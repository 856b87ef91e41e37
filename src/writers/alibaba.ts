/** Alibaba Cloud's ecs_mq: channels to the maximum, IRQ affinity, RPS and RFS at boot and, by a udev rule, on hot-plug. */
import type { System } from '../system/system'
import { vendorFindings } from './vendor'
import type { KnownWriter, Writer } from './writer'

function find(system: System): readonly Writer[] {
  return vendorFindings(system, {
    writer: alibaba,
    files: system.paths.writers.alibabaScripts,
    what: "Alibaba's ecs_mq sets channels to the maximum, interrupts, RPS and RFS at boot, and stops irqbalance",
    writes: [
      { tunable: 'channels', value: 'max' },
      { tunable: 'irq-affinity' },
      { tunable: 'rps' },
      { tunable: 'rfs' },
    ],
    units: ['ecs_mq.service', 'ecs_mq-service.service', 'ecs_mq_rps_rfs.service'],
    processes: [{ name: 'ecs_mq_rps_rfs', script: true }],
    remedy:
      'systemctl disable ecs_mq.service, and mask its rule: ln -s /dev/null /etc/udev/rules.d/62-ecs-mq.rules',
  })
}

export const alibaba: KnownWriter = { name: 'alibaba-ecs-mq', title: "Alibaba's `ecs_mq`", find }
