import { expect, test } from 'vitest'
import { parseInterruptCounts } from '../../../src/kernel/interrupt-counts'
import { guestFile } from '../../support/captured-guest'

test('debian-6.12-4cpu-4q: interrupts of each queue by CPU', () => {
  const { cpus, byAction } = parseInterruptCounts(guestFile('debian-6.12-4cpu-4q', 'proc/interrupts'))
  expect(cpus).toEqual([0, 1, 2, 3])
  for (const name of ['virtio3-input.0', 'virtio3-output.3']) expect(byAction.get(name)).toHaveLength(4)
})

test('vcpu-offlined-3of4: columns are those of online CPUs', () => {
  expect(parseInterruptCounts(guestFile('vcpu-offlined-3of4', 'proc/interrupts')).cpus).toHaveLength(3)
})

const TEXT = `           CPU0       CPU2
  1:          9          0   IO-APIC   1-edge      i8042
 25:          7      12345   PCI-MSIX-0000:00:03.0   1-edge      virtio0-input.0
 26:          0          4   PCI-MSIX-0000:00:03.0   2-edge      virtio0-output.0
 27:          1                PCI-MSIX-0000:00:03.0   3-edge      virtio0-input.1
NMI:          0          0   Non-maskable interrupts
ERR:          0
`

test('counts are in the order of the online CPUs; other devices and lines that are too short are left out', () => {
  expect(parseInterruptCounts(TEXT)).toEqual({
    cpus: [0, 2],
    byAction: new Map([
      ['virtio0-input.0', [7, 12345]],
      ['virtio0-output.0', [0, 4]],
    ]),
  })
})

test('a text without a header has no CPUs, and an empty one nothing', () => {
  expect(parseInterruptCounts('').cpus).toEqual([])
  expect(parseInterruptCounts('').byAction).toEqual(new Map())
})
