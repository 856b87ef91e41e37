/**
 * irqbalance as Debian ships it, started by the boot, and vqtune under its own units: asked to leave the interrupts of the queues
 * alone, under load every queue stays private; a restarted one is asked again; a rollback gives back.
 */
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Guest } from './lib/guest'
import { addresses } from './lib/host-network'
import { bannedIn, sayToIrqbalance, untilIrqbalanceRuns, WITH_IRQBALANCE } from './lib/irqbalance'
import { Nic, shipBoot, Vqtuned } from './lib/vqtuned'
import { PATIENCE_MS, waitUntil } from './lib/wait'

/** No periodic check for a year: what happens, happens because of an event. */
const CONFIG = '[daemon]\ncheck-cron = "0 0 1 1 *"\n'
/** Banned by an administrator, and never given back by vqtune: a number that nothing has. */
const FOREIGN = 5

interface Status {
  readonly nics: readonly {
    readonly queues: readonly {
      readonly private: boolean
      readonly rxIrq: { readonly irq: number }
      readonly txIrq: { readonly irq: number }
    }[]
  }[]
  readonly irqbalance: {
    readonly pid: number
    readonly interrupts: readonly number[]
    readonly problem: string | null
  } | null
  readonly daemon: { readonly suspended: readonly unknown[]; readonly problems: readonly string[] }
}

let guest: Guest
let daemon: Vqtuned
beforeAll(async () => {
  guest = await Guest.boot({
    kernel: '6.12',
    cpus: 4,
    nics: [{ queues: 4 }],
    vqtune: 'dist/vqtune.cjs',
    kernelArgs: WITH_IRQBALANCE,
  })
  await untilIrqbalanceRuns(guest)
  await say(`settings ban irqs ${FOREIGN}`)
  await shipBoot(guest)
  daemon = await Vqtuned.start(guest, CONFIG)
})
afterAll(() => guest?.dispose())

async function status(): Promise<Status> {
  return JSON.parse(await guest.run(['vqtune', 'status', '--json'])) as Status
}

function irqsOf({ nics }: Status): readonly number[] {
  const irqs = nics.flatMap(({ queues }) => queues.flatMap(({ rxIrq, txIrq }) => [rxIrq.irq, txIrq.irq]))
  return irqs.sort((a, b) => a - b)
}

const say = (message: string): Promise<string> => sayToIrqbalance(guest, message)
const banned = (): Promise<readonly number[]> => bannedIn(guest)

async function pid(unit: string): Promise<number> {
  return Number(await guest.run(['systemctl', 'show', '-P', 'MainPID', unit]))
}

async function askedBy(irqbalance: number): Promise<Status> {
  let found = await status()
  await waitUntil('irqbalance to be asked', PATIENCE_MS, async () => {
    found = await status()
    return found.irqbalance?.pid === irqbalance && found.irqbalance.interrupts.length === 8
  })
  return found
}

test('running since the boot, it is asked by the daemon, and what an administrator has banned stays', async () => {
  const now = await askedBy(await pid('irqbalance'))
  expect(now.irqbalance).toEqual({ pid: await pid('irqbalance'), interrupts: irqsOf(now), problem: null })
  expect(await banned()).toEqual([FOREIGN, ...irqsOf(now)])
  expect(await guest.run(['vqtune', 'status'])).toContain('\nirqbalance: asked to leave 8 interrupts alone\n')
  expect(await guest.run(['vqtune', 'explain', await guest.nicName(0)])).toContain(
    'possibly irqbalance (pid ',
  )
})

test('under load every queue stays private, while irqbalance restarts and is asked again', async () => {
  await guest.configureNic(0)
  await guest.run(['iperf3', '-s', '-D'])
  const args = ['iperf3', '-c', addresses(0).guest, '-P', '6', '-t', '30']
  const load = guest.network.exec(args)
  const known = (await daemon.history()).length
  await guest.run(['systemctl', 'restart', 'irqbalance'])
  await askedBy(await pid('irqbalance'))
  await load
  const now = await status()
  expect(now.nics[0]?.queues.map((queue) => queue.private)).toEqual([true, true, true, true])
  expect(now.daemon).toMatchObject({ suspended: [], problems: [] })
  expect(await banned()).toEqual(irqsOf(now))
  const records = (await daemon.history()).slice(known)
  expect(records).toContainEqual(
    expect.objectContaining({
      ...{ kind: 'irqbalance', nic: null, old: '0 interrupts', new: '8 interrupts', action: 'asked' },
      evidence: expect.stringMatching(new RegExp(`^irqbalance \\(pid ${await pid('irqbalance')}\\) `)),
    }),
  )
  expect(records.length).toBeLessThan(5)
  expect(await guest.readFile('/run/vqtune/vqtune.prom')).toContain(
    `vqtune_nic_irqbalance_interrupts{nic="${await guest.nicName(0)}"} 8`,
  )
  expect(await daemon.log()).not.toMatch(/suspended|cannot be asked/)
})

test('a rollback gives back, an apply asks again, and so does the boot unit in its sandbox', async () => {
  const irqs = irqsOf(await status())
  await say(`settings ban irqs ${[FOREIGN, ...irqs].join(' ')}`)
  // Something to roll back.
  const known = (await daemon.history()).length
  await guest.writeFile(await new Nic(guest, await guest.nicName(0)).affinityFile(1), '3')
  const record = await daemon.newRecord(known, 'irq-affinity')
  expect(record.action).toBe('repaired')
  // It was asked to leave it alone, and did.
  expect(record.writer).not.toBe('irqbalance')
  await daemon.systemctl('stop')
  const { stdout } = await guest.exec(['vqtune', 'rollback'])
  expect(stdout).toContain('irqbalance: 8 interrupts given back\n')
  expect(await banned()).toEqual([FOREIGN])
  expect(await guest.exec(['vqtune', 'apply'])).toMatchObject({
    stdout: expect.stringContaining('irqbalance: asked to leave 8 interrupts alone\n'),
    ...{ stderr: '', code: 0 },
  })
  expect(await banned()).toEqual([FOREIGN, ...irqs])
  await guest.run(['vqtune', 'rollback', '--irqbalance'])
  expect(await banned()).toEqual([FOREIGN])
  const { code } = await guest.exec(['systemctl', 'restart', 'vqtune-boot'], { timeoutMs: 120_000 })
  const journal = await guest.journal(['-u', 'vqtune-boot', '-o', 'cat'])
  expect(code, journal).toBe(0)
  expect(journal).toContain('irqbalance: asked to leave 8 interrupts alone')
  expect(await banned()).toEqual([FOREIGN, ...irqs])
})

test('where it cannot be asked: the shipped policy script, and --banmod, mean the same interrupts', async () => {
  const irqs = irqsOf(await status())
  const script = '/usr/libexec/vqtune/irqbalance-policy'
  await guest.writeFile(script, readFileSync('packaging/irqbalance-policy'), '0755')
  await guest.run(['systemctl', 'stop', 'irqbalance'])
  const bannedWith = async (option: string): Promise<readonly number[]> => {
    const { stdout } = await guest.exec(['timeout', '10', 'irqbalance', '--debug', '--oneshot', option], {
      timeoutMs: 120_000,
    })
    return [...stdout.matchAll(/^IRQ (\d+) was BANNED/gm)].map(([, irq]) => Number(irq))
  }
  const byScript = new Set(await bannedWith(`--policyscript=${script}`))
  expect(irqs.filter((irq) => !byScript.has(irq))).toEqual([])
  // Configuration and the queues of this NIC: no disk.
  expect(byScript.size).toBe(irqs.length + 1)
  const byDriver = new Set(await bannedWith('--banmod=virtio-pci'))
  expect(irqs.filter((irq) => !byDriver.has(irq))).toEqual([])
})
