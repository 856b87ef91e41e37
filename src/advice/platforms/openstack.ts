/**
 * OpenStack. The product is OpenStack Nova or OpenStack Compute, whoever the vendor is (cloud-init, ds-identify); some
 * providers leave it to the asset tag of the chassis. Nova sets vendor and product from its release file.
 */
import { countedByVcpus, type Platform } from './platform'

const TAGS = ['OpenStack Nova', 'OpenStack Compute', 'Samsung Cloud Platform', 'SAP CCloud VM']

export const OPENSTACK: Platform = {
  id: 'openstack',
  title: 'OpenStack (also of OVHcloud and other providers)',
  recognisedBy: 'vendor OpenStack Foundation, product OpenStack..., or a chassis asset tag of OpenStack',
  source: 'DMI: cloud-init (ds-identify, DataSourceOpenStack); Nova, hw:vif_multiqueue_enabled',
  tried: undefined,
  matches: ({ vendor, product, chassisTag }) =>
    vendor === 'OpenStack Foundation' || product.startsWith('OpenStack') || TAGS.includes(chassisTag),
  remedy: (request) => ({
    reaches: request.vcpus,
    steps: [
      {
        text: 'With the OpenStack client, find the server of this port',
        lines: [`openstack port list --mac-address ${request.mac} -c ID -c device_id -f value`],
      },
      {
        text: 'As a tenant: make an image of the server, allow multiple queues in it, and create the server anew from it',
        lines: [
          'openstack server image create --name IMAGE SERVER',
          'openstack image set --property hw_vif_multiqueue_enabled=true IMAGE',
          'openstack server create --image IMAGE --flavor FLAVOR --network NETWORK NEW_SERVER',
        ],
      },
      {
        text: 'As an administrator of the cloud: allow them in a flavor, and resize the server to it, which keeps the properties it was created with until then',
        lines: [
          'openstack flavor set --property hw:vif_multiqueue_enabled=true OTHER_FLAVOR',
          'openstack server resize --flavor OTHER_FLAVOR SERVER',
          'openstack server resize confirm SERVER',
        ],
      },
    ],
    powerOff: true,
    powerOffHow: 'The resize powers the server off and on; a reboot, even a hard one, is not enough.',
    notes: [
      `Nova gives as many queues as the flavor has vCPUs ${countedByVcpus(request)}; the number cannot be set for one port.`,
      'The port must be virtio (image property hw_vif_model), and max_queues in the [libvirt] section of nova.conf limits it.',
    ],
  }),
}
