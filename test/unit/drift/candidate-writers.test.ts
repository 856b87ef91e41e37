import { chmodSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { readCandidateWriters } from '../../../src/drift/candidate-writers'
import { nicOf } from '../../support/simulated-kernel'
import { processFiles, systemWith } from '../../support/systems'

const NICS = [2, 3].map((ifindex) => nicOf({ ifindex, maximum: 4 }, [0, 1, 2, 3]))
const irqbalance = (...args: string[]) =>
  processFiles(812, 'irqbalance', { cmdline: ['/usr/sbin/irqbalance', ...args, ''].join('\0') })

describe('writers that may have changed a setting', () => {
  it('are none in a guest that has none', () => {
    expect(readCandidateWriters(systemWith({}), NICS)).toEqual([])
  })

  it('are a file only for its NIC and its value, and no evidence by itself', () => {
    const system = systemWith({ '/etc/rc.local': '#!/bin/sh\nethtool -L eth3 combined 2\n' })
    // The search leaves out what would not be run.
    expect(readCandidateWriters(system, NICS)).toEqual([])
    chmodSync(`${system.paths.root}/etc/rc.local`, 0o755)
    expect(readCandidateWriters(system, NICS)).toMatchObject([
      {
        ...{ name: 'rc.local', writes: ['channels'], nic: 'eth3' },
        says: expect.stringContaining('ethtool -L eth3 combined 2'),
        onlyAt: expect.stringMatching(/\/etc\/rc\.local:2$/),
        evidence: expect.stringMatching(/^rc\.local \(.*\/etc\/rc\.local:2\) /),
      },
    ])
  })

  it('are an irqbalance that runs, for any value of each NIC', () => {
    const found = readCandidateWriters(systemWith(irqbalance()), NICS)
    const evidence = 'irqbalance (pid 812) runs and moves the interrupts of the queues between CPUs'
    expect(found).toEqual(
      ['eth2', 'eth3'].map((nic) => ({ name: 'irqbalance', writes: ['irq-affinity'], nic, evidence })),
    )
  })

  it('are an irqbalance that was told to leave them alone, as a mere possibility', () => {
    const irqs = NICS.flatMap(({ queues }) => queues.flatMap(({ rxIrq, txIrq }) => [rxIrq?.irq, txIrq?.irq]))
    const banned = irqs.map((irq) => `--banirq=${irq}`)
    const found = readCandidateWriters(systemWith(irqbalance(...banned)), NICS)
    expect(found.map(({ nic, isOnlyPossible }) => [nic, isOnlyPossible])).toEqual([
      ['eth2', true],
      ['eth3', true],
    ])
  })
})
