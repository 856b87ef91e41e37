import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { afterEach, describe, expect, it } from 'vitest'
import { DEFAULT_SETTINGS } from '../../../src/config/settings'
import { UnconfirmedChanges } from '../../../src/confirm/unconfirmed'
import { ledgerPath, readLedger } from '../../../src/planner/ledger'
import { applyOperation, rollbackOperation } from '../../../src/planner/operations'
import { type Convergence, converge, exitCodeOf } from '../../../src/planner/reconcile'
import { takeLock } from '../../../src/system/lock'
import { openSystem } from '../../../src/system/system'
import { traced } from '../../../src/system/trace'
import { type GeneratedNic, type GeneratedTree, generateTree } from '../../support/generated-tree'

const BOOT_ID = '8a9b7c6d-0000-4000-8000-000000000000'
const trees: GeneratedTree[] = []
afterEach(() => {
  for (const tree of trees.splice(0)) tree.remove()
})

function guest(cpus: number, ...nics: GeneratedNic[]) {
  const tree = generateTree(cpus, nics)
  trees.push(tree)
  const system = openSystem(tree.root)
  return {
    tree,
    system,
    apply: (respectHolds = false) =>
      converge(system, applyOperation(system, DEFAULT_SETTINGS, { respectHolds })),
    rollback: () => converge(system, rollbackOperation(system, undefined)),
    calls: () =>
      existsSync(`${tree.root}/calls`) ? readFileSync(`${tree.root}/calls`, 'utf8').trim().split('\n') : [],
    affinity: (irq: number) => readFileSync(`${tree.root}/proc/irq/${irq}/smp_affinity_list`, 'utf8').trim(),
    setAffinity: (irq: number, cpus: string) =>
      writeFileSync(`${tree.root}/proc/irq/${irq}/smp_affinity_list`, cpus),
  }
}

const two = (name: string): GeneratedNic => ({ name, maximum: 4, current: 2, counts: [4] })
const done = (result: Convergence) => result.outcomes.filter((outcome) => outcome.result === 'done').length

describe('apply', () => {
  it('sets channels with one -l and one -L for each NIC, records the originals, and then has nothing to do', async () => {
    const { apply, calls, system } = guest(4, two('eth0'), two('eth1'))
    const result = await apply()
    expect(result.failure).toBeUndefined()
    expect(done(result)).toBe(2)
    expect(calls().sort()).toEqual(['-L eth0 combined 4', '-L eth1 combined 4', '-l eth0', '-l eth1'])
    const [entry] = readLedger(system, BOOT_ID).entries
    expect(entry?.original).toMatchObject({
      channels: { combined: '2' },
      'irq-affinity': {
        ...{ 'queue 0 rx': '0-1', 'queue 0 tx': '0-1' },
        ...{ 'queue 1 rx': '2-3', 'queue 1 tx': '2-3' },
      },
      xps: { 'queue 0': '0-1', 'queue 1': '2-3' },
    })
    expect(entry?.applied?.channels).toEqual({ combined: '4' })

    const again = await apply()
    expect(again.outcomes).toEqual([])
    expect(calls()).toHaveLength(4)
  })

  it('starts no program and takes no lock when converged', async () => {
    const { apply, calls, system } = guest(4, { name: 'eth0', maximum: 4, current: 4, counts: [] })
    expect((await apply()).failure).toBeUndefined()
    expect(calls()).toEqual([])
    expect(existsSync(system.paths.runDir)).toBe(false)
  })

  it('repairs affinity without touching channels', async () => {
    const { apply, affinity, setAffinity, calls } = guest(4, {
      name: 'eth0',
      maximum: 4,
      current: 4,
      counts: [],
    })
    setAffinity(26, '3')
    const result = await apply()
    expect(result.outcomes.map(({ step }) => step)).toEqual([
      expect.objectContaining({ tunable: 'irq-affinity', label: 'queue 1 rx IRQ 26', old: '3', new: '1' }),
    ])
    expect(affinity(26)).toBe('1')
    expect(calls()).toEqual([])
  })

  it('reports a refusal by XDP, AF_XDP or RSS as a skip and tunes the rest', async () => {
    const { apply, tree, affinity, setAffinity } = guest(4, two('eth0'), two('eth1'))
    tree.refuse(
      'eth0',
      'netlink error: requested channel counts are too low for existing zerocopy AF_XDP sockets (offset 36)\n',
    )
    setAffinity(24, '3')
    const result = await apply()
    expect(result.failure).toBeUndefined()
    expect(result.skips).toEqual([
      expect.objectContaining({ nic: 'eth0', tunable: 'channels', code: 'af-xdp' }),
    ])
    expect(result.skips[0]?.why).toContain('existing zerocopy AF_XDP sockets')
    // The layout is made for the two channels that it keeps.
    expect(affinity(24)).toBe('0-1')
    expect(result.guest.nics.map((nic) => nic.channels.current)).toEqual([2, 4])
  })

  it('tunes the other NICs, and affinity of this one, when ethtool does not tell the maximum of one; that is a fault', async () => {
    const { apply, tree, affinity, setAffinity, calls } = guest(4, two('eth0'), two('eth1'))
    tree.break('eth0', 'netlink error: Input/output error')
    setAffinity(24, '3')
    const result = await apply()
    const why = 'the maximum of the host is unknown: ethtool -l failed: Input/output error'
    expect(result.failure).toMatchObject({ kind: 'tool-failed', retryable: true, message: `eth0: ${why}` })
    expect(exitCodeOf(result)).toBe(1)
    expect(result.missing).toEqual([])
    expect(result.skips).toEqual([{ nic: 'eth0', tunable: 'channels', code: 'unknown-maximum', why }])
    expect(result.guest.nics.map((nic) => nic.channels.current)).toEqual([2, 4])
    expect(affinity(24)).toBe('0-1')
    expect(calls().filter((call) => call === '-l eth0')).toHaveLength(1)
    // Nothing is left to write, and it is a fault all the same.
    expect((await apply()).failure?.message).toBe(`eth0: ${why}`)
  })

  it('of one NIC does not ask for another, which cannot be asked', async () => {
    const { system, tree } = guest(4, two('eth0'), two('eth1'))
    tree.break('eth0', 'netlink error: Input/output error')
    const result = await converge(
      system,
      applyOperation(system, DEFAULT_SETTINGS, { nic: 'eth1', respectHolds: false }),
    )
    expect([result.failure, result.skips]).toEqual([undefined, []])
    expect(result.guest.nics.map((nic) => nic.channels.current)).toEqual([2, 4])
  })

  it('needs no maximum of a NIC that has all that it could want', async () => {
    const { apply, tree } = guest(4, { name: 'eth0', maximum: 4, current: 4, counts: [] })
    tree.break('eth0', 'netlink error: Input/output error')
    expect((await apply()).failure).toBeUndefined()
  })

  it('fails on a refusal without a known reason, with the words of the kernel, and says what was done', async () => {
    const { apply, tree } = guest(4, two('eth0'), two('eth1'))
    tree.refuse('eth0', 'netlink error: Invalid argument\n')
    const result = await apply()
    expect(result.failure?.kind).toBe('tool-failed')
    expect(result.failure?.message).toContain('eth0: channels 2 -> 4 refused by the kernel: Invalid argument')
    expect(done(result)).toBe(1)
    expect(result.missing.map((step) => step.nic)).toEqual(['eth0'])
  })

  it('lays out the interrupts of the channels that there are when ethtool fails to set them', async () => {
    const { apply, tree, affinity, setAffinity, calls } = guest(
      4,
      { ...two('eth0'), vectors: true },
      two('eth1'),
    )
    tree.refuse('eth0', 'netlink error: Input/output error')
    setAffinity(24, '3')
    const result = await apply()
    const why = 'channels 2 -> 4 refused by the kernel: Input/output error'
    expect(result.failure).toMatchObject({ kind: 'tool-failed', message: `eth0: ${why}` })
    expect(result.skips).toEqual([
      { nic: 'eth0', tunable: 'channels', code: 'refused', why: `not set: ${why}` },
    ])
    expect(result.missing.map(({ nic, tunable }) => [nic, tunable])).toEqual([['eth0', 'channels']])
    expect(affinity(24)).toBe('0-1')
    expect(calls().filter((call) => call.startsWith('-L eth0'))).toHaveLength(1)
  })

  it('without ethtool lays out the interrupts of the channels that there are', async () => {
    const { apply, tree, affinity, setAffinity } = guest(4, { ...two('eth0'), vectors: true })
    rmSync(`${tree.root}/usr/sbin/ethtool`)
    setAffinity(24, '3')
    const result = await apply()
    expect(result.failure?.message).toMatch(
      /^eth0: the maximum of the host is unknown: ethtool is not installed/,
    )
    expect(affinity(24)).toBe('0-1')
  })

  it('runs ethtool -L for each NIC that changes, one program for the lock, and nothing else', async () => {
    const named = ['eth0', 'eth1', 'eth2', 'eth3'].map((name) => ({ ...two(name), vectors: true }))
    const { system, tree } = guest(4, ...named, {
      name: 'eth4',
      maximum: 4,
      current: 4,
      counts: [],
      vectors: true,
    })
    mkdirSync(`${tree.root}/proc/net`)
    writeFileSync(`${tree.root}/proc/net/route`, 'Iface\tDestination\n')
    const programs: string[] = []
    const told = traced(system, (line) => {
      const program = /^run (\S+\/)?(.*): exit 0/.exec(line)?.[2]
      if (program !== undefined) programs.push(program)
    })
    const changes = new UnconfirmedChanges(told, 10)
    const result = await converge(told, applyOperation(told, DEFAULT_SETTINGS, { respectHolds: true }), {
      beforeChannels: (nics) => changes.observe(nics),
    })
    expect([result.failure, result.missing]).toEqual([undefined, []])
    const sets = named.map(({ name }) => `ethtool -L ${name} combined 4`)
    expect(programs.sort()).toEqual([...sets, 'flock -x -w 10 -E 75 3'])
  })

  it('gives up, bounded, when a write does not stay', async () => {
    const { apply, tree, calls } = guest(4, two('eth0'))
    tree.ignore('eth0')
    const result = await apply()
    expect(result.failure?.kind).toBe('not-converged')
    expect(calls().filter((call) => call.startsWith('-L'))).toHaveLength(3)
  })

  it('stops between writes when aborted', async () => {
    const { system } = guest(4, two('eth0'))
    const result = await converge(system, applyOperation(system, DEFAULT_SETTINGS, { respectHolds: false }), {
      signal: AbortSignal.abort(),
    })
    expect(result.outcomes).toEqual([])
    expect(result.failure?.message).toContain('interrupted with 1 changes not applied, first: eth0: channels')
  })

  it.each([
    ['channels', 2],
    ['channels with affinity of another NIC', 4],
  ])(
    'changes nothing when it is aborted while the gateway is asked, before the first write: %s',
    async (_, current) => {
      const { system, tree, affinity, setAffinity } = guest(4, two('eth0'), {
        name: 'eth1',
        maximum: 4,
        current,
        counts: [2, 4],
      })
      setAffinity(32, '3')
      const before = ['eth0', 'eth1'].map((nic) =>
        readFileSync(`${tree.root}/sys/class/net/${nic}/current`, 'utf8'),
      )
      const abort = new AbortController()
      const result = await converge(
        system,
        applyOperation(system, DEFAULT_SETTINGS, { respectHolds: false }),
        {
          signal: abort.signal,
          beforeChannels: async () => {
            abort.abort()
            return { prepare: (ledger) => ledger, finish: (ledger) => ledger }
          },
        },
      )
      expect(result.outcomes).toEqual([])
      expect(result.failure?.message).toMatch(
        /^interrupted with \d changes not applied, first: eth0: channels$/,
      )
      expect(exitCodeOf(result)).toBe(1)
      expect(affinity(32)).toBe('3')
      expect(
        ['eth0', 'eth1'].map((nic) => readFileSync(`${tree.root}/sys/class/net/${nic}/current`, 'utf8')),
      ).toEqual(before)
    },
  )

  it('changes nothing when the ledger cannot be written', async () => {
    const { system, apply, calls } = guest(4, two('eth0'))
    Object.assign(system, {
      replaceFile: () => {
        throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' })
      },
    })
    await expect(apply()).rejects.toMatchObject({
      kind: 'state',
      message: expect.stringContaining('cannot write the ledger (ENOSPC); nothing was changed'),
    })
    expect(calls()).toEqual(['-l eth0'])
  })

  it('says that the settings are in place when the disk filled up after they were written', async () => {
    const { system, apply } = guest(4, two('eth0'))
    const replaceFile = system.replaceFile.bind(system)
    let writes = 0
    Object.assign(system, {
      replaceFile: (path: string, text: string) => {
        if (++writes > 1)
          throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' })
        replaceFile(path, text)
      },
    })
    const result = await apply()
    expect(done(result)).toBe(1)
    expect(result.missing).toEqual([])
    expect(result.guest.nics[0]?.channels.current).toBe(4)
    expect(result.failure).toMatchObject({
      kind: 'state',
      message: expect.stringMatching(/cannot write the ledger \(ENOSPC\); the settings are in place$/),
    })
    expect(readLedger(system, BOOT_ID).entries[0]?.original?.channels).toEqual({ combined: '2' })
  })

  it('sets a damaged ledger aside, says so, and goes on', async () => {
    const { system, apply } = guest(4, two('eth0'))
    mkdirSync(system.paths.runDir, { recursive: true })
    writeFileSync(ledgerPath(system), '{"version":1,')
    const result = await apply()
    expect(result.failure).toBeUndefined()
    expect(result.notes).toEqual([expect.stringMatching(/ledger.json: invalid JSON: set aside/)])
    expect(readFileSync(`${ledgerPath(system)}.aside`, 'utf8')).toBe('{"version":1,')
    expect(readLedger(system, BOOT_ID).entries[0]?.original).toMatchObject({ channels: { combined: '2' } })
  })

  it('ends with a time limit when ethtool hangs', async () => {
    const { system, tree } = guest(4, two('eth0'))
    tree.slow(30)
    await expect(system.run('ethtool', ['-l', 'eth0'], { timeoutMs: 300 })).rejects.toMatchObject({
      kind: 'timeout',
    })
  })
})

describe('rollback', () => {
  it('restores channels, affinity and XPS, and holds the NIC until an administrator applies', async () => {
    const { apply, rollback, setAffinity, affinity, system } = guest(4, two('eth0'))
    setAffinity(24, '1')
    await apply()
    const back = await rollback()
    expect(back.failure).toBeUndefined()
    expect(back.guest.nics[0]?.channels.current).toBe(2)
    expect(affinity(24)).toBe('1')
    expect(readLedger(system, BOOT_ID).entries).toEqual([expect.objectContaining({ held: true })])

    const unattended = await apply(true)
    expect(unattended.outcomes).toEqual([])
    expect(unattended.skips).toEqual([expect.objectContaining({ code: 'held' })])

    expect(done(await apply())).toBeGreaterThan(0)
    expect(readLedger(system, BOOT_ID).entries[0]?.held).toBeUndefined()
  })

  it('has nothing to do when nothing was changed', async () => {
    const { rollback, system } = guest(4, two('eth0'))
    expect((await rollback()).outcomes).toEqual([])
    expect(existsSync(ledgerPath(system))).toBe(false)
  })

  it('forgets NIC instances that are gone', async () => {
    const { apply, rollback, system, tree } = guest(4, two('eth0'), two('eth1'))
    await apply()
    rmSync(`${tree.root}/sys/class/net/eth1`)
    await rollback()
    expect(readLedger(system, BOOT_ID).entries.find((entry) => entry.name === 'eth0')?.held).toBe(true)
  })
})

it('a user who may not write is told what would be written, and by which command', async () => {
  const { apply, system } = guest(4, two('eth0'))
  const unprivileged = Object.assign(Object.create(system), { mayWrite: false })
  const refused = (operation: Parameters<typeof converge>[1]) =>
    expect(converge(unprivileged, operation)).rejects
  await refused(applyOperation(system, DEFAULT_SETTINGS, { respectHolds: true })).toMatchObject({
    ...{ kind: 'permission', message: 'apply must write 1 settings of eth0: run it as root' },
  })
  await apply()
  await refused(rollbackOperation(system, undefined)).toMatchObject({
    ...{ kind: 'permission', message: 'rollback must write 1 settings of eth0: run it as root' },
  })
})

describe('lock', () => {
  it('lets one process in at a time and names the holder', async () => {
    const { system } = guest(2)
    const first = await takeLock(system, 'apply', 100)
    await expect(takeLock(system, 'rollback', 100)).rejects.toMatchObject({
      kind: 'busy',
      message: expect.stringContaining(
        `timed out after 0.1 s waiting for the lock held by vqtune apply (PID ${process.pid});`,
      ),
    })
    first.release()
    const second = await takeLock(system, 'rollback', 100)
    second.release()
    expect(readFileSync(`${system.paths.runDir}/lock`, 'utf8')).toBe(`${process.pid} rollback\n`)
  })
})
