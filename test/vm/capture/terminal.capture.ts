import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { Guest } from '../lib/guest'
import { type Shown, terminalSvg } from '../lib/terminal-svg'

/**
 * Records the picture of the README in a real guest: two more vCPUs come online after its NIC was found.
 *   npm run build && npx vitest run --config test/vm/capture/vitest.config.ts terminal
 */
test('terminal', async () => {
  await using guest = await Guest.boot({
    kernel: '6.12',
    cpus: 4,
    // Two are online when the driver finds the NIC, so it takes two of four queue pairs.
    kernelArgs: ['maxcpus=2'],
    nics: [{ queues: 4 }],
    vqtune: 'dist/vqtune.cjs',
  })
  await guest.configureNic(0)
  for (const cpu of [2, 3]) await guest.setCpuOnline(cpu, true)
  const shown: Shown[] = [{ comment: 'two more vCPUs came online; the kernel leaves the NIC as it was' }]
  for (const command of ['vqtune plan', 'vqtune apply', 'vqtune status']) {
    // script(1) gives it a terminal, so that it prints its colours.
    const output = await guest.run(['script', '-qec', `stty cols 130; ${command}`, '/dev/null'])
    shown.push({ command, output: output.replaceAll('\r\n', '\n') })
  }
  expect(shown.at(-1)?.output).toContain('4 channels (one per vCPU)')
  writeFileSync(fileURLToPath(new URL('../../../docs/terminal.svg', import.meta.url)), terminalSvg(shown))
})
