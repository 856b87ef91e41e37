/**
 * A tunable by the recipe, from one declaration, in a real guest: planned, applied, verified, recorded, shown, its drift
 * repaired and attributed by the daemon, counted, and rolled back. RPS and RFS, on a NIC that the host limits; ring sizes, set by a
 * program, on a host that allows larger receive rings than QEMU's default; threaded NAPI, in a file of the NIC.
 */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { expectSchema } from '../support/schema'
import { Guest } from './lib/guest'
import { addresses } from './lib/host-network'
import { kernelOf } from './lib/kernels'
import { Vqtuned } from './lib/vqtuned'
import { PATIENCE_MS, waitUntil } from './lib/wait'

const KERNEL = kernelOf('6.12')
/** Elsewhere the driver has no way to resize a ring. */
const RESIZES = KERNEL !== 'rhel8.10'
const SPREAD = '[defaults]\nrps = "spread"\nrfs = "spread"\n'
const CONFIG = `${SPREAD}[daemon]\ncheck-cron = "0 0 1 1 *"\nconflict-reversals = 1000\n`

let guest: Guest
let nic: string
beforeAll(async () => {
  guest = await Guest.boot({
    kernel: KERNEL,
    cpus: 4,
    nics: [{ queues: 2, props: { rx_queue_size: 1024 } }],
    vqtune: 'dist/vqtune.cjs',
  })
  nic = await guest.configureNic(0)
})
afterAll(() => guest?.dispose())

const vqtune = (...args: string[]) => guest.exec(['vqtune', ...args], { timeoutMs: 120_000 })
const file = (queue: number): string => `/sys/class/net/${nic}/queues/rx-${queue}/rps_cpus`
const masks = async (): Promise<string[]> =>
  Promise.all([0, 1].map(async (queue) => (await guest.readFile(file(queue))).trim()))

test('is left alone by default, and told where it is left over', async () => {
  await guest.writeFile(file(1), '1')
  const status = await vqtune('status', '--check')
  expect(status.code).toBe(0)
  expect(status.stdout).toContain(`${nic}: RPS is on for queue 1 (rps_cpus)`)
  expect((await vqtune('apply')).stdout).toContain('nothing to do')
  expect(await masks()).toEqual(['0', '1'])
})

const FLOW_TABLE = '/proc/sys/net/core/rps_sock_flow_entries'
const flowFile = (queue: number): string => `/sys/class/net/${nic}/queues/rx-${queue}/rps_flow_cnt`
const tables = async (): Promise<string[]> =>
  Promise.all([0, 1].map(async (queue) => (await guest.readFile(flowFile(queue))).trim()))

test('is planned, applied, verified, recorded and rolled back; with RFS, whose sysctl is left to the administrator', async () => {
  await guest.writeFile('/etc/vqtune/conf.d/40-rps.toml', SPREAD)
  const plan = await vqtune('plan', '--check')
  expect(plan.code).toBe(3)
  expect(plan.stdout).toContain(`${nic}: queue 0 RPS CPU none -> 1`)
  expect(plan.stdout).toContain(`${nic}: queue 1 RPS CPU 0 -> 3`)
  expect(plan.stdout).not.toContain('queue 0 RFS')
  expect(plan.stdout).toContain('sysctl -w net.core.rps_sock_flow_entries=32768')
  expect([await masks(), await tables()]).toEqual([
    ['0', '1'],
    ['0', '0'],
  ])

  await guest.writeFile(FLOW_TABLE, '30000')
  const applied = await vqtune('apply', '--json')
  expect(applied.code).toBe(0)
  expect(JSON.parse(applied.stdout)).toMatchObject({
    converged: true,
    outcomes: [
      { tunable: 'rps', key: 'queue 0', old: '', new: '1', result: 'done' },
      { tunable: 'rps', key: 'queue 1', old: '0', new: '3', result: 'done' },
      { tunable: 'rfs', key: 'queue 0', old: '0', new: '16384', result: 'done' },
      { tunable: 'rfs', key: 'queue 1', old: '0', new: '16384', result: 'done' },
    ],
  })
  expect(await masks()).toEqual(['2', '8'])
  // The kernel rounds what others write as vqtune does: no drift.
  await guest.writeFile(flowFile(1), '10000')
  expect(await tables()).toEqual(['16384', '16384'])
  expect((await vqtune('status', '--check')).code).toBe(0)
  const ledger = JSON.parse(await guest.readFile('/run/vqtune/ledger.json'))
  expect(ledger.entries).toMatchObject([
    {
      original: {
        rps: { 'queue 0': '', 'queue 1': '0' },
        rfs: { 'queue 0': '0', 'queue 1': '0' },
      },
      applied: {
        rps: { 'queue 0': '1', 'queue 1': '3' },
        rfs: { 'queue 0': '16384', 'queue 1': '16384' },
      },
    },
  ])
  expect((await vqtune('explain', nic)).stdout).toContain('2 RPS masks, 2 RFS tables, at ')

  const back = await vqtune('rollback')
  expect(back.code).toBe(0)
  expect(back.stdout).toContain(`${nic}: queue 1 RPS CPU 3 -> 0`)
  expect([await masks(), await tables()]).toEqual([
    ['0', '1'],
    ['0', '0'],
  ])
  expect((await guest.readFile(FLOW_TABLE)).trim()).toBe('32768')
  expect((await vqtune('apply')).code).toBe(0)
  expect([await masks(), await tables()]).toEqual([
    ['2', '8'],
    ['16384', '16384'],
  ])
})

/** Packets that other vCPUs have sent on to this one (received_rps of /proc/net/softnet_stat). */
const sentTo = async (cpu: number): Promise<number> => {
  const lines = (await guest.readFile('/proc/net/softnet_stat')).trim().split('\n')
  return Number.parseInt((lines[cpu] ?? '').trim().split(/\s+/)[9] ?? '', 16)
}

test('RFS brings packets to the vCPU of their application, without RPS; without RFS nothing is sent on', async () => {
  await Promise.all([0, 1].map((queue) => guest.writeFile(file(queue), '0')))
  // On two vCPUs in turn: one of them may be that of the interrupt.
  const receive = async (): Promise<number> => {
    let sent = 0
    for (const cpu of [2, 3]) {
      await guest.shell(`while pkill -KILL -x iperf3; do sleep 0.1; done; iperf3 -s -D -A ${cpu}`)
      const before = await sentTo(cpu)
      const client = await guest.network.exec(['iperf3', '-c', addresses(0).guest, '-n', '1M', '-P', '2'])
      expect(client.code).toBe(0)
      sent += (await sentTo(cpu)) - before
    }
    return sent
  }
  expect(await receive()).toBeGreaterThan(0)
  await Promise.all([0, 1].map((queue) => guest.writeFile(flowFile(queue), '0')))
  expect(await receive()).toBe(0)
  await guest.shell('pkill -KILL -x iperf3')
  for (const [queue, mask] of ['2', '8'].entries()) {
    await guest.writeFile(file(queue), mask)
    await guest.writeFile(flowFile(queue), '16384')
  }
})

/** As the kernel shows them now. */
const napiAndRings = async () => {
  const [napi, shown] = await Promise.all([
    guest.readFile(`/sys/class/net/${nic}/threaded`),
    guest.run(['ethtool', '-g', nic]),
  ])
  const [, , rx, tx] = [...shown.matchAll(/^[RT]X:\s+(\d+)$/gm)].map(([, size]) => Number(size))
  return { napi: napi.trim(), rx, tx }
}

test('ring sizes and threaded NAPI are planned together, applied, recorded and rolled back', async () => {
  const before = { napi: '0', rx: 1024, tx: 256 }
  const wanted = RESIZES ? { napi: '1', rx: 512, tx: 256 } : { ...before, napi: '1' }
  expect(await napiAndRings()).toEqual(before)
  await guest.writeFile(
    '/etc/vqtune/conf.d/41-napi.toml',
    '[defaults]\nthreaded-napi = "on"\nrx-ring = 512\ntx-ring = "max"\n',
  )
  const plan = await vqtune('plan', '--check')
  expect(plan.code).toBe(3)
  expect(plan.stdout).toContain(`${nic}: threaded NAPI off -> on`)
  expect(plan.stdout.includes(`${nic}: rx ring 1024 -> 512`)).toBe(RESIZES)
  expect(plan.stdout.includes('VIRTIO_F_RING_RESET')).toBe(!RESIZES)
  expect(await napiAndRings()).toEqual(before)

  const napi = { tunable: 'threaded-napi', key: 'threaded', old: 'off', new: 'on', result: 'done' }
  const ring = { tunable: 'rings', key: 'rx', old: '1024', new: '512', result: 'done' }
  const applied = await vqtune('apply', '--json')
  expect(JSON.parse(applied.stdout)).toMatchObject({
    converged: true,
    outcomes: RESIZES ? [ring, napi] : [napi],
  })
  expect(await napiAndRings()).toEqual(wanted)
  expect((await vqtune('status', '--check')).code).toBe(0)
  const ledger = JSON.parse(await guest.readFile('/run/vqtune/ledger.json'))
  expect(ledger.entries).toMatchObject([
    { original: { rings: { rx: '1024', tx: '256' }, 'threaded-napi': { threaded: 'off' } } },
  ])

  // Of what is kept now, too.
  await guest.run(['mv', '/etc/vqtune/conf.d/41-napi.toml', '/root/'])
  expect((await vqtune('rollback')).code).toBe(0)
  expect(await napiAndRings()).toEqual(before)
  await guest.run(['mv', '/root/41-napi.toml', '/etc/vqtune/conf.d/'])
  expect((await vqtune('apply')).code).toBe(0)
  expect(await napiAndRings()).toEqual(wanted)
})

test('a trial compares every combination of them, and leaves the NIC as it was', async () => {
  const before = { masks: await masks(), ...(await napiAndRings()) }
  const vary = [...(RESIZES ? ['rings'] : []), 'rps', 'threaded-napi']
  await guest.writeFile(
    '/root/look.sh',
    `#!/bin/sh
n=/sys/class/net/${nic}
echo "$(cat $n/queues/rx-0/rps_cpus) $(cat $n/threaded) $(ethtool -g ${nic} | sed -n 's/^RX:[^0-9]*//p' | tail -1)" >>/root/seen
`,
    '0755',
  )
  const trial = await guest.exec(
    ['vqtune', 'trial', '--vary', vary.join(), '--rounds', '1', '--json', nic, '--', '/root/look.sh'],
    { timeoutMs: 300_000 },
  )
  expect(trial.stderr).toContain(`1 round: too few for a result with ${2 ** vary.length} combinations`)
  const answer = JSON.parse(trial.stdout)
  expectSchema('trial', answer)
  expect(answer).toMatchObject({ verdict: 'inconclusive', metric: 'runs', rounds: 1, written: null })
  const present: string[] = answer.presentSettings.map(
    ({ key, value }: Record<string, string>) => `${key} ${value}`,
  )
  const sizesNow = RESIZES ? ['rx-ring 512', 'tx-ring 256'] : []
  expect(present).toEqual([...sizesNow, 'rps spread', 'threaded-napi on'])
  const seen = (await guest.readFile('/root/seen')).trim().split('\n')
  const sizes = RESIZES ? [512, 1024] : [1024]
  const combinations = ['0', '2'].flatMap((mask) =>
    ['0', '1'].flatMap((napi) => sizes.map((rx) => `${mask} ${napi} ${rx}`)),
  )
  expect(seen.sort()).toEqual(combinations.sort())
  expect({ masks: await masks(), ...(await napiAndRings()) }).toEqual(before)
  expect((await vqtune('status', '--check')).code).toBe(0)
})

test('after kill -9 of a trial apply restores what the configuration leaves alone', async () => {
  await guest.run(['mv', '/etc/vqtune/conf.d', '/root/conf.d'])
  try {
    expect((await vqtune('status', '--check')).code).toBe(0)
    const before = { masks: await masks(), ...(await napiAndRings()) }
    const vary = [...(RESIZES ? ['rings'] : []), 'rps', 'threaded-napi'].join()
    const trial = ['trial', '--vary', vary, '--rounds', '200', '--window', '0.5', nic]
    const pid = Number(await guest.run(['sh', '-c', `vqtune ${trial.join(' ')} >/dev/null 2>&1 & echo $!`]))
    await waitUntil('the trial to vary RPS', PATIENCE_MS, async () => (await masks())[0] !== before.masks[0])
    await guest.run(['kill', '-STOP', String(pid)])
    const varied = { masks: await masks(), ...(await napiAndRings()) }
    await guest.run(['kill', '-KILL', String(pid)])
    await waitUntil('it to be gone', PATIENCE_MS, async () => {
      return (await guest.exec(['test', '-d', `/proc/${pid}`])).code !== 0
    })
    expect({ masks: await masks(), ...(await napiAndRings()) }).toEqual(varied)
    const plan = await vqtune('plan', '--check')
    expect(plan.code).toBe(3)
    expect(plan.stdout).toContain('as it was before a trial that was killed')
    expect((await vqtune('apply')).code).toBe(0)
    expect({ masks: await masks(), ...(await napiAndRings()) }).toEqual(before)
    expect((await vqtune('apply')).stdout).toContain('nothing to do')
  } finally {
    await guest.run(['mv', '/root/conf.d', '/etc/vqtune/conf.d'])
  }
})

test('survives a change of channels, which the kernel does not spread it over; rings and NAPI stay', async () => {
  const before = await napiAndRings()
  await guest.run(['ethtool', '-L', nic, 'combined', '1'])
  await guest.run(['ethtool', '-L', nic, 'combined', '2'])
  expect(await napiAndRings()).toEqual(before)
  expect((await tables())[1]).toBe('0')
  expect((await vqtune('apply')).code).toBe(0)
  expect([await masks(), await tables()]).toEqual([
    ['2', '8'],
    ['16384', '16384'],
  ])
})

test('its drift is repaired at once by the daemon, attributed, counted and told in one line', async () => {
  const daemon = await Vqtuned.start(guest, CONFIG)
  await daemon.sourcesAreUp()
  const known = (await daemon.history()).length
  await guest.writeFile('/root/set_xps_rps.sh', '#!/bin/sh\necho 0 >"$1"\nsleep 30\n', '0755')
  await guest.spawn(['/root/set_xps_rps.sh', file(0)])
  expect(await daemon.newRecord(known, 'rps')).toMatchObject({
    ...{ nic, old: 'queue 0 CPU 1', new: 'queue 0 CPU none', action: 'repaired', writer: 'set_xps_rps.sh' },
  })
  expect(await masks()).toEqual(['2', '8'])
  await daemon.logs('its line', new RegExp(`^${nic}: 1 RPS mask (put back|restored) `, 'm'))
  const metrics = await guest.readFile('/run/vqtune/vqtune.prom')
  expect(metrics).toContain(`vqtune_nic_drift_total{nic="${nic}",kind="rps"} 1`)

  const before = await napiAndRings()
  const further = (await daemon.history()).length
  await guest.writeFile('/root/napi.sh', '#!/bin/sh\necho 0 >"$1"\n', '0755')
  await guest.run(['/root/napi.sh', `/sys/class/net/${nic}/threaded`])
  expect(await daemon.newRecord(further, 'threaded-napi')).toMatchObject({
    ...{ nic, old: 'threaded on', new: 'threaded off', action: 'repaired', writer: 'napi.sh' },
  })
  await guest.writeFile('/root/rfs.sh', '#!/bin/sh\necho 64 >"$1"\n', '0755')
  await guest.run(['/root/rfs.sh', flowFile(1)])
  expect(await daemon.newRecord(further, 'rfs')).toMatchObject({
    ...{ nic, old: 'queue 1 16384', new: 'queue 1 64', action: 'repaired', writer: 'rfs.sh' },
  })
  expect(await tables()).toEqual(['16384', '16384'])
  if (RESIZES) {
    await guest.run(['ethtool', '-G', nic, 'rx', '128'])
    expect(await daemon.newRecord(further, 'rings')).toMatchObject({
      ...{ nic, old: 'rx 512', new: 'rx 128', action: 'repaired', writer: 'ethtool' },
    })
  }
  expect(await napiAndRings()).toEqual(before)
})
