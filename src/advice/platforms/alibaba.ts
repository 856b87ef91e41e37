/** Alibaba Cloud ECS: see ModifyNetworkInterfaceAttribute in its API reference. */
import type { Platform } from './platform'

export const ALIBABA: Platform = {
  id: 'alibaba',
  title: 'Alibaba Cloud ECS',
  recognisedBy: 'vendor or product Alibaba Cloud...',
  source: 'DMI: cloud-init (DataSourceAliYun); ECS API reference, ModifyNetworkInterfaceAttribute',
  tried: undefined,
  matches: ({ vendor, product }) => vendor === 'Alibaba Cloud' || product.startsWith('Alibaba Cloud'),
  remedy: ({ mac, target, maximum }) => ({
    reaches: target,
    steps: [
      {
        text: `Primary interface: the instance type sets its queues (${maximum} now); stop the instance and change to a type with ${target} or more`,
        lines: [
          'aliyun ecs DescribeInstanceTypes --InstanceTypes.1 TYPE    # EniQuantity, PrimaryEniQueueNumber, SecondaryEniQueueNumber',
          'aliyun ecs StopInstance --InstanceId INSTANCE',
          'aliyun ecs ModifyInstanceSpec --InstanceId INSTANCE --InstanceType TYPE',
          'aliyun ecs StartInstance --InstanceId INSTANCE',
        ],
      },
      {
        text: `Secondary interface (the one with MAC ${mac}): set its queues while the instance is stopped or the interface is detached`,
        lines: [
          `aliyun ecs ModifyNetworkInterfaceAttribute --NetworkInterfaceId ENI --QueueNumber ${target}`,
        ],
      },
    ],
    powerOff: true,
    powerOffHow: 'Stop and start the instance from the console or the API; a reboot inside it is not enough.',
    notes: [],
  }),
}
