import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { afterEach, describe, expect, it } from 'vitest'
import { DEFAULT_SETTINGS } from '../../../src/config/settings'
import { readLedger, withUnconfirmed, writeLedger } from '../../../src/planner/ledger'
import { observeGuest } from '../../../src/planner/observe'
import type { Arm } from '../../../src/trial/arm'
import { runTrial, type TrialOptions } from '../../../src/trial/run'
import { BOOT, gatewayGuest, tearDown } from '../../support/gateway-guest'

afterEach(tearDown)

const ARMS: readonly Arm[] = [1, 4].map((channels) => ({ channels, switches: {} }))

/** A guest with two channels, and a trial of one and four with a command that does nothing. */
async function setUp(options: Partial<TrialOptions> = {}) {
  const made = gatewayGuest('', 2)
  const { root, system } = made
  // Without iproute2 only the carrier can be lost.
  rmSync(`${root}/usr/sbin/ip`)
  mkdirSync(`${root}/proc/net`)
  writeFileSync(`${root}/proc/net/dev`, '  eth0: 1 2 0 0 0 0 0 0 3 4 0 0 0 0 0 0\n')
  writeFileSync(`${root}/proc/stat`, 'cpu  1 2 3 4 5 6 7 8\n')
  const guest = await observeGuest(system, {})
  const [nic] = guest.nics
  if (nic === undefined) throw new Error('no NIC')
  const stop = new AbortController()
  const progress: string[] = []
  const ledger = () => readLedger(system, BOOT)
  const all: TrialOptions = {
    ...{ arms: ARMS, analyses: [{ rounds: 2, level: 0.05 }], isConclusive: () => false, windowMs: 1 },
    ...{ probe: undefined, command: ['true'], signal: stop.signal },
    onProgress: ({ done, most }) => void progress.push(`${done}/${most}`),
    ...options,
  }
  const run = (more: Partial<TrialOptions> = {}) =>
    runTrial(system, DEFAULT_SETTINGS, guest, nic, { ...all, ...more })
  return { ...made, guest, nic, stop, progress, ledger, run }
}

describe('a trial', () => {
  it('measures each arm once in each round, and leaves NIC and ledger as they were', async () => {
    const { run, channels, progress, ledger } = await setUp()
    const runs = await run()
    const rounds = [0, 1].map((round) =>
      runs.filter((one) => one.round === round).map(({ arm }) => arm.channels),
    )
    expect(rounds.map((counts) => counts.sort())).toEqual([
      [1, 4],
      [1, 4],
    ])
    expect(progress).toEqual(['0/4', '1/4', '2/4', '3/4'])
    expect(channels()).toBe(2)
    expect(ledger().entries).toEqual([])
  })

  it('is in the ledger before the first write, with what it has to put back', async () => {
    const seen: unknown[] = []
    const { run, ledger, nic } = await setUp()
    await run({ onProgress: () => void seen.push(ledger().entries[0]) })
    expect(seen[0]).toMatchObject({ ifindex: nic.ifindex, original: { channels: { combined: '2' } } })
    expect(seen[0]).toHaveProperty('trial')
  })

  it('ends as soon as an analysis is conclusive', async () => {
    const { run } = await setUp()
    const analyses = [1, 2, 3].map((rounds) => ({ rounds, level: 0.01 }))
    const runs = await run({ analyses, isConclusive: (_, { rounds }) => rounds === 2 })
    expect(runs.length).toBe(4)
  })

  it('puts the NIC back when it is stopped, or its command fails', async () => {
    const { run, stop, channels, ledger } = await setUp()
    await expect(run({ command: ['false'] })).rejects.toMatchObject({ kind: 'tool-failed' })
    expect([channels(), ledger().entries]).toEqual([2, []])
    await expect(run({ onProgress: () => stop.abort() })).rejects.toThrow()
    expect([channels(), ledger().entries]).toEqual([2, []])
  })

  it('ends when the carrier is lost, with the arm that lost it', async () => {
    const { run, setCarrier, channels } = await setUp()
    const arms = ARMS.slice(0, 1)
    await expect(run({ arms, onProgress: () => setCarrier('0\n') })).rejects.toMatchObject({
      kind: 'not-converged',
      message: 'eth0: stopped at 1 channel: the carrier was lost',
    })
    expect(channels()).toBe(2)
  })

  it('does not begin while channels are unconfirmed', async () => {
    const { run, nic, system, channels, guest } = await setUp()
    const { virtio, ifindex, name, mac } = nic
    const ledger = {
      version: 2 as const,
      bootId: guest.bootId,
      entries: [{ virtio, ifindex, name, mac, at: 'T', original: {} }],
    }
    const until = '2026-01-01T00:00:00Z'
    const watcher = { pid: 1, startTicks: '1' }
    const change = { confirmed: { channels: { combined: '1' } }, carrier: true, until, untilMs: 0, watcher }
    writeLedger(system, withUnconfirmed(ledger, nic, change))
    await expect(run()).rejects.toMatchObject({
      kind: 'busy',
      message:
        'eth0: its channels are unconfirmed until 2026-01-01T00:00:00Z; vqtune apply eth0 verifies them',
    })
    expect(channels()).toBe(2)
  })

  it('tells how to restore the NIC when it could not', async () => {
    const { run, root } = await setUp()
    const arms = ARMS.slice(1)
    const refuse = `echo 'netlink error: Operation not permitted' >${root}/refuse.eth0`
    const command = ['sh', '-c', refuse]
    const analyses = [{ rounds: 1, level: 0.05 }]
    const error = await run({ arms, analyses, command }).catch((reason: unknown) => reason)
    expect(error).toMatchObject({
      message: expect.stringMatching(
        /^eth0: not restored \(channels\): .*not permitted.*; vqtune rollback eth0 restores it$/i,
      ),
    })
  })
})
