/** Text into HTML and SVG, in content and in quoted attributes. Interface names may hold any of these. */

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** Control characters have no place in HTML at all: they become U+FFFD. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (found) => ENTITIES[found] ?? '').replace(/(?![\t\n])\p{Cc}/gu, '\ufffd')
}
