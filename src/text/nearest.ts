/** What somebody who mistyped a word most likely meant. Pure. */

/** The known word that a mistyped one most likely meant, or undefined. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  // Of a very long word no known key is near, and the distance costs length times length.
  if (word.length > 64) return undefined
  const normal = word.toLowerCase().replaceAll('_', '-')
  const ranked = known
    .map((candidate) => ({ candidate, distance: editDistance(normal, candidate) }))
    .sort((a, b) => a.distance - b.distance)
  const best = ranked[0]
  if (best === undefined) return undefined
  // One mistake in three letters still reads as the word.
  return best.distance <= Math.max(1, Math.floor(best.candidate.length / 3)) ? best.candidate : undefined
}

/** Levenshtein's distance, where two letters in the wrong order are one mistake. */
function editDistance(a: string, b: string): number {
  let before: number[] = []
  let row = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const replace = cell(row, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1)
      const isSwapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      const swap = isSwapped ? cell(before, j - 2) + 1 : replace
      next.push(Math.min(replace, swap, cell(row, j) + 1, cell(next, j - 1) + 1))
    }
    before = row
    row = next
  }
  return cell(row, b.length)
}

function cell(row: readonly number[], column: number): number {
  return row[column] as number
}
