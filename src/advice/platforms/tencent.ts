/** Tencent Cloud CVM: the instance type sets the queues. */
import type { Platform } from './platform'

export const TENCENT: Platform = {
  id: 'tencent',
  title: 'Tencent Cloud',
  recognisedBy: 'vendor Tencent Cloud (older: Smdbmds)',
  source:
    "DMI: kernel logs of its guests (Tencent Cloud CVM); CVM's table of instance types has the queues (from memory, not looked up)",
  tried: undefined,
  matches: ({ vendor }) => vendor === 'Tencent Cloud' || vendor === 'Smdbmds',
  remedy: ({ mac, target, maximum }) => ({
    reaches: target,
    steps: [
      {
        text: `The instance type sets the queues (${maximum} now for ${mac}); stop the instance and change to a type with ${target} or more`,
        lines: [
          `tccli cvm StopInstances --InstanceIds '["INSTANCE"]'`,
          `tccli cvm ResetInstancesType --InstanceIds '["INSTANCE"]' --InstanceType TYPE`,
          `tccli cvm StartInstances --InstanceIds '["INSTANCE"]'`,
        ],
      },
    ],
    powerOff: true,
    powerOffHow: 'Stop and start the instance from the console or the API; a reboot inside it is not enough.',
    notes: [],
  }),
}
