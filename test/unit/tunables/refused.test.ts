import { expect, it } from 'vitest'
import { StepRefused } from '../../../src/tunables/refused'

it('a refusal says what the kernel said, and keeps its text', () => {
  const refused = new StepRefused('xdp', 'an XDP program is attached', 'Device or resource busy')
  expect(refused.message).toBe('an XDP program is attached (kernel: Device or resource busy)')
  expect(refused).toMatchObject({ code: 'xdp', kernelText: 'Device or resource busy', name: 'StepRefused' })
  expect(refused).toBeInstanceOf(Error)
})
