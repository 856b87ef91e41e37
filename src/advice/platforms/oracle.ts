/** Oracle Cloud Infrastructure. Its DMI strings are QEMU's, but for the asset tag of the chassis. */
import { type Platform, requestText } from './platform'

export const ORACLE: Platform = {
  id: 'oracle',
  title: 'Oracle Cloud Infrastructure',
  recognisedBy: 'chassis asset tag OracleCloud.com',
  source: 'DMI: cloud-init (DataSourceOracle); OCI, LaunchOptions.networkType (from memory, not looked up)',
  tried: undefined,
  matches: ({ chassisTag }) => chassisTag === 'OracleCloud.com',
  remedy: (request) => ({
    reaches: request.target,
    steps: [
      {
        text: 'Send this request to the support of Oracle, or ask which shape has more queues',
        lines: [requestText(request)],
      },
      {
        text: 'Or, where shape and image support it, take hardware-assisted networking; that NIC is no virtio-net',
        lines: [
          `oci compute instance update --instance-id INSTANCE --launch-options '{"networkType": "VFIO"}'`,
        ],
      },
    ],
    powerOff: true,
    powerOffHow: 'Stop and start the instance from the console or with oci compute instance action.',
    notes: ['A paravirtualized VNIC has no setting for its queues, as far as we know.'],
  }),
}
