/**
 * How often and with which seed the properties are tried. A failure prints the seed, the path to the input, and the
 * smallest input that fails; `VQTUNE_FUZZ_SEED=N npm run fuzz` repeats it.
 */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { VqtuneError } from '../../../src/errors'

/** Inputs for each property: a few thousand in the test command, 100,000 and more in `npm run fuzz`. */
export const RUNS = Number(process.env.VQTUNE_FUZZ_RUNS ?? 2_000)
const SEED = process.env.VQTUNE_FUZZ_SEED

fc.configureGlobal({ numRuns: RUNS, ...(SEED === undefined ? {} : { seed: Number(SEED) }) })

/** One property as one test; it fails by throwing, as `expect` does. */
export function holds<T>(name: string, inputs: fc.Arbitrary<T>, property: (input: T) => void): void {
  it(name, () => fc.assert(fc.property(inputs, property)))
}

/** The same for a parser that is asynchronous. */
export function holdsAsync<T>(
  name: string,
  inputs: fc.Arbitrary<T>,
  property: (input: T) => Promise<void>,
): void {
  it(name, () => fc.assert(fc.asyncProperty(inputs, property)))
}

/** As `expect(condition).toBe(true)`, at a tenth of the cost: some properties ask a hundred times for each input. */
export function must(condition: boolean, what: unknown): void {
  if (!condition) expect.unreachable(String(what))
}

/** What a parser makes of a text, or undefined when it refuses as it should: a VqtuneError of one line. */
export function parsedOrRefused<T>(parse: () => T): T | undefined {
  try {
    return parse()
  } catch (error) {
    expectOneLine(error)
    return undefined
  }
}

function expectOneLine(error: unknown): asserts error is VqtuneError {
  if (!(error instanceof VqtuneError)) throw error
  expect(error.message).toMatch(/^[^\n\r\u2028\u2029]+$/)
}
