import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readChannels } from '../../../src/kernel/ethtool'
import {
  interruptLayout,
  parseVirtioInterrupts,
  queuePairsOf,
  readIrqAffinity,
  readQueueIrq,
  readVirtioInterrupts,
} from '../../../src/kernel/interrupts'
import { observeGuest } from '../../../src/planner/observe'
import { capturedGuest, guestNames } from '../../support/captured-guest'
import { systemWith } from '../../support/systems'

describe('the queue pairs that a device offers', () => {
  const names = (...all: string[]) => new Map(all.map((name, irq) => [name, irq]))
  const two = ['virtio1-input.0', 'virtio1-output.0', 'virtio1-input.1', 'virtio1-output.1']

  it('are those with vectors of their own', () => {
    expect(queuePairsOf('virtio1', names('virtio1-config', ...two, 'virtio10-input.0'), 5)).toBe(2)
  })

  it.each([
    ['no vector each', names('virtio1-config', 'virtio1-virtqueues'), 2],
    ['no name at all', names(), 9],
    ['a gap', names(...two, 'virtio1-input.3', 'virtio1-output.3'), 7],
    ['half a pair', names(...two, 'virtio1-input.2'), 6],
    ['fewer vectors than names', names(...two), 4],
    ['no list of vectors', names(...two), undefined],
  ])('are unknown with %s', (_what, interrupts, vectors) => {
    expect(queuePairsOf('virtio1', interrupts, vectors)).toBeUndefined()
  })

  it('are what ethtool tells, in every captured guest', async () => {
    let told = 0
    for (const name of guestNames()) {
      const { system, calls } = capturedGuest(name)
      const { nics } = await observeGuest(system)
      expect(calls, name).toEqual([])
      for (const nic of nics.filter(({ channels }) => channels.maximum !== undefined)) {
        told++
        const { maximum } = nic.channels
        expect(await readChannels(system, nic.name), `${name} ${nic.name}`).toMatchObject({ maximum })
      }
    }
    expect(told).toBeGreaterThan(30)
  })
})

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

  it('knows those of a GIC, which name the trigger apart', () => {
    // An aarch64 guest of QEMU's machine "virt", kernel 6.12.
    const text = [
      '           CPU0       CPU1       CPU2       CPU3       ',
      ' 11:       3999       3827       3956       3782     GICv3  27 Level     arch_timer',
      ' 28:          0          0          0          0  ITS-PCI-MSIX-0000:00:08.0   1 Edge      virtio2-input.0',
      ' 29:          0          0          0          0  ITS-PCI-MSIX-0000:00:08.0   2 Edge      virtio2-output.0',
      ' 33:          0          0          0          0  ITS-PCI-MSIX-0000:00:09.0   1 Edge      virtio3-virtqueues',
      'IPI0:       269        242        321        361       Rescheduling interrupts',
      'Err:          0',
      '',
    ].join('\n')
    expect([...parseVirtioInterrupts(text)]).toEqual([
      ['virtio2-input.0', 28],
      ['virtio2-output.0', 29],
      ['virtio3-virtqueues', 33],
    ])
  })

  it('reads a last line without a newline, and finds nothing in one that ends early', () => {
    expect([...parseVirtioInterrupts(' 27:\n 28:0 virtio2-input.0')]).toEqual([['virtio2-input.0', 28]])
  })

  it('finds every queue in captured guests', () => {
    const { system } = capturedGuest('debian-6.12-4cpu-4q')
    const interrupts = parseVirtioInterrupts(system.readText(system.paths.procInterrupts) ?? '')
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

describe('the interrupt of a queue', () => {
  const irq = (files: Record<string, string>, withEffective = true) =>
    readQueueIrq(systemWith(files), 'virtio0', 'rx', 0, new Map([['virtio0-input.0', 24]]), withEffective)

  it('has its affinity as a list, else as a mask; without either it has none', () => {
    const affinity = (files: Readonly<Record<string, string>>) => readIrqAffinity(systemWith(files), 24)
    expect(affinity({ '/proc/irq/24/smp_affinity_list': '0-1\n' })).toEqual([0, 1])
    expect(affinity({ '/proc/irq/24/smp_affinity': '3\n' })).toEqual([0, 1])
    expect(affinity({})).toBeUndefined()
    const found = { irq: 24, name: 'virtio0-input.0' }
    expect(irq({})).toEqual({ ...found, effective: undefined })
    const effective = { '/proc/irq/24/effective_affinity_list': '1\n' }
    expect(irq(effective)).toEqual({ ...found, effective: [1] })
    expect(irq(effective, false)).toEqual({ ...found, effective: undefined })
  })

  it('is none in a guest without /proc/interrupts', () => {
    expect(readVirtioInterrupts(systemWith({}))).toEqual(new Map())
  })
})
