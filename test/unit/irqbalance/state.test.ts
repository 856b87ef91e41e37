import { expect, it } from 'vitest'
import { writeRequest } from '../../../src/irqbalance/record'
import {
  describeAsked,
  describeIrqbalance,
  describeReleased,
  irqbalanceJson,
  readIrqbalanceState,
} from '../../../src/irqbalance/state'
import { startIrqbalance } from '../../support/fake-irqbalance'
import { processFiles, systemWith } from '../../support/systems'

const ETH2 = { virtio: 'virtio2', ifindex: 2, name: 'eth2', irqs: [24, 25, 26, 27] }
const BOOT = { '/proc/sys/kernel/random/boot_id': 'this-boot\n' }
const request = (missing: readonly number[], pid = 812) =>
  ({
    ...{
      version: 1 as const,
      bootId: 'this-boot',
      pid,
      startTicks: `${pid}77`,
      at: '2026-03-01T10:00:00.000Z',
    },
    ...{ nics: [ETH2], others: [], missing },
  }) as const

it('none is running: there is nothing to say', () => {
  expect(readIrqbalanceState(systemWith(BOOT), [ETH2])).toBeUndefined()
  expect(irqbalanceJson(undefined)).toBeNull()
})

it('one that was not asked is told with who asks it, but not where nothing would be asked', async () => {
  const system = systemWith(BOOT)
  await startIrqbalance(system.paths.root)
  const asks = 'vqtune apply, or the daemon, asks it'
  expect(readIrqbalanceState(system, [ETH2])).toEqual({ pid: 812, nics: [], problem: asks })
  expect(readIrqbalanceState(system, [])).toEqual({ pid: 812, nics: [], problem: undefined })
  // What another irqbalance was asked for is not this one's.
  writeRequest(system, request([], 900))
  expect(readIrqbalanceState(system, [ETH2])?.problem).toBe(asks)
})

it('one that cannot be asked is told with the reason', () => {
  const system = systemWith({ ...BOOT, ...processFiles(77, 'irqbalance') })
  expect(readIrqbalanceState(system, [ETH2])).toMatchObject({
    pid: 77,
    problem: expect.stringMatching(/^PID 77 has no socket/),
  })
  expect(readIrqbalanceState(system, [])?.problem).toBeUndefined()
})

it('one that was asked leaves alone what it confirmed, and the rest is a problem', async () => {
  const system = systemWith(BOOT)
  await startIrqbalance(system.paths.root)
  writeRequest(system, request([]))
  expect(readIrqbalanceState(system, [ETH2])).toEqual({ pid: 812, nics: [ETH2], problem: undefined })
  writeRequest(system, request([26, 27]))
  const state = readIrqbalanceState(system, [ETH2])
  expect(state?.nics[0]?.irqs).toEqual([24, 25])
  expect(state?.problem).toMatch(/^irqbalance took 2 of 4 interrupts: /)
  expect(irqbalanceJson(state)).toEqual({ pid: 812, interrupts: [24, 25], problem: state?.problem })
})

it('is one line for people', () => {
  const line = (irqs: readonly number[], problem?: string) =>
    describeIrqbalance({ pid: 812, nics: [{ ...ETH2, irqs }], problem })
  expect(line([24, 25])).toBe('irqbalance: asked to leave 2 interrupts alone')
  expect(line([24], 'it is late')).toBe('irqbalance: asked to leave 1 interrupt alone: it is late')
  expect(line([])).toBe('irqbalance: running (PID 812), not asked to leave any interrupt alone')
  expect(line([], 'it is late')).toBe(
    'irqbalance: running (PID 812), not asked to leave any interrupt alone: it is late',
  )
  expect([describeAsked(1), describeReleased(8)]).toEqual([
    'irqbalance: asked to leave 1 interrupt alone',
    'irqbalance: 8 interrupts given back',
  ])
  expect(irqbalanceJson({ pid: 1, nics: [], problem: undefined })).toEqual({
    pid: 1,
    interrupts: [],
    problem: null,
  })
})
