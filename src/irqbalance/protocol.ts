/**
 * What irqbalance understands on its socket, as of 1.7: one message in each connection, which it answers, if at all, and
 * closes. Facts from irqbalance's sock_handle() and tried with 1.9.2. Pure.
 */

/** Ended by a NUL: versions before 1.9 parse what lies behind the message, too. */
const END = '\0'

/** The list of banned interrupts and the mask of banned CPUs. */
export const SETUP = `setup${END}`

/**
 * Until 1.9.4 irqbalance reads this much and no more: what is longer is cut there, even inside a number, and what comes in a
 * second message replaces the first. Since 1.9.5 it is 16 KiB.
 */
const OLD_BUFFER_BYTES = 500
/** What 1.9.5 and later refuse. */
const BUFFER_BYTES = 16_384

/**
 * Replaces the list of banned interrupts. Where an old version cuts the message, there is a space and no digit: so it takes
 * the first ones, and the answer to SETUP tells which.
 * @param irqs those that do not fit 16 KiB, some 3,000, are left out
 */
export function banMessage(irqs: readonly number[]): string {
  let message = 'settings ban irqs '
  if (irqs.length === 0) return `${message}NONE${END}`
  // 0 ends the list anywhere but at its beginning.
  for (const irq of [...irqs].sort((a, b) => a - b)) {
    const word = `${irq} `
    const isCut = message.length < OLD_BUFFER_BYTES && message.length + word.length > OLD_BUFFER_BYTES
    const next = `${isCut ? message.padEnd(OLD_BUFFER_BYTES) : message}${word}`
    if (next.length >= BUFFER_BYTES - END.length) break
    message = next
  }
  return `${message}${END}`
}

/** @returns the banned interrupts; undefined if it is not an answer to SETUP */
export function parseSetup(answer: string): ReadonlySet<number> | undefined {
  if (
    !/^SLEEP \d+ (?:IRQ -?\d+ LOAD \d+ DIFF -?\d+ CLASS -?\d+ )*BANNED [0-9a-f,]+\s*$/.test(
      answer.replaceAll(END, ''),
    )
  )
    return undefined
  return new Set([...answer.matchAll(/\bIRQ (\d+) /g)].map(([, irq]) => Number(irq)))
}
