/** Unified diffs of small texts, for dry runs. */

const CONTEXT_LINES = 3

interface Edit {
  readonly sign: ' ' | '-' | '+'
  readonly line: string
}

/**
 * A unified diff, or '' when the texts are equal.
 * @param before undefined: the file does not exist yet. @param after undefined: it goes away.
 */
export function unifiedDiff(name: string, before: string | undefined, after: string | undefined): string {
  if (before === after) return ''
  const edits = lineEdits(toLines(before ?? ''), toLines(after ?? ''))
  const head = [
    `--- ${before === undefined ? '/dev/null' : name}`,
    `+++ ${after === undefined ? '/dev/null' : name}`,
  ]
  return `${[...head, ...hunks(edits)].join('\n')}\n`
}

/** Stored XML holds VNC and SPICE passwords; a terminal need not show them. */
export function hidePasswords(diff: string): string {
  return diff.replace(/(passwd=)(?:'[^']*'|"[^"]*")/g, "$1'***'")
}

/** Lines with the marker that diff(1) uses for a missing last newline kept apart from the text. */
function toLines(text: string): string[] {
  if (text === '') return []
  const lines = text.split('\n')
  if (lines.at(-1) === '') lines.pop()
  else lines.push(`${lines.pop()}\n\\ No newline at end of file`)
  return lines
}

/** Longest common subsequence of what lies between the common head and tail. */
function lineEdits(a: readonly string[], b: readonly string[]): Edit[] {
  let head = 0
  while (head < a.length && head < b.length && a[head] === b[head]) head++
  let tail = 0
  while (tail < a.length - head && tail < b.length - head && a.at(-1 - tail) === b.at(-1 - tail)) tail++
  return [
    ...a.slice(0, head).map((line): Edit => ({ sign: ' ', line })),
    ...middleEdits(a.slice(head, a.length - tail), b.slice(head, b.length - tail)),
    ...a.slice(a.length - tail).map((line): Edit => ({ sign: ' ', line })),
  ]
}

function middleEdits(a: readonly string[], b: readonly string[]): Edit[] {
  const lengths = Array.from({ length: a.length + 1 }, () => new Uint32Array(b.length + 1))
  const at = (i: number, j: number): number => (lengths[i] as Uint32Array)[j] as number
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      const row = lengths[i] as Uint32Array
      row[j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1))
    }
  }
  const edits: Edit[] = []
  let i = 0
  let j = 0
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      edits.push({ sign: ' ', line: a[i] as string })
      i++
      j++
    } else if (j >= b.length || (i < a.length && at(i + 1, j) >= at(i, j + 1))) {
      edits.push({ sign: '-', line: a[i++] as string })
    } else {
      edits.push({ sign: '+', line: b[j++] as string })
    }
  }
  return edits
}

function hunks(edits: readonly Edit[]): string[] {
  const changed = edits.flatMap((edit, index) => (edit.sign === ' ' ? [] : [index]))
  const out: string[] = []
  let k = 0
  while (k < changed.length) {
    const first = changed[k] as number
    let last = first
    while (k < changed.length && (changed[k] as number) - last <= 2 * CONTEXT_LINES)
      last = changed[k++] as number
    const from = Math.max(0, first - CONTEXT_LINES)
    const to = Math.min(edits.length, last + CONTEXT_LINES + 1)
    const part = edits.slice(from, to)
    const before = edits.slice(0, from)
    out.push(`@@ -${range(before, part, '+')} +${range(before, part, '-')} @@`)
    out.push(...part.map((edit) => `${edit.sign}${edit.line}`))
  }
  return out
}

/** `start,count` of one side; the other side's lines do not count. An empty side starts one line earlier. */
function range(before: readonly Edit[], part: readonly Edit[], otherSign: '+' | '-'): string {
  const count = part.filter((edit) => edit.sign !== otherSign).length
  const start = before.filter((edit) => edit.sign !== otherSign).length + (count === 0 ? 0 : 1)
  return count === 1 ? `${start}` : `${start},${count}`
}
