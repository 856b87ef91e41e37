/** `vqtune host zerocopy probe`: measures for some seconds whether packets are really sent without a copy. */

import { EXIT, VqtuneError } from '../../errors'
import { readVhostModule } from '../../hypervisor/zerocopy/module'
import { probeZerocopy } from '../../hypervisor/zerocopy/probe'
import { probeText } from '../../output/host-zerocopy-probe'
import type { CommandContext } from '../command'

const DEFAULT_SECONDS = 10
const MAX_SECONDS = 600

export async function run(context: CommandContext): Promise<number> {
  const seconds = parseSeconds(context.options.seconds)
  const module = await readVhostModule(context.system)
  // A closed terminal must not leave the probe behind; SIGINT and SIGTERM arrive through context.signal.
  const hangup = new AbortController()
  const onHangup = (): void => hangup.abort()
  process.once('SIGHUP', onHangup)
  const signal = AbortSignal.any([context.signal, hangup.signal])
  try {
    const result = await probeZerocopy(context.system, module, seconds, signal)
    if (context.options.json === true) {
      const { printJson } = await import('../../output/json')
      context.out(printJson({ ...result, running: module.running ?? null, interrupted: signal.aborted }))
    } else {
      context.out(`${probeText(result, module.running)}\n`)
    }
    if (signal.aborted) context.warn(`interrupted after ${result.seconds} s; the probe is removed`)
    return signal.aborted ? EXIT.error : EXIT.converged
  } finally {
    process.removeListener('SIGHUP', onHangup)
  }
}

function parseSeconds(value: unknown): number {
  if (value === undefined) return DEFAULT_SECONDS
  const seconds = typeof value === 'string' && /^\d{1,3}$/.test(value) ? Number(value) : 0
  if (seconds >= 1 && seconds <= MAX_SECONDS) return seconds
  throw new VqtuneError(
    'usage',
    `host zerocopy probe: --seconds ${String(value)}: expected 1 to ${MAX_SECONDS}`,
  )
}
