/**
 * Each directory here is one story: `scenario.json` names a captured guest and says what happened; the other files hold
 * what must come of it: desired.json, plan.json (all rounds until nothing is missing) and revert.json (the way back).
 * VQTUNE_UPDATE=1 writes them anew, for review.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { loadSettings } from '../../src/config/load'
import { formatCpuList } from '../../src/kernel/cpulist'
import type { ObservedGuest, Step } from '../../src/model'
import { stepsJson } from '../../src/output/json'
import { entryOf, withOriginals } from '../../src/planner/ledger'
import { observeGuest } from '../../src/planner/observe'
import { observeAll, planRestore } from '../../src/planner/operations'
import { planGuest, skipsOf, stepsOf } from '../../src/planner/plan'
import { guestWith } from '../support/captured-guest'
import { takeStep } from '../support/simulated-kernel'

const HERE = fileURLToPath(new URL('.', import.meta.url))
const MAX_ROUNDS = 4

interface Scenario {
  readonly guest: string
  /** Texts by path of the archive, as if they had been there. */
  readonly files?: Readonly<Record<string, string>>
  /** Its kernel makes a new RSS table when channels change. */
  readonly rssTableFollows?: boolean
}

/** Plans and takes steps until nothing is missing; every round's steps. */
function allRounds(
  start: ObservedGuest,
  tableFollows: boolean | undefined,
  plan: (guest: ObservedGuest) => readonly Step[],
) {
  const rounds: (readonly Step[])[] = []
  let guest = start
  for (let steps = plan(guest); steps.length > 0; steps = plan(guest)) {
    if (rounds.length === MAX_ROUNDS) throw new Error('does not converge')
    rounds.push(steps)
    for (const step of steps) guest = takeStep(guest, step, tableFollows)
  }
  return { rounds, guest }
}

const shown = (rounds: readonly (readonly Step[])[]): object[][] =>
  rounds.map((steps) => stepsJson(steps).map((step) => ({ ...step, file: undefined })))

describe.each(readdirSync(HERE).filter((name) => existsSync(`${HERE}/${name}/scenario.json`)))(
  '%s',
  (name) => {
    const directory = `${HERE}/${name}`
    const scenario = JSON.parse(readFileSync(`${directory}/scenario.json`, 'utf8')) as Scenario
    const configuration = existsSync(`${directory}/vqtune.toml`) ? `${directory}/vqtune.toml` : undefined

    it('is desired, planned and reverted as written', async () => {
      const system = guestWith(scenario.guest, scenario.files ?? {})
      const settings = await loadSettings(system, configuration)
      const observed = await observeGuest(system, observeAll(system, settings))
      const plans = planGuest(observed, settings)
      const forward = allRounds(observed, scenario.rssTableFollows, (guest) =>
        stepsOf(planGuest(guest, settings)),
      )

      const touched = observed.nics.filter((nic) =>
        forward.rounds.flat().some((step) => step.nic === nic.name),
      )
      const ledger = withOriginals({ version: 2, bootId: '', entries: [] }, observed, touched, '')
      const back = allRounds(forward.guest, scenario.rssTableFollows, (guest) =>
        guest.nics.flatMap((nic) => {
          const original = entryOf(ledger, nic)?.original
          if (original === undefined) return []
          return planRestore(nic, original, guest.cpus.online, 'original value').steps
        }),
      )

      const results = {
        desired: plans.map(({ nic, desired }) => ({
          nic: nic.name,
          idealChannels: desired.idealChannels,
          target: desired.target,
          limitedBy: desired.limitedBy,
          groups: desired.groups.map(({ irq, xps }) =>
            formatCpuList(irq) === formatCpuList(xps)
              ? formatCpuList(irq)
              : `${formatCpuList(irq)} (XPS ${formatCpuList(xps)})`,
          ),
        })),
        plan: { rounds: shown(forward.rounds), skips: skipsOf(plans) },
        revert: { rounds: shown(back.rounds) },
      }
      for (const [file, value] of Object.entries(results)) {
        const path = `${directory}/${file}.json`
        const plain: unknown = JSON.parse(JSON.stringify(value))
        if (process.env.VQTUNE_UPDATE === '1') writeFileSync(path, `${JSON.stringify(plain, undefined, 2)}\n`)
        expect(plain, path).toEqual(JSON.parse(readFileSync(path, 'utf8')))
      }
    })
  },
)
