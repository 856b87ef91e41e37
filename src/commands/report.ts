/** `vqtune report`: measures for a while and shows which conditions for multi-queue are met. Changes nothing. */
import { writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { type DeadQueues, findDeadQueues } from '../confirm/queue-service'
import { EXIT, fileError, VqtuneError } from '../errors'
import { type Activity, queueActivity } from '../kernel/queue-activity'
import type { ObservedNic } from '../model'
import { printJson } from '../output/json'
import { reportText } from '../output/report'
import { usableCpus } from '../planner/target'
import { compareSnapshots } from '../report/compare'
import { conclude } from '../report/conclusions'
import { judgeConditions } from '../report/conditions'
import { reportPage } from '../report/html/page'
import { readInventory } from '../report/inventory'
import type { JudgedNic } from '../report/judged'
import { type NicFacts, readNicFacts } from '../report/nic-facts'
import { readSnapshot, type Snapshot } from '../report/snapshot'
import { laterReading } from '../system/captured-tree'
import { type System, tracedWrite } from '../system/system'
import { paint } from '../text/paint'
import type { CommandContext } from './command'
import { planGuestFor } from './guest-plan'
import { numberOption } from './number-option'

export async function run(context: CommandContext): Promise<number> {
  const { system, options, positionals } = context
  const windowSeconds = numberOption(options, 'window', 10, 1, 3600)
  const named = positionals[0]
  if (named !== undefined && options.all === true) {
    throw new VqtuneError('usage', `report: ${named} or --all, not both`)
  }
  const { settings, guest, plans } = await planGuestFor(context)
  const nics = plans.map(({ nic }) => nic)
  const online = guest.cpus.online
  // A captured tree is of another machine than the one that inspects it.
  const inventory = system.paths.root === '' ? await readInventory() : undefined
  const facts = await readNicFacts(system, nics)
  const from = await readSnapshot(system, nics, online)
  const later = laterReading(system)
  if (later === undefined) await wait(context, windowSeconds)
  const second = await readSnapshot(later?.system ?? system, nics, online)
  const to = later === undefined ? second : { ...second, atMs: from.atMs + later.afterMs }
  const report = compareSnapshots(nics, online, from, to)
  const dead = new Map(
    await Promise.all(nics.map(async (nic) => [nic.name, await deadBetween(system, nic, from, to)] as const)),
  )
  const usable = usableCpus(guest.cpus, settings.isolated).length
  const judged = report.nics.flatMap((load, i): JudgedNic[] => {
    const plan = plans[i]
    if (plan === undefined) return []
    const { nic: observed, desired } = plan
    const proven = dead.get(load.name)
    const input = {
      report,
      nic: load,
      observed,
      desired,
      steps: plan.plan.steps,
      usableCpus: usable,
      flowEntries: guest.flowEntries,
    }
    return [
      {
        ...load,
        conditions: judgeConditions(report, load, usable, proven),
        conclusions: conclude({ ...input, facts: facts.get(load.name) as NicFacts, dead: proven }),
      },
    ]
  })
  if (typeof options.html === 'string') {
    const at = `${new Date().toISOString().slice(0, 19)}Z`
    writePage(system, options.html, reportPage(report, judged, inventory, at))
  }
  if (options.json === true) {
    context.out(printJson({ ...report, nics: judged, inventory: inventory ?? null }))
  } else {
    context.out(reportText(report, judged, inventory, paint(context.color)))
  }
  return EXIT.converged
}

async function deadBetween(
  system: System,
  nic: ObservedNic,
  from: Snapshot,
  to: Snapshot,
): Promise<DeadQueues | undefined> {
  const [before, after] = [from, to].map(({ nics, interrupts }) =>
    queueActivity(nic, nics.get(nic.name)?.queues ?? new Map(), interrupts),
  ) as [Activity, Activity]
  return findDeadQueues(system, nic, before, after, to.atMs - from.atMs)
}

/** One line on standard error that counts down, on a terminal. @throws VqtuneError after a signal */
async function wait({ signal }: CommandContext, seconds: number): Promise<void> {
  const isShown = process.stderr.isTTY === true
  // A terminal that hung up.
  if (isShown) process.stderr.on('error', () => {})
  const end = performance.now() + seconds * 1000
  try {
    for (let left = end - performance.now(); left > 0; left = end - performance.now()) {
      if (isShown) process.stderr.write(`\rmeasuring, ${Math.ceil(left / 1000)} s left   `)
      await sleep(Math.min(1000, left), undefined, { signal })
    }
  } catch (cause) {
    throw new VqtuneError('not-converged', 'report: interrupted', { cause })
  } finally {
    if (isShown) process.stderr.write('\r\x1b[K')
  }
}

function writePage(system: System, file: string, page: string): void {
  try {
    tracedWrite(system, 'replace', file, page, () => writeFileSync(file, page))
  } catch (cause) {
    throw fileError(cause, file, 'cannot write')
  }
}
