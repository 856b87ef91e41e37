/** XML as objects: elements by name, attributes with `@` before theirs. xml-scan.ts has positions instead. */
import { XMLParser, XMLValidator } from 'fast-xml-parser'
import { messageOf, VqtuneError } from '../../errors'
import { escapeToOneLine } from '../../text/escape'

export type Node = Readonly<Record<string, unknown>>

/** Elements of which a domain may have several. */
const LISTS: ReadonlySet<string> = new Set([
  'interface',
  'disk',
  'controller',
  'filesystem',
  'hostdev',
  'qemu:arg',
])

const PARSER = new XMLParser({
  ignoreAttributes: false,
  attributeNamePrefix: '@',
  parseTagValue: false,
  parseAttributeValue: false,
  trimValues: true,
  isArray: (name) => LISTS.has(name),
})

/**
 * Elements as objects, attributes with `@` before their name. The validator is asked first, because it names the line; what it
 * lets through, such as a closing tag without its end, the parser may still refuse.
 * @param origin named in the error, such as `web01: virsh dumpxml`. @throws VqtuneError for anything but XML.
 */
export function parseXml(xml: string, origin: string): Node {
  const result = XMLValidator.validate(xml)
  if (result !== true) {
    throw new VqtuneError(
      'tool-failed',
      `${origin}: malformed XML at line ${result.err.line}: ${result.err.msg}`,
    )
  }
  try {
    return PARSER.parse(xml)
  } catch (error) {
    throw new VqtuneError('tool-failed', `${origin}: malformed XML: ${escapeToOneLine(messageOf(error))}`)
  }
}

/** The first element of that name; an empty one when there is none. */
export function child(node: Node, name: string): Node {
  const value = node[name]
  return objectOf(Array.isArray(value) ? value[0] : value)
}

/** Elements that PARSER always makes a list of; empty when there is none. */
export function list(value: unknown): readonly Node[] {
  return Array.isArray(value) ? value.map(objectOf) : []
}

function objectOf(value: unknown): Node {
  return typeof value === 'object' && value !== null ? (value as Node) : {}
}

export function attribute(node: Node, name: string): string | undefined {
  const value = node[`@${name}`]
  return typeof value === 'string' ? value : undefined
}

/** The text of an element with or without attributes; undefined when it is empty. */
export function textOf(value: unknown): string | undefined {
  const first: unknown = Array.isArray(value) ? value[0] : value
  const inner = typeof first === 'string' ? first : objectOf(first)['#text']
  return typeof inner === 'string' && inner !== '' ? inner : undefined
}

/** A whole number above 0; undefined for anything else. */
export function positive(value: string | undefined): number | undefined {
  return value !== undefined && /^\d{1,15}$/.test(value) && Number(value) > 0 ? Number(value) : undefined
}
