/** crosvm, the VMM of ChromeOS and Android. */
import type { Platform } from './platform'

export const CROSVM: Platform = {
  id: 'crosvm',
  title: 'crosvm',
  recognisedBy: 'product or BIOS vendor crosvm',
  source: 'crosvm, x86_64/src/smbios.rs and devices/src/virtio/net.rs (vq-pairs)',
  tried: undefined,
  matches: ({ product, biosVendor }) => product === 'crosvm' || biosVendor === 'crosvm',
  remedy: ({ mac, target }) => ({
    reaches: target,
    steps: [
      {
        text: `Where it is started, set vq-pairs of the NIC with MAC ${mac}; its tap must be multi-queue`,
        lines: [`crosvm run ... --net tap-name=TAP,vq-pairs=${target}`],
      },
      { text: 'End the virtual machine and start it again', lines: [] },
    ],
    powerOff: true,
    powerOffHow: 'A reboot inside the guest keeps the old device.',
    notes: [],
  }),
}
