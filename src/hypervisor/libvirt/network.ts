/** What a libvirt network does with its interfaces. Pure. */
import { attribute, child, parseXml } from './xml'

/** `nat`, `route`, `bridge`, `hostdev` ...; undefined: isolated, or not the XML of a network. */
export function parseNetworkMode(xml: string): string | undefined {
  const forward = child(child(parseXml(xml, 'virsh net-dumpxml'), 'network'), 'forward')
  return attribute(forward, 'mode')
}
