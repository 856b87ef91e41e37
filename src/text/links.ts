/**
 * Files, manual pages and addresses in a printed text as hyperlinks (OSC 8), for terminals that can open them. What is shown
 * stays the same. Pure.
 */

/** By TERM. GNU screen, the Linux console and serial terminals show such sequences as text, or drop them. */
const ABLE = /^(?:xterm|tmux|foot|alacritty|wezterm|ghostty|contour|konsole|vte|rio|st)\b/

/** Older ones (VTE before 0.50) crash or show them as text. */
const FIRST_VTE = 5000

export function canShowLinks({ TERM, VTE_VERSION }: Readonly<Record<string, string | undefined>>): boolean {
  return ABLE.test(TERM ?? '') && Number(VTE_VERSION ?? FIRST_VTE) >= FIRST_VTE
}

/** Not within a longer path or word, and not the beginning of a pattern. */
const FILE =
  /(?<![\w./:-])\/(?:etc|usr|run|var|lib|proc|sys|boot)\/[\w./@+~-]*(?<=[\w/])(?![\w./@+~-]*[*?{$<])/
const ADDRESS = /\bhttps?:\/\/[\w./@+~:?=&%#-]*[\w/]/
const MANUAL = /(?<![\w./-])[a-z][\w.-]*\([1578]\)/
const LINKED = new RegExp(`(${FILE.source})|(${ADDRESS.source})|${MANUAL.source}`, 'g')

/**
 * @param text with no control characters but line feeds and colours
 * @param host that has the files: a terminal may be on another one
 */
export function withLinks(text: string, host: string): string {
  // Colours as a letter would touch the word after them.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are those of paint.ts.
  const parts = text.split(/(\u001b\[\d+m)/u)
  return parts.map((part, i) => (i % 2 === 1 ? part : linked(part, host))).join('')
}

function linked(text: string, host: string): string {
  return text.replaceAll(LINKED, (shown, file?: string, address?: string) => {
    const target = file === undefined ? (address ?? `man:${shown}`) : `file://${host}${file}`
    return `\u001b]8;;${target}\u001b\\${shown}\u001b]8;;\u001b\\`
  })
}
