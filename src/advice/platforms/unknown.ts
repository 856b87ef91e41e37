/** Any other platform, and guests without DMI: a request to the provider. */
import { type Platform, qemuOptions, requestText } from './platform'

export const UNKNOWN: Platform = {
  id: 'unknown',
  title: 'an unknown platform',
  recognisedBy: 'anything else, and guests without DMI strings',
  source: "libvirt's domain format and QEMU's options",
  tried: 'options of QEMU in the guest tests',
  matches: () => true,
  remedy: (request) => ({
    reaches: request.target,
    steps: [
      {
        text: 'Send this request to the operator of the hypervisor',
        lines: [
          requestText(request),
          `libvirt: <driver name='vhost' queues='${request.target}'/> in that <interface>; QEMU: ${qemuOptions(request)}.`,
        ],
      },
      { text: 'Have the virtual machine powered off and on', lines: [] },
    ],
    powerOff: true,
    powerOffHow: 'A reboot inside the guest keeps the old device.',
    notes: [],
  }),
}
