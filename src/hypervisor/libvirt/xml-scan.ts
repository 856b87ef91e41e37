/**
 * Where the elements of an XML text are. fast-xml-parser reads values; this finds positions, so that an edit
 * can leave every other byte as it was. The text must be well-formed (see parseXml in domain.ts).
 */

export interface XmlElement {
  readonly name: string
  /** Offset of `<` of the start tag. */
  readonly start: number
  /** Offset after `>` of the start tag. */
  readonly tagEnd: number
  /** Offset of `</` of the end tag; equal to tagEnd for `<a/>`. */
  readonly contentEnd: number
  /** Offset after the whole element. */
  readonly end: number
  readonly selfClosing: boolean
  readonly attributes: readonly XmlAttribute[]
  readonly children: readonly XmlElement[]
}

export interface XmlAttribute {
  readonly name: string
  /** As written, entities not replaced. */
  readonly rawValue: string
  /** Offset of the white space before the name. */
  readonly start: number
  /** Offset of the first character of the value. */
  readonly valueStart: number
  readonly valueEnd: number
  /** Offset after the closing quote. */
  readonly end: number
}

interface OpenElement {
  readonly name: string
  readonly start: number
  readonly tagEnd: number
  readonly attributes: readonly XmlAttribute[]
  readonly children: XmlElement[]
}

/** What is skipped as a whole: comments, CDATA, processing instructions, declarations. */
const SKIPPED = [
  { open: '<!--', close: '-->' },
  { open: '<![CDATA[', close: ']]>' },
  { open: '<?', close: '?>' },
  { open: '<!DOCTYPE', close: '>' },
] as const

/** The root element of a well-formed text; undefined when there is none. */
export function scanXml(xml: string): XmlElement | undefined {
  const open: OpenElement[] = []
  let root: XmlElement | undefined
  let at = xml.indexOf('<')
  const finish = (element: XmlElement): void => {
    const parent = open.at(-1)
    if (parent === undefined) root ??= element
    else parent.children.push(element)
  }
  while (at >= 0) {
    const skipped = SKIPPED.find(({ open: prefix }) => xml.startsWith(prefix, at))
    if (skipped !== undefined) {
      const close = xml.indexOf(skipped.close, at + skipped.open.length)
      if (close < 0) return undefined
      at = xml.indexOf('<', close + skipped.close.length)
    } else if (xml[at + 1] === '/') {
      const end = xml.indexOf('>', at) + 1
      const element = open.pop()
      if (element === undefined || end === 0) return undefined
      finish({ ...element, contentEnd: at, end, selfClosing: false })
      at = xml.indexOf('<', end)
    } else {
      const tag = scanStartTag(xml, at)
      if (tag === undefined) return undefined
      if (tag.selfClosing) finish({ ...tag, contentEnd: tag.tagEnd, end: tag.tagEnd, children: [] })
      else open.push({ ...tag, children: [] })
      at = xml.indexOf('<', tag.tagEnd)
    }
  }
  return open.length === 0 ? root : undefined
}

// Not `<!a>`: the validator takes such a thing for an element, and XML has none.
const NAME = /[^\s/>=!?][^\s/>=]*/y
const ATTRIBUTE = /\s+([^\s/>=]+)\s*=\s*(?:'([^']*)'|"([^"]*)")/y
const TAG_END = /\s*(\/?)>/y

function scanStartTag(
  xml: string,
  start: number,
): Pick<XmlElement, 'name' | 'start' | 'tagEnd' | 'attributes' | 'selfClosing'> | undefined {
  NAME.lastIndex = start + 1
  const name = NAME.exec(xml)?.[0]
  if (name === undefined) return undefined
  let at = start + 1 + name.length
  const attributes: XmlAttribute[] = []
  for (;;) {
    ATTRIBUTE.lastIndex = at
    const match = ATTRIBUTE.exec(xml)
    if (match === null) break
    const end = at + match[0].length
    const rawValue = (match[2] ?? match[3]) as string
    attributes.push({
      name: match[1] as string,
      rawValue,
      start: at,
      valueStart: end - 1 - rawValue.length,
      valueEnd: end - 1,
      end,
    })
    at = end
  }
  TAG_END.lastIndex = at
  const close = TAG_END.exec(xml)
  if (close === null) return undefined
  return { name, start, tagEnd: at + close[0].length, attributes, selfClosing: close[1] === '/' }
}

/** Direct children with a name. */
export function childrenNamed(element: XmlElement, name: string): readonly XmlElement[] {
  return element.children.filter((child) => child.name === name)
}

/** The raw value of an attribute, or undefined. */
export function attributeOf(element: XmlElement | undefined, name: string): string | undefined {
  return element?.attributes.find((attribute) => attribute.name === name)?.rawValue
}
