/**
 * Clouds whose tenants cannot set the queues of a NIC: they ask, or take another instance type. One entry each; one whose
 * tenants have a setting of their own is a file.
 */
import { type Platform, requestText } from './platform'

interface Provider extends Pick<Platform, 'id' | 'title' | 'recognisedBy' | 'source' | 'matches'> {}

const CLOUD_INIT = 'DMI: cloud-init'
const ASK = 'no setting of the tenant is known'

const PROVIDERS: readonly Provider[] = [
  {
    id: 'digitalocean',
    title: 'DigitalOcean',
    recognisedBy: 'vendor DigitalOcean',
    source: `${CLOUD_INIT} (DataSourceDigitalOcean); ${ASK}`,
    matches: ({ vendor }) => vendor === 'DigitalOcean',
  },
  {
    id: 'hetzner',
    title: 'Hetzner Cloud',
    recognisedBy: 'vendor Hetzner',
    source: `${CLOUD_INIT} (DataSourceHetzner); ${ASK}`,
    matches: ({ vendor }) => vendor === 'Hetzner',
  },
  {
    id: 'vultr',
    title: 'Vultr',
    recognisedBy: 'vendor Vultr',
    source: `${CLOUD_INIT} (helpers/vultr); ${ASK}`,
    matches: ({ vendor }) => vendor === 'Vultr',
  },
  {
    id: 'akamai',
    title: 'Akamai Cloud (Linode)',
    recognisedBy: 'vendor Linode or Akamai',
    source: `${CLOUD_INIT} (helpers/akamai); ${ASK}`,
    matches: ({ vendor }) => vendor === 'Linode' || vendor === 'Akamai',
  },
  {
    id: 'upcloud',
    title: 'UpCloud',
    recognisedBy: 'vendor UpCloud',
    source: `${CLOUD_INIT} (helpers/upcloud); ${ASK}`,
    matches: ({ vendor }) => vendor === 'UpCloud',
  },
  {
    id: 'scaleway',
    title: 'Scaleway',
    recognisedBy: 'vendor Scaleway',
    source: `${CLOUD_INIT} (DataSourceScaleway); ${ASK}`,
    matches: ({ vendor }) => vendor === 'Scaleway',
  },
  {
    id: 'exoscale',
    title: 'Exoscale',
    recognisedBy: 'product Exoscale...',
    source: `${CLOUD_INIT} (DataSourceExoscale); ${ASK}`,
    matches: ({ product }) => product.startsWith('Exoscale'),
  },
  {
    id: 'yandex',
    title: 'Yandex Cloud',
    recognisedBy: 'vendor or chassis vendor Yandex',
    source: `DMI: reports of users, not seen by us; ${ASK}`,
    matches: ({ vendor, chassisVendor }) => vendor === 'Yandex' || chassisVendor === 'Yandex',
  },
  {
    id: 'ibm-vpc',
    title: 'IBM Cloud VPC',
    recognisedBy: 'chassis vendor IBM:Cloud Compute Server..., or chassis asset tag ibmcloud',
    source: `DMI: cloud detection of public monitoring agents; ${ASK}`,
    matches: ({ vendor, chassisVendor, chassisTag }) =>
      [vendor, chassisVendor].some((text) => text.startsWith('IBM:Cloud Compute Server')) ||
      chassisTag.startsWith('ibmcloud'),
  },
  {
    id: 'outscale',
    title: '3DS Outscale',
    recognisedBy: 'vendor 3DS Outscale',
    source: `${CLOUD_INIT} (ds-identify); ${ASK}`,
    matches: ({ vendor }) => vendor === '3DS Outscale',
  },
  {
    id: 'cloudsigma',
    title: 'CloudSigma',
    recognisedBy: 'product CloudSigma',
    source: `${CLOUD_INIT} (DataSourceCloudSigma); ${ASK}`,
    matches: ({ product }) => product === 'CloudSigma',
  },
  {
    id: 'zstack',
    title: 'ZStack',
    recognisedBy: 'chassis asset tag *.zstack.io',
    source: `${CLOUD_INIT} (ds-identify); ${ASK}`,
    matches: ({ chassisTag }) => chassisTag.endsWith('.zstack.io'),
  },
]

export const PROVIDER_PLATFORMS: readonly Platform[] = PROVIDERS.map((provider) => ({
  ...provider,
  tried: undefined,
  remedy: (request) => ({
    reaches: request.target,
    steps: [
      {
        text: `Ask the support of ${provider.title} whether another instance type has more queues, and send this request`,
        lines: [requestText(request)],
      },
    ],
    powerOff: true,
    powerOffHow: 'Stop and start the instance from the console or the API afterwards.',
    notes: ['Tenants cannot set the queues themselves, as far as we know.'],
  }),
}))
