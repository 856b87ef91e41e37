/** Lines of files in which a backslash at the end joins the next line. Pure. */

/** With the number of the first, from 1. Lines that start with # are left out, but not in the middle of a joined one. */
export function joinedLines(text: string): readonly { line: number; text: string }[] {
  const lines: { line: number; text: string }[] = []
  let open: { line: number; text: string } | undefined
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    if (open === undefined && raw.trimStart().startsWith('#')) continue
    const joins = raw.endsWith('\\')
    const part = joins ? raw.slice(0, -1) : raw
    open =
      open === undefined ? { line: index + 1, text: part } : { line: open.line, text: `${open.text} ${part}` }
    if (joins) continue
    lines.push(open)
    open = undefined
  }
  return open === undefined ? lines : [...lines, open]
}
