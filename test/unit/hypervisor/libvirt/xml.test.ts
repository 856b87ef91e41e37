import { expect, it } from 'vitest'
import { VqtuneError } from '../../../../src/errors'
import { attribute, child, list, parseXml, positive, textOf } from '../../../../src/hypervisor/libvirt/xml'

it('elements are found by name, of several the first; a missing one is empty', () => {
  const root = parseXml("<a><b x='1'>t</b><b x='2'/><c/></a>", 'x')
  const a = child(root, 'a')
  expect(attribute(child(a, 'b'), 'x')).toBe('1')
  expect(child(a, 'c')).toEqual({})
  expect(child(child(a, 'd'), 'e')).toEqual({})
  expect(attribute(child(a, 'd'), 'x')).toBeUndefined()
})

it('what a domain may have several of is a list, also where there is one', () => {
  const devices = child(
    parseXml("<devices><interface type='user'/><disk/><disk>t</disk></devices>", 'x'),
    'devices',
  )
  expect(list(devices.interface).map((node) => attribute(node, 'type'))).toEqual(['user'])
  expect(list(devices.disk)).toEqual([{}, {}])
  expect(list(devices.controller)).toEqual([])
})

it('values are texts as written, entities replaced; never numbers', () => {
  const root = child(
    parseXml("<a n='007'><memory unit='KiB'> 0100 </memory><name>x &amp; y</name><e/></a>", 'x'),
    'a',
  )
  expect(attribute(root, 'n')).toBe('007')
  expect(textOf(root.memory)).toBe('0100')
  expect(textOf(root.name)).toBe('x & y')
  expect(textOf(root.e)).toBeUndefined()
  expect(textOf(undefined)).toBeUndefined()
})

it('of an element that is there twice the first text counts', () => {
  expect(textOf(child(parseXml('<a><vcpu>2</vcpu><vcpu>3</vcpu></a>', 'x'), 'a').vcpu)).toBe('2')
})

it.each([
  ['', /^web01: malformed XML at line 1: /],
  ['<a>\n<b>\n</a>', /^web01: malformed XML at line 3: /],
  // The validator takes this one, the parser does not.
  ['</c/', /^web01: malformed XML: Closing Tag is not closed\.$/],
])('%j is malformed, with the origin and one line', (text, message) => {
  expect(() => parseXml(text, 'web01')).toThrow(message)
  expect(() => parseXml(text, 'web01')).toThrow(expect.objectContaining({ kind: 'tool-failed' }))
  expect(() => parseXml(text, 'web01')).toThrow(VqtuneError)
})

it('a count is a whole number above 0', () => {
  expect(['1', '16', '0016'].map(positive)).toEqual([1, 16, 16])
  for (const none of [
    '0',
    '00',
    '',
    '-1',
    '+1',
    '1.5',
    '1e3',
    '0x10',
    ' 1',
    '4\n',
    '1'.repeat(16),
    undefined,
  ])
    expect(positive(none), String(none)).toBeUndefined()
})
