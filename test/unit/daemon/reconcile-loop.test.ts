import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { afterEach, describe, expect, it } from 'vitest'
import { DEFAULT_SETTINGS, type Settings } from '../../../src/config/settings'
import type { Clock } from '../../../src/daemon/clock'
import { guestFamilies } from '../../../src/daemon/metrics'
import { renderMetrics } from '../../../src/daemon/prometheus'
import { ReconcileLoop } from '../../../src/daemon/reconcile-loop'
import { statePath } from '../../../src/daemon/state'
import { suspensionsOf } from '../../../src/daemon/suspensions'
import { readHistory } from '../../../src/drift/history'
import { isNamedByUdev } from '../../../src/kernel/pending-nics'
import type { ConflictPolicy, ObservedGuest } from '../../../src/model'
import { ledgerPath } from '../../../src/planner/ledger'
import { applyOperation, rollbackOperation } from '../../../src/planner/operations'
import { converge } from '../../../src/planner/reconcile'
import { openSystem } from '../../../src/system/system'
import { traced } from '../../../src/system/trace'
import { uptimeMs } from '../../../src/system/uptime'
import { countLooks } from '../../support/counted-looks'
import { type GeneratedTree, generateTree } from '../../support/generated-tree'
import { processFiles } from '../../support/systems'

const START = 1_800_000_000_000
const trees: GeneratedTree[] = []
afterEach(() => {
  for (const tree of trees.splice(0)) tree.remove()
})

/** A guest with 4 vCPUs and one NIC or more, a tuner, and a clock that is set by hand. */
function setUp(onConflict: ConflictPolicy = 'reassert', others: readonly string[] = []) {
  const tree = generateTree(4, [
    { name: 'eth0', maximum: 4, current: 4, counts: [2, 3] },
    ...others.map((name) => ({ name, maximum: 4, current: 4, counts: [2] })),
  ])
  trees.push(tree)
  const { root } = tree
  const { system, beforeLook } = countLooks(root)
  const settings: Settings = {
    ...DEFAULT_SETTINGS,
    rules: [{ match: {}, settings: { onConflict }, source: 'test' }],
  }
  const clock = { now: START }
  const told: string[] = []
  let atWrite = (): void => {}
  const newTuner = () =>
    new ReconcileLoop(
      system,
      {
        drift: ({ kind, writer, action }) => void told.push(`${kind} ${writer} ${action}`),
        write: () => atWrite(),
        conflict: (nic, otherWriter, { awaySeconds }) =>
          void told.push(`fight ${nic} ${otherWriter.name} ${awaySeconds}`),
        reverted: ({ nic, from, channels, why }) =>
          void told.push(`put back ${nic} ${from} ${channels}: ${why}`),
        irqbalance: ({ added, released }) =>
          void told.push(`irqbalance +${added.length} -${released.length}`),
        problem: (topic, text) => {
          if (text !== undefined) told.push(`trouble ${topic}: ${text.replace(root, '')}`)
        },
      },
      new AbortController().signal,
      { wall: () => clock.now, uptime: () => clock.now },
    )
  const tuner = newTuner()
  const calls = () =>
    existsSync(`${root}/calls`) ? readFileSync(`${root}/calls`, 'utf8').trim().split('\n') : []
  return {
    ...{ root, system, tree, clock, told, tuner, newTuner, settings, calls },
    pass: (using = tuner) => using.run(settings),
    setChannels: (count: number) =>
      execFileSync(`${root}/usr/sbin/ethtool`, ['-L', 'eth0', 'combined', String(count)]),
    channels: () => Number(readFileSync(`${root}/sys/class/net/eth0/current`, 'utf8')),
    /** Of the receive interrupt of eth0's second queue, or another one. */
    setAffinity: (cpus: string, irq = 26) => writeFileSync(`${root}/proc/irq/${irq}/smp_affinity_list`, cpus),
    setXps: (queue: number, mask: string) =>
      writeFileSync(`${root}/sys/class/net/eth0/queues/tx-${queue}/xps_cpus`, mask),
    xps: (queue: number) =>
      readFileSync(`${root}/sys/class/net/eth0/queues/tx-${queue}/xps_cpus`, 'utf8').trim(),
    affinity: (irq = 26) => readFileSync(`${root}/proc/irq/${irq}/smp_affinity_list`, 'utf8').trim(),
    runIrqbalance: () => {
      mkdirSync(`${root}/proc/812`)
      for (const [path, text] of Object.entries(processFiles(812, 'irqbalance')))
        writeFileSync(`${root}${path}`, text)
    },
    tell: () => told.splice(0),
    /** After the next write. */
    whenItWrites: (what: () => void) => {
      atWrite = () => {
        atWrite = () => {}
        what()
      }
    },
    beforeLook,
  }
}

function clockOf(clock: { readonly now: number }): Clock {
  return { wall: () => clock.now, uptime: () => clock.now }
}

describe('Tuner', () => {
  it('tells of a NIC that went while its channels were set, and calls it no fault', async () => {
    const { pass, setChannels, root, whenItWrites, tell } = setUp()
    await pass()
    setChannels(2)
    whenItWrites(() => renameSync(`${root}/sys/class/net/eth0`, `${root}/unplugged`))
    await pass()
    const told = tell()
    expect(told.filter((line) => line.startsWith('nic-removed'))).toEqual([
      expect.stringMatching(/ accepted$/),
    ])
    expect(told.filter((line) => line.startsWith('trouble'))).toEqual([])
    await pass()
    expect(tell()).toEqual([])
  })

  it('asks ethtool once for each NIC, and then starts no program and writes no file', async () => {
    const { pass, calls, system, tell } = setUp()
    expect((await pass()).missing).toEqual([])
    const written = statSync(statePath(system)).mtimeMs
    const recorded = statSync(ledgerPath(system)).mtimeMs
    for (let i = 0; i < 5; i++) await pass()
    expect(calls()).toEqual(['-l eth0'])
    expect(statSync(statePath(system)).mtimeMs).toBe(written)
    expect(statSync(ledgerPath(system)).mtimeMs).toBe(recorded)
    expect(tell()).toEqual([])
  })

  it('repairs channels with two programs: one for the lock, and ethtool -L', async () => {
    const { pass, newTuner, root, system, setChannels, channels } = setUp()
    for (let i = 0; i <= 8; i++) {
      mkdirSync(`${root}/sys/devices/pci0000:00/0000:00:00.0/msi_irqs`, { recursive: true })
      writeFileSync(`${root}/sys/devices/pci0000:00/0000:00:00.0/msi_irqs/${24 + i}`, 'msix\n')
    }
    mkdirSync(`${root}/proc/net`)
    writeFileSync(`${root}/proc/net/route`, 'Iface\tDestination\n')
    const programs: string[] = []
    const trace = traced(openSystem(root), (line) => {
      const program = /^run (\S+\/)?(.*): exit 0/.exec(line)?.[2]
      if (program !== undefined) programs.push(program)
    })
    Object.assign(system, { trace: trace.trace, run: trace.run })
    const tuner = newTuner()
    await pass(tuner)
    // For the record of what the boot gave.
    expect(programs.splice(0)).toEqual(['flock -x -w 10 -E 75 3'])
    setChannels(2)
    await pass(tuner)
    expect(channels()).toBe(4)
    expect(programs).toEqual(['flock -x -w 10 -E 75 3', 'ethtool -L eth0 combined 4'])
  })

  it('repairs channels and affinity and records both', async () => {
    const { pass, setChannels, channels, setAffinity, affinity, system, tell } = setUp()
    await pass()
    setChannels(2)
    await pass()
    expect(channels()).toBe(4)
    setAffinity('3')
    await pass()
    expect(affinity()).toBe('1')
    expect(tell()).toEqual(['channels unknown repaired', 'irq-affinity unknown repaired'])
    expect(readHistory(system).records.map(({ kind, old, new: now }) => [kind, old, now])).toEqual([
      ['channels', '4', '2'],
      ['irq-affinity', 'queue 1 rx CPU 1', 'queue 1 rx CPU 3'],
    ])
  })

  describe('what others change during a pass is repaired, and told as well', () => {
    it('between its look and the one that is planned for', async () => {
      const { pass, setAffinity, affinity, beforeLook, system, tell } = setUp()
      await pass()
      // The pass's own, and the one that finds that the lock is needed.
      beforeLook(2, () => setAffinity('3'))
      await pass()
      expect(affinity()).toBe('1')
      expect(tell()).toEqual(['irq-affinity unknown repaired'])
      expect(readHistory(system).records.at(-1)).toMatchObject({
        old: 'queue 1 rx CPU 1',
        new: 'queue 1 rx CPU 3',
      })
      await pass()
      expect(tell()).toEqual([])
    })

    it('while it writes something else, on the same NIC or another', async () => {
      const { pass, setAffinity, affinity, setXps, xps, setChannels, whenItWrites, tell } = setUp(
        'reassert',
        ['eth1'],
      )
      await pass()
      setAffinity('3')
      whenItWrites(() => setXps(2, 'f'))
      await pass()
      expect([affinity(), xps(2)]).toEqual(['1', '4'])
      expect(tell()).toEqual(['irq-affinity unknown repaired', 'xps unknown repaired'])
      setChannels(2)
      whenItWrites(() => {
        setAffinity('3')
        setAffinity('3', 34)
      })
      await pass()
      // With the channels of eth0 the kernel wrote its affinity: who else did cannot be known. That of eth1 is another matter.
      expect(tell()).toEqual(['channels unknown repaired', 'irq-affinity unknown repaired'])
      expect([affinity(), affinity(34)]).toEqual(['1', '1'])
    })

    it('and counts as a reversal: yield gives way to it', async () => {
      const { pass, setAffinity, affinity, beforeLook, tell } = setUp('yield')
      await pass()
      beforeLook(2, () => setAffinity('3'))
      await pass()
      expect(affinity()).toBe('3')
      expect(tell()).toEqual(['irq-affinity unknown yielded'])
    })

    it('into the desired set, it is no drift', async () => {
      const { pass, setAffinity, beforeLook, tell } = setUp('report')
      await pass()
      setAffinity('3')
      await pass()
      expect(tell()).toEqual(['irq-affinity unknown reported'])
      beforeLook(2, () => setAffinity('1'))
      await pass()
      expect(tell()).toEqual([])
      await pass()
      setAffinity('2')
      await pass()
      expect(tell()).toEqual(['irq-affinity unknown reported'])
    })

    it('is not told where its own write did not stay', async () => {
      const { pass, setAffinity, affinity, whenItWrites, tell } = setUp()
      await pass()
      setAffinity('3')
      const again = (): void => {
        setAffinity('3')
        whenItWrites(again)
      }
      whenItWrites(again)
      await pass()
      expect(affinity()).toBe('3')
      expect(tell()).toEqual([
        'trouble reconcile: eth0: queue 1 rx IRQ 26 did not persist after 3 writes: another program is changing it',
        'irq-affinity unknown failed',
      ])
    })
  })

  it('stops after three reversals, says so once with the rival, and comes back after the back-off', async () => {
    const { pass, setAffinity, affinity, runIrqbalance, clock, tell } = setUp()
    runIrqbalance()
    await pass()
    for (let i = 0; i < 3; i++) {
      setAffinity('3')
      await pass()
    }
    expect(affinity()).toBe('3')
    expect(tell()).toEqual([
      'irq-affinity irqbalance repaired',
      'irq-affinity irqbalance repaired',
      'fight eth0 irqbalance 3600',
      'irq-affinity irqbalance backed-off',
    ])
    for (const cpu of ['0', '2', '3']) {
      setAffinity(cpu)
      const { againMs, skips } = await pass()
      expect(againMs).toBe(3_600_100)
      expect(skips[0]?.why).toMatch(/^conflict with irqbalance: backed off until 2027-/)
    }
    expect(tell()).toEqual([])
    clock.now += 3_600_001
    await pass()
    expect(affinity()).toBe('1')
    for (let i = 0; i < 3; i++) {
      setAffinity('3')
      await pass()
    }
    expect(tell()).toContain('fight eth0 irqbalance 7200')
  })

  it('remembers a fight and the last look over a restart', async () => {
    const { pass, setAffinity, newTuner, affinity, setChannels, channels, tell } = setUp()
    await pass()
    setChannels(2)
    await pass(newTuner())
    expect(channels()).toBe(4)
    expect(tell()).toEqual(['channels unknown repaired'])
    for (let i = 0; i < 2; i++) {
      setAffinity('3')
      await pass(newTuner())
    }
    expect(tell().at(-1)).toBe('irq-affinity unknown backed-off')
    await pass(newTuner())
    expect(affinity()).toBe('3')
  })

  it('yield: leaves the NIC alone until an administrator applies', async () => {
    const { pass, setChannels, channels, settings, system, clock, tell } = setUp('yield')
    clock.now = Date.now() - 60_000
    await pass()
    for (const count of [2, 3]) {
      setChannels(count)
      await pass()
    }
    expect(channels()).toBe(3)
    expect(tell()).toEqual(['channels unknown yielded'])
    await converge(system, applyOperation(system, settings, { respectHolds: false }))
    await pass()
    setChannels(2)
    await pass()
    expect(tell()).toEqual(['channels vqtune accepted', 'channels unknown yielded'])
  })

  it('report: watches again once the NIC is as desired', async () => {
    const { pass, setChannels, channels, tell } = setUp('report')
    await pass()
    setChannels(2)
    await pass()
    await pass()
    expect(channels()).toBe(2)
    expect(tell()).toEqual(['channels unknown reported'])
    setChannels(4)
    await pass()
    setChannels(3)
    await pass()
    expect(tell().at(-1)).toBe('channels unknown reported')
  })

  it('does not touch what was rolled back, and knows that it was vqtune', async () => {
    const { pass, setAffinity, system, clock, affinity, tell } = setUp()
    clock.now = Date.now() - 60_000
    setAffinity('3')
    await pass()
    expect(affinity()).toBe('1')
    await converge(system, rollbackOperation(system, undefined))
    expect(affinity()).toBe('3')
    const { skips } = await pass()
    expect(affinity()).toBe('3')
    expect(tell()).toEqual(['irq-affinity vqtune accepted'])
    expect(skips[0]?.code).toBe('held')
  })

  it('knows what boot gave, so that a rollback does not restore what drift has left', async () => {
    const { pass, setChannels, channels, system, newTuner } = setUp()
    await pass()
    // Neither a restart nor a rollback forgets it.
    for (const daemon of [newTuner(), newTuner()]) {
      setChannels(2)
      await converge(system, applyOperation(system, DEFAULT_SETTINGS, { respectHolds: false }))
      expect(channels()).toBe(4)
      await converge(system, rollbackOperation(system, undefined))
      await pass(daemon)
      expect(channels()).toBe(4)
    }
  })

  it('leaves a NIC alone that udev has not named, but not for ever', async () => {
    const { pass, setChannels, channels, root, clock, settings, system } = setUp()
    mkdirSync(`${root}/run/udev/data`, { recursive: true })
    setChannels(2)
    const { skips, againMs } = await pass()
    expect([skips.map(({ code }) => code), channels(), againMs]).toEqual([['unnamed'], 2, 250])
    clock.now += settings.boot.waitMs
    // The first look at what the new queues receive.
    expect((await pass()).againMs).toBe(10_000)
    expect(channels()).toBe(4)
    expect(isNamedByUdev(system, 2)).toBe(false)
  })

  it('tunes a NIC as soon as udev has named it', async () => {
    const { pass, setChannels, channels, root, clock } = setUp()
    mkdirSync(`${root}/run/udev/data`, { recursive: true })
    setChannels(2)
    await pass()
    clock.now += 250
    writeFileSync(`${root}/run/udev/data/n2`, '')
    // The first look at what the new queues receive.
    expect((await pass()).againMs).toBe(10_000)
    expect(channels()).toBe(4)
  })

  it('tells other processes what it has suspended, until the policy is another one', async () => {
    const { pass, setChannels, channels, settings, system, clock, newTuner } = setUp('yield')
    const unattended = async (using: Settings) => {
      const suspended = (guest: ObservedGuest) => suspensionsOf(system, using, guest, clockOf(clock))
      return converge(system, applyOperation(system, using, { respectHolds: true, suspended }))
    }
    await pass()
    setChannels(2)
    await pass()
    expect((await unattended(settings)).skips).toMatchObject([{ nic: 'eth0', code: 'yielded' }])
    const other: Settings = {
      ...settings,
      rules: [{ match: {}, settings: { onConflict: 'reassert' }, source: 'test' }],
    }
    // A restart with the same policy, and one with another.
    expect((await newTuner().run(settings)).suspended).toHaveLength(1)
    expect(channels()).toBe(2)
    expect((await newTuner().run(other)).suspended).toEqual([])
    expect(channels()).toBe(4)
    setChannels(2)
    expect((await unattended(other)).skips).toEqual([])
    expect(channels()).toBe(4)
  })

  it('goes on as soon as an administrator applies, although the other writer is still at it', async () => {
    const { pass, setAffinity, affinity, settings, system, clock, tuner } = setUp()
    clock.now = uptimeMs() - 60_000
    await pass()
    for (let i = 0; i < 3; i++) {
      setAffinity('3')
      await pass()
    }
    expect([affinity(), (await pass()).suspended.length]).toEqual(['3', 1])
    expect(tuner.hasNewLedger).toBe(false)
    const suspended = (guest: ObservedGuest) => suspensionsOf(system, settings, guest, clockOf(clock))
    await converge(system, applyOperation(system, settings, { respectHolds: false, suspended }))
    expect(affinity()).toBe('1')
    setAffinity('3')
    expect(tuner.hasNewLedger).toBe(true)
    expect((await pass()).suspended).toEqual([])
    expect(affinity()).toBe('1')
  })

  it('keeps a suspension of a NIC that is out of view', async () => {
    const { pass, setChannels, channels, root } = setUp('yield')
    await pass()
    setChannels(2)
    await pass()
    const there = `${root}/sys/class/net/eth0`
    renameSync(there, `${root}/away`)
    await pass()
    renameSync(`${root}/away`, there)
    expect((await pass()).suspended).toHaveLength(1)
    expect(channels()).toBe(2)
  })

  it('goes on with affinity when ethtool is missing, and says what is missing', async () => {
    const { pass, root, setAffinity, affinity, tell } = setUp()
    renameSync(`${root}/usr/sbin/ethtool`, `${root}/ethtool.away`)
    setAffinity('3')
    await pass()
    expect(affinity()).toBe('1')
    expect(new Set(tell())).toEqual(
      new Set([
        'trouble ethtool: eth0: the maximum of the host is unknown: ethtool is not installed (looked in /usr/sbin, /usr/bin, /sbin, /bin)',
      ]),
    )
  })

  it('counts it as failing when channels are missing and ethtool does not tell how many there may be', async () => {
    const { pass, tree, root, settings, newTuner, setChannels, calls, channels, tell } = setUp('reassert', [
      'eth1',
    ])
    setChannels(2)
    tree.break('eth0', 'netlink error: Input/output error')
    const tuner = newTuner()
    const waits: (number | undefined)[] = []
    for (let i = 0; i < 3; i++) {
      const result = await pass(tuner)
      waits.push(result.againMs)
      expect(result.skips).toEqual([expect.objectContaining({ nic: 'eth0', code: 'unknown-maximum' })])
      const families = guestFamilies(result, settings, {
        sources: new Map(),
        configValid: true,
        startedAt: 0,
      })
      expect(renderMetrics(families)).toContain('vqtune_nic_skipped{nic="eth0",reason="unknown-maximum"} 1\n')
    }
    expect(waits).toEqual([5_000, 10_000, 20_000])
    const trouble =
      'trouble reconcile: eth0: the maximum of the host is unknown: ethtool -l failed: Input/output error'
    expect(tell()).toEqual([trouble, trouble, trouble])
    // Once for each pass, however often that looks.
    expect(calls().filter((call) => call === '-l eth0')).toHaveLength(3)
    rmSync(`${root}/break.eth0`)
    // The raised queues' counters are read again then.
    expect(await pass(tuner)).toMatchObject({ againMs: 10_000, skips: [] })
    expect(channels()).toBe(4)
  })

  it('tries again after a failure, less and less often', async () => {
    const { pass, tree, setChannels, tell } = setUp()
    await pass()
    setChannels(2)
    tree.refuse('eth0', 'netlink error: Invalid argument')
    const waits: (number | undefined)[] = []
    for (let i = 0; i < 3; i++) waits.push((await pass()).againMs)
    expect(waits).toEqual([5_000, 10_000, 20_000])
    expect(tell()[0]).toBe('trouble reconcile: eth0: channels 2 -> 4 refused by the kernel: Invalid argument')
  })

  it('goes on without history and state when the disk takes none', async () => {
    const { pass, root, setChannels, channels, tell } = setUp()
    await pass()
    rmSync(`${root}/var`, { recursive: true, force: true })
    writeFileSync(`${root}/var`, 'in the way')
    setChannels(2)
    await pass()
    expect(channels()).toBe(4)
    expect(tell()).toContain(
      'trouble history: /var/lib/vqtune/drift.jsonl: cannot write the drift history (ENOTDIR)',
    )
  })

  it.each(['{"version":1,', '{"version":1,"at":"T","last":{},"conflicts":[]}'])(
    'sets a state file aside that it cannot use (%s), and says so once',
    async (text) => {
      const { pass, system, newTuner, setChannels, channels, tell } = setUp()
      await pass()
      writeFileSync(statePath(system), text)
      setChannels(2)
      await pass(newTuner())
      expect(channels()).toBe(4)
      const told = tell()
      expect(told.filter((line) => line.startsWith('trouble state:'))).toEqual([
        `trouble state: /run/vqtune/daemon.json: damaged, or of another version of vqtune; set aside: changes made before now are not reported`,
      ])
    },
  )
})
