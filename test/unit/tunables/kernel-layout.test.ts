import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { kernelGroup } from '../../../src/tunables/kernel-layout'
import { driverStripes } from '../../support/simulated-kernel'

describe("the kernel's own layout", () => {
  it('is what the driver hands out, for any count and any CPUs', () => {
    const cpus = fc
      .uniqueArray(fc.nat(127), { minLength: 1, maxLength: 40 })
      .map((all) => all.sort((a, b) => a - b))
    fc.assert(
      fc.property(cpus, fc.integer({ min: 1, max: 64 }), (online, count) => {
        driverStripes(count, online).forEach((group, queue) => {
          for (const key of [`queue ${queue}`, `queue ${queue} rx`, `queue ${queue} tx`])
            expect(kernelGroup(key, count, online)).toBe(group)
        })
      }),
    )
  })

  it('of what is no queue, or without CPUs, is none', () => {
    expect(kernelGroup('combined', 4, [0, 1])).toBeUndefined()
    expect(kernelGroup('queue 0 rx', 4, [])).toBeUndefined()
  })
})
