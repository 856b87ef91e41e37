/**
 * Text that others chose, made harmless where it leaves vqtune. The kernel bars only white space, `/` and `:` from interface
 * names; iproute2 as little from altnames; so a name may hold terminal escapes and anything that a shell obeys.
 */

/** Control characters, and those that turn the direction of text round and so hide what it says. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is the purpose.
const UNSEEN = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu

/** The colours of paint.ts, and no other sequence. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: as above.
const OWN_COLOURS = /(\u001b\[(?:2|22|31|32|33|39)m)/u

/**
 * The text with such characters written as \uXXXX, which in JSON means the same. Line feeds and tabs stay.
 * @param colored keeps vqtune's own colour sequences
 */
export function escapeControl(text: string, colored = false): string {
  if (!colored) return text.replace(UNSEEN, escapeUnlessBlank)
  return text
    .split(OWN_COLOURS)
    .map((part, i) => (i % 2 === 1 ? part : part.replace(UNSEEN, escapeUnlessBlank)))
    .join('')
}

/** Like escapeControl, but on one line: for text that must not look like two records. */
export function escapeToOneLine(text: string): string {
  return text.replace(UNSEEN, escaped)
}

function escapeUnlessBlank(character: string): string {
  return character === '\n' || character === '\t' ? character : escaped(character)
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}

/**
 * A name as one word of a command line that is shown to be copied: `a;reboot` must not reboot.
 */
export function shellQuote(text: string): string {
  if (/^[\w@%+=:,./-]+$/.test(text)) return text
  // $'...' of bash, ksh and zsh. In bytes: what \uXXXX becomes depends on the locale.
  if (text.search(UNSEEN) !== -1) return `$'${text.replace(/[\\']/g, '\\$&').replace(UNSEEN, octal)}'`
  return `'${text.replaceAll("'", "'\\''")}'`
}

/** Always three digits, so that none that follows is taken for one of them. */
function octal(character: string): string {
  return [...Buffer.from(character)].map((byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('')
}

/** A name as the operand of a shown vqtune command line. */
export function operand(name: string): string {
  return name.startsWith('-') ? `-- ${shellQuote(name)}` : shellQuote(name)
}
