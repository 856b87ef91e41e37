/** Milliseconds since boot: the same clock in every process of this boot, and one that cannot be set. */
export function uptimeMs(): number {
  return Number(process.hrtime.bigint() / 1_000_000n)
}
