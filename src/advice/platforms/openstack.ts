/** OpenStack: the product is OpenStack Nova or OpenStack Compute (cloud-init, ds-identify); RHOSP's vendor is Red Hat. */
import type { Platform } from './platform'

export const OPENSTACK: Platform = {
  id: 'openstack',
  title: 'OpenStack',
  matches: ({ vendor, product }) => vendor === 'OpenStack Foundation' || product.startsWith('OpenStack'),
  remedy: ({ mac, target, vcpus }) => ({
    reaches: vcpus,
    steps: [
      {
        text: `With the OpenStack client, find the server of this port`,
        lines: [`openstack port list --mac-address ${mac} -c ID -c device_id -f value`],
      },
      {
        text: 'Allow multiple queues, by the flavor or by the image',
        lines: [
          'openstack flavor set --property hw:vif_multiqueue_enabled=true FLAVOR',
          'openstack image set --property hw_vif_multiqueue_enabled=true IMAGE',
        ],
      },
      {
        text: 'Apply it to this server, which keeps the properties it was created with: resize it to a flavor that has the property, or recreate it',
        lines: [
          'openstack server resize --flavor OTHER_FLAVOR SERVER',
          'openstack server resize confirm SERVER',
        ],
      },
    ],
    powerOff: true,
    powerOffHow: 'The resize powers the server off and on; a reboot, even a hard one, is not enough.',
    notes: [
      `Nova gives as many queues as the flavor has vCPUs (${vcpus} now${target === vcpus ? '' : `, for ${target} wanted`}); the number cannot be set for one port.`,
      'The port must be virtio (image property hw_vif_model), and max_queues in the [libvirt] section of nova.conf limits it.',
    ],
  }),
}
