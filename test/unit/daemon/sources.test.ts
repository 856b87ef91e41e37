import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import type { Logger } from '../../../src/daemon/logger'
import { Sources } from '../../../src/daemon/sources'
import { openSystem } from '../../../src/system/system'
import { nicOf } from '../../support/simulated-kernel'
import { until } from '../../support/until'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'vqtune-sources-'))
})
afterEach(() => {
  rmSync(root, { recursive: true, force: true })
})

describe('the event sources', () => {
  const NIC = nicOf({ ifindex: 2, maximum: 1 }, [0])
  const DEVICE = '/devices/pci0000:00/0000:00:08.0/virtio3/net/eth2/queues/tx-3'

  /** With programs that print these lines and go on, or end if they have none. */
  function setUp(printed: Readonly<Record<'udevadm' | 'ethtool', readonly string[]>>) {
    mkdirSync(`${root}/usr/sbin`, { recursive: true })
    mkdirSync(`${root}/run/vqtune`, { recursive: true })
    for (const [tool, lines] of Object.entries(printed)) {
      const last = lines.length === 0 ? 'exit 1' : 'exec sleep infinity'
      const script = `#!/bin/sh\ncat <<'EOF'\n${lines.join('\n')}\nEOF\n${last}\n`
      writeFileSync(`${root}/usr/sbin/${tool}`, script, { mode: 0o755 })
    }
    const told: string[] = []
    const logged: string[] = []
    const note = (_: object, text: string) => void logged.push(text)
    const log = { warn: note, info: note } as unknown as Logger
    const sources = new Sources(
      openSystem(root),
      log,
      (reason) => void told.push(reason.replace(root, '')),
      () => void told.push('ready'),
    )
    sources.start()
    onTestFinished(() => sources.stop())
    return { sources, told, logged }
  }

  it('tell what concerns channels, rings and vCPUs, and nothing of what containers do', async () => {
    const { told, sources } = setUp({
      udevadm: [
        'KERNEL - the kernel uevent',
        'KERNEL[1.1] add      /devices/virtual/net/veth1 (net)',
        `KERNEL[1.2] remove   ${DEVICE} (queues)`,
        'KERNEL[1.3] online   /devices/system/cpu/cpu3 (cpu)',
      ],
      ethtool: ['listening...', 'Channel parameters for eth2:', 'Combined: 2', 'Ring parameters for eth2:'],
    })
    await until(() => told.length >= 6)
    expect(told.filter((reason) => reason === 'ready')).toHaveLength(2)
    expect(told.filter((reason) => reason !== 'ready').sort()).toEqual([
      ...['cpu online', 'ethtool channels', 'ethtool rings', 'queues remove'],
    ])
    expect(sources.views.map(({ name, state }) => [name, state])).toEqual([
      ['udev', 'up'],
      ['ethtool', 'up'],
    ])
  })

  it('ask for a pass when one of them ends, and log that', async () => {
    const { told, logged } = setUp({ udevadm: [], ethtool: ['listening...'] })
    await until(() => told.includes('udev down'))
    expect(logged).toEqual([
      'no events from udev: udevadm ended (exit status 1); relying on periodic checks, restarting udev',
    ])
  })

  it('tell of writes to the settings of a NIC, of another ledger, and of an irqbalance that starts', async () => {
    const { told, sources } = setUp({ udevadm: ['x'], ethtool: ['x'] })
    mkdirSync(`${root}/irq`)
    const settings = NIC.settings.map((one) => ({ ...one, file: `${root}/irq/smp_affinity_list` }))
    sources.follow([{ ...NIC, settings }])
    writeFileSync(`${root}/irq/smp_affinity_list`, '0')
    await until(() => told.includes('write to /irq'))
    writeFileSync(`${root}/run/vqtune/daemon.json`, '')
    writeFileSync(`${root}/run/vqtune/ledger.json`, '')
    await until(() => told.includes('ledger written'))
    mkdirSync(`${root}/run/irqbalance`)
    await until(() => told.includes('irqbalance started or stopped'))
    told.length = 0
    writeFileSync(`${root}/run/irqbalance/irqbalance812.sock`, '')
    await until(() => told.includes('irqbalance started or stopped'))
  })
})
