import { rmSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { DriftDetector } from '../../../src/daemon/drift-detector'
import type { ObservedGuest, Step } from '../../../src/model'
import { guestOf, nicOf, withChannels, withSetting } from '../../support/simulated-kernel'
import { processFiles, systemWith } from '../../support/systems'

const ONLINE = [0, 1, 2, 3]
const [ETH2, ETH3] = [nicOf({ ifindex: 2, maximum: 4 }, ONLINE), nicOf({ ifindex: 3, maximum: 4 }, ONLINE)]
const GUEST = guestOf(ONLINE, [ETH2, ETH3])
const TWO = guestOf(ONLINE, [withChannels(ETH2, 2, ONLINE), ETH3])
const ethtool = (pid = 900) =>
  processFiles(pid, 'ethtool', { cmdline: 'ethtool\0-L\0eth2\0combined\x002\0', parent: 1 })

function setUp(files: Readonly<Record<string, string>> = {}) {
  const system = systemWith(files)
  const detector = new DriftDetector(system)
  detector.remember(GUEST)
  const kinds = (guest: ObservedGuest) => detector.compare(guest).map(({ kind, nic }) => `${nic} ${kind}`)
  const writers = (guest: ObservedGuest) =>
    detector.attributeAll(detector.compare(guest), guest).map(({ attribution }) => attribution.name)
  return { root: system.paths.root, detector, kinds, writers }
}

describe('what changed', () => {
  it('is nothing before the first observation, and then what differs from the last one', () => {
    const fresh = new DriftDetector(systemWith({}))
    expect(fresh.compare(TWO)).toEqual([])
    expect(fresh.attributeAll([], TWO)).toEqual([])
    const { detector, kinds } = setUp()
    expect(kinds(GUEST)).toEqual([])
    expect(kinds(TWO)).toEqual(['eth2 channels'])
    detector.remember(TWO)
    expect(kinds(TWO)).toEqual([])
  })

  it('since the last run of the daemon is told from what that has kept', () => {
    const kept = setUp().detector.remember(GUEST)
    const { detector, kinds } = setUp()
    detector.remember(TWO)
    detector.restore(kept)
    expect(kinds(TWO)).toEqual(['eth2 channels'])
  })

  it('is nothing of NICs whose values are accepted as our own', () => {
    const { detector, kinds } = setUp()
    const both = guestOf(ONLINE, [withChannels(ETH2, 2, ONLINE), withChannels(ETH3, 1, ONLINE)])
    detector.acceptAsOwn(both, new Set(['eth2']))
    expect(kinds(both)).toEqual(['eth3 channels'])
  })

  it('is nothing that we wrote, and all that others wrote beside it', () => {
    const { detector, kinds } = setUp()
    const others = withSetting(withSetting(ETH2, 'xps', 'queue 0', '3'), 'irq-affinity', 'queue 1 rx', '0')
    const step: Step = {
      ...{ tunable: 'xps', nic: 'eth2', ifindex: 2, key: 'queue 0', label: '', file: undefined },
      ...{ old: '0', new: '3', reason: '' },
    }
    detector.acceptWrites(guestOf(ONLINE, [others, ETH3]), [step])
    expect(kinds(guestOf(ONLINE, [others, ETH3]))).toEqual(['eth2 irq-affinity'])
  })
})

describe('who changed it', () => {
  it('is unknown without evidence', () => {
    expect(setUp().writers(TWO)).toEqual(['unknown'])
  })

  it('is a tool that was seen when something had just happened, though it has exited since; once', () => {
    const { root, detector, writers } = setUp(ethtool())
    detector.scanProcesses(true)
    rmSync(`${root}/proc/900`, { recursive: true })
    expect(writers(TWO)).toEqual(['ethtool'])
    expect(writers(TWO)).toEqual(['unknown'])
  })

  it('is not a process without arguments, which is about to end', () => {
    const { detector, writers } = setUp(processFiles(900, 'ethtool'))
    detector.scanProcesses(true)
    expect(writers(TWO)).toEqual(['unknown'])
  })

  it('is told with its command line, however often it was seen', () => {
    const { detector } = setUp(ethtool())
    for (let i = 0; i < 3; i++) detector.scanProcesses(true)
    const [found] = detector.attributeAll(detector.compare(TWO), TWO)
    expect(found?.attribution).toEqual({
      name: 'ethtool',
      evidence: 'ethtool -L eth2 combined 2 (pid 900) was running when the change was noticed',
    })
  })

  it('is a program that runs by itself and moves interrupts', () => {
    const { writers } = setUp(processFiles(812, 'irqbalance'))
    expect(writers(guestOf(ONLINE, [withSetting(ETH2, 'irq-affinity', 'queue 1 rx', '0'), ETH3]))).toEqual([
      'irqbalance',
    ])
  })

  it('is the kernel for what is no setting, such as a vCPU', () => {
    const fewer = guestOf([0, 1, 2], [ETH2, ETH3])
    expect(setUp().writers(fewer)).toEqual(['kernel'])
  })
})
