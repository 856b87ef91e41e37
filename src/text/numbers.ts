/** Numbers as the kernel and its tools print them. */

/**
 * Decimal digits and nothing else: Number() also takes '', '1e3' and '0x10', and parseInt() any tail.
 * @returns undefined for anything else
 */
export function parseWholeNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,20}$/.test(text) ? Number(text) : undefined
}
