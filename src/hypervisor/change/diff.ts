/** Unified diffs of small texts, for dry runs. */
import { createTwoFilesPatch, FILE_HEADERS_ONLY } from 'diff'

const CONTEXT_LINES = 3
const NOTHING = '/dev/null'

/**
 * A unified diff, or '' when the texts are equal.
 * @param before undefined: the file does not exist yet. @param after undefined: it goes away.
 */
export function unifiedDiff(name: string, before: string | undefined, after: string | undefined): string {
  if (before === after) return ''
  return createTwoFilesPatch(
    before === undefined ? NOTHING : name,
    after === undefined ? NOTHING : name,
    before ?? '',
    after ?? '',
    undefined,
    undefined,
    { context: CONTEXT_LINES, headerOptions: FILE_HEADERS_ONLY },
  )
}

/** Stored XML holds VNC and SPICE passwords; a terminal need not show them. */
export function hidePasswords(diff: string): string {
  return diff.replace(/(passwd=)(?:'[^']*'|"[^"]*")/g, "$1'***'")
}
