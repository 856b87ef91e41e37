/** Sets queues= of interfaces in a domain's XML text. Every other byte stays: order, white space, comments, quotes. */
import { VqtuneError } from '../../errors'
import type { DomainInterface } from './domain'
import { attributeOf, childrenNamed, scanXml, type XmlElement } from './xml-scan'

/** An interface by its place; the MAC only makes sure that it is the one that was meant. */
export type InterfacePlace = Pick<DomainInterface, 'index' | 'mac'>

/**
 * @param xml text of `virsh dumpxml --inactive`, well-formed.
 * @param places interfaces to change. Not by MAC alone: both halves of a teaming pair have the same.
 * @param queues 1 removes the attribute, because libvirt drops queues='1' silently and its schema refuses 0.
 */
export function setInterfaceQueues(xml: string, places: readonly InterfacePlace[], queues: number): string {
  const interfaces = interfaceElements(xml)
  return spliced(
    xml,
    places.map((place) => driverSplice(xml, elementAt(interfaces, place), queues)),
  )
}

/**
 * The XML of one running interface, ready for `virsh attach-device`: with so many queues, and without what libvirt chose
 * for the old one (alias, address, name of the tap).
 */
export function attachableInterface(xml: string, place: InterfacePlace, queues: number): string {
  const element = elementAt(interfaceElements(xml), place)
  const dropped = element.children
    .filter(isChosenByLibvirt)
    .map((gone): Splice => ({ from: lineStart(xml, gone.start), to: gone.end, text: '' }))
  const wanted = driverSplice(xml, element, queues)
  const whole = spliced(xml, [wanted, ...dropped])
  const grown = whole.length - xml.length
  // Matches at the end of any text, if only nothing.
  const [indent] = /[ \t]*$/.exec(xml.slice(0, element.start)) as RegExpExecArray
  return whole.slice(element.start, element.end + grown).replaceAll(`\n${indent}`, '\n')
}

function isChosenByLibvirt(child: XmlElement): boolean {
  if (child.name === 'address') return true
  if (child.name === 'alias') return attributeOf(child, 'name')?.startsWith('ua-') !== true
  return child.name === 'target' && /^(?:vnet|macvtap)\d+$/.test(attributeOf(child, 'dev') ?? '')
}

function elementAt(interfaces: readonly XmlElement[], { index, mac }: InterfacePlace): XmlElement {
  const element = interfaces[index]
  if (element === undefined || macOf(element) !== mac) {
    throw new VqtuneError(
      'tool-failed',
      `libvirt XML: interface ${index + 1} is not the one with the MAC ${mac}`,
    )
  }
  return element
}

/** Applied from the end, so that earlier offsets stay right; at the same place what goes away first. */
function spliced(xml: string, splices: readonly Splice[]): string {
  return [...splices]
    .sort((a, b) => b.from - a.from || b.to - a.to)
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
  // The first <devices>, as parseDomain takes it.
  return childrenNamed(root, 'devices')
    .slice(0, 1)
    .flatMap((devices) => childrenNamed(devices, 'interface'))
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
