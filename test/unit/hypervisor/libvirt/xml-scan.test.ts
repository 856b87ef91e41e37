import { describe, expect, it } from 'vitest'
import { attributeOf, childrenNamed, scanXml } from '../../../../src/hypervisor/libvirt/xml-scan'

describe('scanXml', () => {
  it('sees through declarations, comments and > in attributes', () => {
    const root = scanXml(`<?xml version='1.0'?><!DOCTYPE a><!-- <b> --><a x="1>2" y = 'z'><b/><c>t</c></a>\n`)
    expect(root?.children.map((child) => child.name)).toEqual(['b', 'c'])
    expect(attributeOf(root, 'x')).toBe('1>2')
    expect(attributeOf(root, 'y')).toBe('z')
  })
})

describe('positions', () => {
  it.each(['', 'x', '<!-- a', '</a>', '<a></a', '< a>', '<a', '<a>', '<a b>'])('of %j are none', (xml) => {
    expect(scanXml(xml)).toBeUndefined()
  })

  it('are those of the first element, whatever follows', () => {
    expect(scanXml("<a b=''/><c/>")).toMatchObject({
      name: 'a',
      selfClosing: true,
      attributes: [{ name: 'b', rawValue: '', valueStart: 6, valueEnd: 6 }],
    })
  })
})

it('every offset is one of the text', () => {
  const text = `<a>\n  <b x='1' y="2">t</b>\n</a>\n`
  const [b] = scanXml(text)?.children ?? []
  if (b === undefined) throw new Error('no <b>')
  expect(text.slice(b.start, b.tagEnd)).toBe(`<b x='1' y="2">`)
  expect(text.slice(b.tagEnd, b.contentEnd)).toBe('t')
  expect(text.slice(b.contentEnd, b.end)).toBe('</b>')
  expect(b.attributes.map(({ start, end }) => text.slice(start, end))).toEqual([" x='1'", ' y="2"'])
  expect(b.attributes.map(({ valueStart, valueEnd }) => text.slice(valueStart, valueEnd))).toEqual(['1', '2'])
})

it('children are direct ones; an attribute is raw, with its entities', () => {
  const root = scanXml(`<a x='&lt;'><b i='1'><b i='2'/></b><c/><b i='3'/></a>`)
  if (root === undefined) throw new Error('no root')
  expect(childrenNamed(root, 'b').map((b) => attributeOf(b, 'i'))).toEqual(['1', '3'])
  expect(childrenNamed(root, 'd')).toEqual([])
  expect([attributeOf(root, 'x'), attributeOf(root, 'y'), attributeOf(undefined, 'x')]).toEqual([
    ...['&lt;', undefined, undefined],
  ])
})
