/** A guest of 4 GiB and 8 of 16 vCPUs with these devices, and devices for it, as libvirt's XML. */
import { parseDomain } from '../../../../src/hypervisor/libvirt/domain'

export const guest = (devices: string, machine = 'pc-q35-8.2', head = '') =>
  parseDomain(
    `<domain type='kvm'><name>g</name><uuid>u</uuid>${head}<memory unit='GiB'>4</memory><vcpu current='8'>16</vcpu><os><type arch='x86_64' machine='${machine}'>hvm</type></os><devices>${devices}</devices></domain>`,
    'g',
  )
export const nic = (queues: number, rest = '') =>
  `<interface type='bridge'><mac address='52:54:00:00:00:01'/><model type='virtio'/><driver queues='${queues}'/>${rest}</interface>`
export const disk = (rest = '', type = 'file') =>
  `<disk type='${type}'>${rest}<target dev='vda' bus='virtio'/></disk>`
