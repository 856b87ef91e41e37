/** The counts of a kernel histogram trigger with the single key `success`. Pure. */

/** `{ success: 1 } hitcount: 43` lines of a hist file. */
export function parseHistogram(text: string): ReadonlyMap<number, number> {
  return new Map(
    [...text.matchAll(/^\{ success:\s*(\d+) \} hitcount:\s*(\d+)/gm)].map((match): [number, number] => [
      Number(match[1]),
      Number(match[2]),
    ]),
  )
}
