/** Huawei Cloud ECS and clouds made of it: an image property, as in OpenStack, and a limit of the flavor. */
import type { Platform } from './platform'

const TAGS = ['HUAWEICLOUD', 'OpenTelekomCloud']

export const HUAWEI: Platform = {
  id: 'huawei',
  title: 'Huawei Cloud or Open Telekom Cloud',
  recognisedBy: 'chassis asset tag HUAWEICLOUD or OpenTelekomCloud, or vendor Huawei Cloud',
  source:
    'DMI: cloud-init (DataSourceOpenStack); Huawei Cloud, ECS: Enabling NIC Multi-Queue (from memory, not looked up)',
  tried: undefined,
  matches: ({ vendor, chassisTag }) => TAGS.includes(chassisTag) || vendor === 'Huawei Cloud',
  remedy: ({ mac, target }) => ({
    reaches: target,
    steps: [
      {
        text: 'Make a private image of the server and set its property',
        lines: [
          `PATCH /v2/cloudimages/IMAGE    [{"op": "add", "path": "/hw_vif_multiqueue_enabled", "value": "true"}]`,
        ],
      },
      {
        text: `Create the server anew from that image, with a flavor whose "max. NIC multi-queues" are ${target} or more (the NIC of ${mac})`,
        lines: [],
      },
    ],
    powerOff: true,
    powerOffHow: 'The new server has the queues; a reboot of the old one changes nothing.',
    notes: ['Public images have the property already: there the flavor is the limit.'],
  }),
}
