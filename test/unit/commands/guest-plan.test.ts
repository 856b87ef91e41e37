import { describe, expect, it } from 'vitest'
import type { CommandContext } from '../../../src/commands/command'
import { planExitCode, planGuestFor } from '../../../src/commands/guest-plan'
import { stepsOf } from '../../../src/planner/plan'
import { capturedGuest, guestWith } from '../../support/captured-guest'
import { commandOn } from '../../support/command-context'

/** With two NICs: the planned ones by name. */
async function planned(of: Partial<CommandContext> = {}, system = capturedGuest('two-nics').system) {
  const { context, warnings } = commandOn(system, of)
  const plan = await planGuestFor(context)
  return { context, warnings, ...plan, names: plan.plans.map(({ nic }) => nic.name) }
}

describe('the plan of a guest', () => {
  it('is of all NICs, or of the one that is named, which is laid out beside the others', async () => {
    const all = await planned()
    expect(all.names).toHaveLength(2)
    const [, second = ''] = all.names
    const one = await planned({ positionals: [second] })
    expect(one.names).toEqual([second])
    expect(one.guest.nics).toHaveLength(2)
    expect(one.plans[0]?.desired).toEqual(all.plans[1]?.desired)
  })

  it('is by the configuration of the guest, or by the file that is named', async () => {
    const off = { '/etc/vqtune/vqtune.toml': '[defaults]\nenabled = false\n' }
    const { plans, settings } = await planned({}, guestWith('two-nics', off))
    expect(plans.flatMap(({ plan }) => plan.skips.map(({ code }) => code))).toEqual(['disabled', 'disabled'])
    expect(settings.sources).toHaveLength(1)
    await expect(planned({ configFile: '/nowhere/vqtune.toml' })).rejects.toMatchObject({ kind: 'config' })
  })

  it('has no NIC that is not there', async () => {
    await expect(planned({ positionals: ['eth99'] })).rejects.toMatchObject({ kind: 'usage' })
  })

  it('leaves a NIC alone that was rolled back, unless it is to be resumed', async () => {
    const { guest } = await planned()
    const [nic] = guest.nics
    if (nic === undefined) throw new Error('no NIC')
    const { virtio, ifindex, name, mac } = nic
    const entry = { virtio, ifindex, name, mac, at: '2026-01-01T00:00:00Z', held: true }
    const ledger = JSON.stringify({ version: 2, bootId: guest.bootId, entries: [entry] })
    const held = guestWith('two-nics', { '/run/vqtune/ledger.json': ledger })
    const codes = async (options: CommandContext['options']) =>
      (await planned({ options }, held)).plans.map(({ plan }) => plan.skips.map(({ code }) => code))
    expect(await codes({})).toEqual([['held'], []])
    expect(await codes({ resume: true })).toEqual([[], []])
  })
})

describe('the exit status of a verb that only plans', () => {
  it('is 3 for drift if that is asked for, and else 0', async () => {
    const drifted = capturedGuest('channels-shrunk-2of4').system
    const { context, plans } = await planned({}, drifted)
    expect(stepsOf(plans).length).toBeGreaterThan(0)
    expect(planExitCode(context, plans)).toBe(0)
    expect(planExitCode({ ...context, options: { check: true } }, plans)).toBe(3)
    expect(planExitCode({ ...context, options: { check: true } }, [])).toBe(0)
  })

  it('is 1 for a NIC that could not be judged, with a warning', async () => {
    const { context, plans, warnings } = await planned({ options: { check: true } })
    const unjudged = plans.map((one) => {
      const skip = {
        nic: one.nic.name,
        tunable: 'channels',
        code: 'unknown-maximum',
        why: 'ethtool fails',
      } as const
      return { ...one, plan: { ...one.plan, skips: [skip] } }
    })
    expect(planExitCode(context, unjudged)).toBe(1)
    expect(warnings).toEqual([`${plans[0]?.nic.name}: ethtool fails`])
  })
})
