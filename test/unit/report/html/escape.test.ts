import { expect, it } from 'vitest'
import { escapeHtml } from '../../../../src/report/html/escape'

it.each([
  ['eth0', 'eth0'],
  ['&<>"\'', '&amp;&lt;&gt;&quot;&#39;'],
  ['&amp;', '&amp;amp;'],
  ['a\tb\nc', 'a\tb\nc'],
  ['\u0000\r\u001b\u007f\u0085', '\ufffd\ufffd\ufffd\ufffd\ufffd'],
  ['\u00e9\u6f22', '\u00e9\u6f22'],
])('%j', (text, html) => {
  expect(escapeHtml(text)).toBe(html)
})
