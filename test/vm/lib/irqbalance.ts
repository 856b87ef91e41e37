/** The irqbalance in a guest, asked without vqtune. */
import { expect } from 'vitest'
import type { Guest } from './guest'
import { PATIENCE_MS, waitUntil } from './wait'

/** Kernel arguments, as if it were enabled. */
export const WITH_IRQBALANCE: readonly string[] = ['systemd.wants=irqbalance.service']

/** Returns when its socket is there. */
export async function untilIrqbalanceRuns(guest: Guest): Promise<void> {
  await waitUntil(
    'irqbalance',
    PATIENCE_MS,
    async () => (await guest.exec(['ls', '/run/irqbalance'])).stdout !== '',
  )
}

/** @param message to its socket, without the NUL at its end */
export function sayToIrqbalance(guest: Guest, message: string): Promise<string> {
  const script = `
    const { readdirSync } = require('node:fs')
    const [name] = readdirSync('/run/irqbalance')
    const socket = require('node:net').connect('/run/irqbalance/' + name)
    socket.write('${message}\\0')
    socket.pipe(process.stdout)`
  return guest.run(['/opt/node/node', '-e', script])
}

/** What it says itself that it has banned, ascending. */
export async function bannedIn(guest: Guest): Promise<readonly number[]> {
  const answer = await sayToIrqbalance(guest, 'setup')
  expect(answer).toMatch(/^SLEEP \d+ .*BANNED /)
  return [...answer.matchAll(/IRQ (\d+)/g)].map(([, irq]) => Number(irq)).sort((a, b) => a - b)
}
