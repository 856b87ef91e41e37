import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { interruptLayout, parseVirtioInterrupts } from '../../../src/system/interrupts'
import { capturedGuest } from '../../support/captured-guest'

describe('parseVirtioInterrupts', () => {
  it('takes the last column, whatever stands before it', () => {
    const text = [
      '           CPU0       CPU1       ',
      '  9:          0          0   IO-APIC   9-fasteoi   acpi',
      ' 11:          1          2   IO-APIC  11-fasteoi   virtio0, uhci_hcd:usb1, virtio1',
      ' 38:          0        152 PCI-MSIX-0000:00:03.0   1-edge      virtio2-input.0',
      ' 39:        104          0   PCI-MSI 81922-edge      virtio2-output.0',
      'NMI:          0          0   Non-maskable interrupts virtio9',
      'ERR:          0',
      '',
    ].join('\n')
    expect([...parseVirtioInterrupts(text)]).toEqual([
      ['virtio1', 11],
      ['virtio0', 11],
      ['virtio2-input.0', 38],
      ['virtio2-output.0', 39],
    ])
  })

  it('finds every queue in captured guests', () => {
    const { host } = capturedGuest('debian-6.12-4cpu-4q')
    const interrupts = parseVirtioInterrupts(host.readText(host.paths.procInterrupts) ?? '')
    const queues = [...interrupts.keys()].filter((name) => /^virtio3-(input|output)\.\d$/.test(name))
    expect(queues).toHaveLength(8)
  })

  it('never throws and finds nothing but virtio names', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
        for (const name of parseVirtioInterrupts(` 1: ${text}\n2:${text}`).keys()) {
          expect(name.startsWith('virtio')).toBe(true)
        }
      }),
      { numRuns: 3000 },
    )
  })
})

describe('interruptLayout', () => {
  const named = (...names: string[]) => new Map(names.map((name, i) => [name, i]))
  it.each([
    ['per-queue', 'pci', named('virtio2-config', 'virtio2-input.0', 'virtio2-output.0')],
    ['shared', 'pci', named('virtio2-config', 'virtio2-virtqueues')],
    ['intx', 'pci', named('virtio2')],
    ['mmio', 'mmio', named('virtio2')],
    ['ccw', 'ccw', named()],
    ['unknown', 'pci', named('virtio20-input.0')],
  ] as const)('is %s on %s', (layout, bus, interrupts) => {
    expect(interruptLayout('virtio2', bus, interrupts)).toBe(layout)
  })
})
