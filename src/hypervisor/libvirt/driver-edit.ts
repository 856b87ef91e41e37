/** Sets queues= of interfaces in a domain's XML text. Every other byte stays: order, white space, comments, quotes. */
import { VqtuneError } from '../../errors'
import { attributeOf, childrenNamed, scanXml, type XmlElement } from './xml-scan'

/**
 * @param xml text of `virsh dumpxml --inactive`, well-formed.
 * @param macs interfaces to change, in lower case; each must occur exactly once.
 * @param queues 1 removes the attribute, because libvirt drops queues='1' silently and its schema refuses 0.
 */
export function setInterfaceQueues(xml: string, macs: readonly string[], queues: number): string {
  const interfaces = interfaceElements(xml)
  const splices = macs.map((mac) => {
    const matching = interfaces.filter((element) => macOf(element) === mac)
    const [element] = matching
    if (element === undefined || matching.length > 1) {
      throw new VqtuneError(
        'tool-failed',
        `libvirt XML: ${matching.length} interfaces have the MAC ${mac}, expected 1`,
      )
    }
    return driverSplice(xml, element, queues)
  })
  // From the end, so that earlier offsets stay right.
  return splices
    .sort((a, b) => b.from - a.from)
    .reduce((text, { from, to, text: piece }) => text.slice(0, from) + piece + text.slice(to), xml)
}

interface Splice {
  readonly from: number
  readonly to: number
  readonly text: string
}

function interfaceElements(xml: string): readonly XmlElement[] {
  const root = scanXml(xml)
  if (root?.name !== 'domain')
    throw new VqtuneError('tool-failed', 'libvirt XML: the root element is not <domain>')
  return childrenNamed(root, 'devices').flatMap((devices) => childrenNamed(devices, 'interface'))
}

function macOf(element: XmlElement): string | undefined {
  return attributeOf(childrenNamed(element, 'mac')[0], 'address')?.toLowerCase()
}

function driverSplice(xml: string, element: XmlElement, queues: number): Splice {
  const driver = childrenNamed(element, 'driver')[0]
  if (driver === undefined) return queues === 1 ? nothing(element) : insertDriver(xml, element, queues)
  const attribute = driver.attributes.find(({ name }) => name === 'queues')
  if (queues === 1) {
    if (attribute === undefined) return nothing(element)
    const alone = driver.attributes.length === 1 && driver.children.length === 0
    return alone
      ? { from: lineStart(xml, driver.start), to: driver.end, text: '' }
      : { from: attribute.start, to: attribute.end, text: '' }
  }
  if (attribute !== undefined) {
    return { from: attribute.valueStart, to: attribute.valueEnd, text: String(queues) }
  }
  const after = driver.attributes.at(-1)?.end ?? driver.start + '<driver'.length
  return { from: after, to: after, text: ` queues='${queues}'` }
}

/** libvirt writes <driver> right after <model>; so do we, on a line of its own with the same indentation. */
function insertDriver(xml: string, element: XmlElement, queues: number): Splice {
  const model = childrenNamed(element, 'model')[0]
  if (model === undefined) throw new VqtuneError('tool-failed', 'libvirt XML: an interface without <model>')
  const indent = xml.slice(lineStart(xml, model.start), model.start)
  return { from: model.end, to: model.end, text: `${indent}<driver queues='${queues}'/>` }
}

/** Offset of the line break and blanks before a position, or the position itself when other text precedes it. */
function lineStart(xml: string, at: number): number {
  // Matches at the end of any text, if only nothing.
  const blanks = /\n?[ \t]*$/.exec(xml.slice(Math.max(0, at - 200), at)) as RegExpExecArray
  return at - blanks[0].length
}

function nothing(element: XmlElement): Splice {
  return { from: element.start, to: element.start, text: '' }
}
