/** Apache CloudStack on KVM (4.18 and newer): a setting of the instance, for tenants, too, if the operator allows it. */
import type { Platform } from './platform'

export const CLOUDSTACK: Platform = {
  id: 'cloudstack',
  title: 'Apache CloudStack',
  recognisedBy: 'product CloudStack..., or vendor Apache Software Foundation',
  source: 'DMI: cloud-init (DataSourceCloudStack); CloudStack, VmDetailConstants: nic.multiqueue.number',
  tried: undefined,
  matches: ({ vendor, product }) =>
    product.startsWith('CloudStack') || vendor === 'Apache Software Foundation',
  remedy: ({ mac, target }) => ({
    reaches: target,
    steps: [
      {
        text: `Stop the instance, the one whose NIC has the MAC ${mac}`,
        lines: ['cmk stop virtualmachine id=ID'],
      },
      {
        text: `Set nic.multiqueue.number = ${target} in its settings (-1: as many as vCPUs); the command replaces all settings, so name the others, too`,
        lines: [`cmk update virtualmachine id=ID details[0].nic.multiqueue.number=${target}`],
      },
      { text: 'Start it again', lines: ['cmk start virtualmachine id=ID'] },
    ],
    powerOff: true,
    powerOffHow: 'Stop and start it in CloudStack: it writes the virtual machine anew at each start.',
    notes: [
      'CloudStack 4.18 or newer, with KVM; it counts for all NICs of the instance.',
      'If the setting is refused (user.vm.denied.details), the operator of the cloud has to allow it.',
    ],
  }),
}
