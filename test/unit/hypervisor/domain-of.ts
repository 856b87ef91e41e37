/** A domain of a few interfaces, as libvirt's XML. */
import { parseDomain } from '../../../src/hypervisor/libvirt/domain'

export const MAC = '52:54:00:00:00:01'
export const nic = (type: string, inner = '', mac = MAC) =>
  `<interface type='${type}'><mac address='${mac}'/>${inner}</interface>`
export const virtio = (inner = '', mac = MAC, type = 'bridge') =>
  nic(type, `<model type='virtio'/>${inner}`, mac)
export const domain = (...interfaces: string[]) =>
  parseDomain(
    `<domain type='kvm'><name>g</name><uuid>u</uuid><vcpu>4</vcpu><devices>${interfaces.join('')}</devices></domain>`,
    'g',
  )
export const persistent = virtio("<teaming type='persistent'/><alias name='ua-backup0'/>")
export const transient = nic('hostdev', "<teaming type='transient' persistent='ua-backup0'/>")
