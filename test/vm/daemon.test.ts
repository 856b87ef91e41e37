/** The daemon in a real guest: drift repaired and recorded, fights given up, sources supervised, reload, kill -9. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { DriftRecord } from '../../src/drift/history'
import { Guest } from './lib/guest'
import { waitUntil } from './lib/wait'

const CONFIG = '/etc/vqtune/vqtune.toml'
const FAST = `
[daemon]
check-cron = "* * * * *"
jitter-seconds = 0
conflict-reversals = 4
conflict-window-seconds = 3600
conflict-backoff-seconds = 3600
`
/** Emulated guests on a busy machine: a condition that holds is seen sooner. */
const PATIENCE_MS = 90_000

let guest: Guest
let nic: string

beforeAll(async () => {
  guest = await Guest.boot({ kernel: '6.12', cpus: 4, nics: [{ queues: 4 }], vqtune: 'dist/vqtune.cjs' })
  nic = await guest.nicName(0)
  await guest.writeFile(CONFIG, FAST)
  await startDaemon()
})
afterAll(() => guest?.dispose())

/** As the unit does, but without its sandbox, which is the packaging test's. */
async function startDaemon(): Promise<void> {
  await guest.run(
    [
      'systemd-run',
      '--unit=vqtuned-test',
      '--property=Type=notify',
      '--property=NotifyAccess=all',
      '--property=ExecReload=/bin/kill -HUP $MAINPID',
      '--property=SyslogIdentifier=vqtune',
      '--property=WatchdogSec=1800',
      '--property=Restart=on-failure',
      '--property=TimeoutStartSec=120',
      '/usr/local/bin/vqtune',
      'daemon',
    ],
    { timeoutMs: 150_000 },
  )
}

async function channels(): Promise<number> {
  const names = await guest.run(['ls', `/sys/class/net/${nic}/queues`])
  return [...names.matchAll(/^tx-/gm)].length
}

async function history(): Promise<readonly DriftRecord[]> {
  const { drift } = JSON.parse(await guest.run(['vqtune', 'drift', '--json'])) as { drift: DriftRecord[] }
  return drift
}

async function log(): Promise<string> {
  return guest.journal(['-t', 'vqtune', '-o', 'cat'])
}

/** The records of a kind that came after so many. */
async function newRecord(known: number, kind: DriftRecord['kind']): Promise<DriftRecord> {
  let found: DriftRecord | undefined
  await waitUntil(`a drift record of kind ${kind}`, PATIENCE_MS, async () => {
    found = (await history()).slice(known).find((record) => record.kind === kind)
    return found !== undefined
  })
  return found as DriftRecord
}

async function rxIrq(queue: number): Promise<string> {
  const line = (await guest.readFile('/proc/interrupts'))
    .split('\n')
    .find((text) => text.endsWith(`-input.${queue}`))
  return String(line).trim().split(':')[0] as string
}

function affinity(irq: string): Promise<string> {
  return guest.readFile(`/proc/irq/${irq}/smp_affinity_list`)
}

async function pidsOf(pattern: string): Promise<string[]> {
  const { stdout } = await guest.exec(['pgrep', '-f', pattern])
  return stdout.split('\n').filter((pid) => pid !== '')
}

describe('vqtune daemon', () => {
  test('is ready, says so in one line, and runs nothing but its two monitors', async () => {
    expect(await guest.run(['systemctl', 'show', '-P', 'StatusText', 'vqtuned-test'])).toContain(
      '1 NIC, 4 vCPUs; as desired',
    )
    await waitUntil('two monitors', PATIENCE_MS, async () => {
      const tree = await guest.run(['systemctl', 'status', '--no-pager', '--lines=0', 'vqtuned-test'])
      return /udevadm monitor/.test(tree) && /ethtool --monitor/.test(tree) && !/systemd-notify/.test(tree)
    })
  })

  test('repairs channels at once; who ran ethtool cannot be known and is not guessed', async () => {
    const known = (await history()).length
    await guest.run(['ethtool', '-L', nic, 'combined', '2'])
    const record = await newRecord(known, 'channels')
    expect(record).toMatchObject({ nic, old: '4', new: '2', writer: 'unknown', action: 'repaired' })
    expect(await channels()).toBe(4)
  })

  test('repairs IRQ affinity, which sends no event, without waiting for the periodic check', async () => {
    const known = (await history()).length
    const irq = await rxIrq(1)
    await guest.writeFile(`/proc/irq/${irq}/smp_affinity_list`, '3')
    const record = await newRecord(known, 'irq-affinity')
    expect(record).toMatchObject({ nic, new: 'queue 1 rx CPU 3', writer: 'unknown', action: 'repaired' })
    expect(await affinity(irq)).toBe('1')
  })

  test('follows vCPUs that go and come', async () => {
    const known = (await history()).length
    await guest.setCpuOnline(3, false)
    await waitUntil('three channels', PATIENCE_MS, async () => (await channels()) === 3)
    expect(await newRecord(known, 'vcpus')).toMatchObject({
      nic: null,
      old: '0-3',
      new: '0-2',
      action: 'repaired',
    })
    await guest.setCpuOnline(3, true)
    await waitUntil('four channels', PATIENCE_MS, async () => (await channels()) === 4)
  })

  test('an administrator who rolls back is not fought with', async () => {
    const known = (await history()).length
    await guest.run(['vqtune', 'rollback'])
    await guest.run(['ethtool', '-L', nic, 'combined', '3'])
    const record = await newRecord(known, 'channels')
    expect(record).toMatchObject({ action: 'accepted' })
    expect(await channels()).toBe(3)
    await guest.run(['vqtune', 'apply'])
    await waitUntil('four channels', PATIENCE_MS, async () => (await channels()) === 4)
  })

  test('a broken configuration keeps the old one and says where it is wrong', async () => {
    await guest.writeFile(CONFIG, `${FAST}debounce-ms = "soon"\n`)
    await guest.run(['systemctl', 'reload', 'vqtuned-test'])
    await waitUntil('the refusal', PATIENCE_MS, async () =>
      /configuration not taken, the old one stays: .*vqtune.toml:\d+/.test(await log()),
    )
    await guest.run(['ethtool', '-L', nic, 'combined', '1'])
    await waitUntil('four channels', PATIENCE_MS, async () => (await channels()) === 4)
    await guest.writeFile(CONFIG, FAST)
    await guest.run(['systemctl', 'reload', 'vqtuned-test'])
    await waitUntil('the new one', PATIENCE_MS, async () => /configuration read again/.test(await log()))
  })

  test('monitors that are killed are told once and started again', async () => {
    const before = await pidsOf('udevadm monitor')
    expect(before.length).toBeGreaterThan(0)
    await guest.run(['kill', '-9', ...before, ...(await pidsOf('ethtool --monitor'))])
    await waitUntil('both to be back', PATIENCE_MS, async () => {
      const text = await log()
      return /events from udev again/.test(text) && /events from ethtool again/.test(text)
    })
    expect((await log()).match(/no events from udev:/g)).toHaveLength(1)
    await guest.run(['ethtool', '-L', nic, 'combined', '2'])
    await waitUntil('four channels', PATIENCE_MS, async () => (await channels()) === 4)
  })

  test('kill -9 with a change meanwhile: the next one knows what was and repairs it', async () => {
    await waitUntil('state to be written', PATIENCE_MS, async () =>
      (await guest.readFile('/run/vqtune/daemon.json')).includes('"channels":4'),
    )
    const known = (await history()).length
    // systemd starts it again; that takes longer than ethtool does.
    await guest.shell(`systemctl kill -s KILL --kill-whom=all vqtuned-test; ethtool -L ${nic} combined 2`)
    await waitUntil('four channels', PATIENCE_MS, async () => (await channels()) === 4)
    expect(await guest.run(['systemctl', 'show', '-P', 'NRestarts', 'vqtuned-test'])).toBe('1\n')
    expect(await newRecord(known, 'channels')).toMatchObject({ old: '4', new: '2', writer: 'unknown' })
  })

  test('without ethtool it goes on with affinity, and says once what is missing', async () => {
    await guest.run(['mv', '/usr/sbin/ethtool', '/usr/sbin/ethtool.away'])
    await guest.shell('pkill -f "[e]thtool --monitor" || true')
    await waitUntil('the complaint', PATIENCE_MS, async () => /ethtool is not installed/.test(await log()))
    const irq = await rxIrq(2)
    await guest.writeFile(`/proc/irq/${irq}/smp_affinity_list`, '0')
    await waitUntil('the repair', PATIENCE_MS, async () => (await affinity(irq)) === '2')
    await guest.run(['mv', '/usr/sbin/ethtool.away', '/usr/sbin/ethtool'])
  })

  test('irqbalance fights: vqtune stops and names it', async () => {
    await guest.run(['systemctl', 'reload', 'vqtuned-test'])
    await guest.run(['systemctl', 'start', 'irqbalance'])
    await waitUntil(
      'irqbalance',
      PATIENCE_MS,
      async () => (await guest.exec(['pgrep', '-x', 'irqbalance'])).code === 0,
    )
    const irq = await rxIrq(0)
    // irqbalance on an idle guest may leave interrupts where they are: the same writes, by hand, while it runs.
    for (let round = 0; round < 4; round++) {
      if (/reversed its settings/.test(await log())) break
      await guest.writeFile(`/proc/irq/${irq}/smp_affinity_list`, '3')
      await waitUntil('the repair or the end of the fight', PATIENCE_MS, async () => {
        return (await affinity(irq)) === '0' || /reversed its settings/.test(await log())
      })
    }
    await waitUntil('the end of the fight', PATIENCE_MS, async () =>
      /reversed its settings/.test(await log()),
    )
    expect(await log()).toMatch(/irqbalance reversed its settings \d+ times/)
    expect((await log()).match(/reversed its settings/g)).toHaveLength(1)
    expect(await guest.run(['systemctl', 'show', '-P', 'StatusText', 'vqtuned-test'])).toContain('left alone')
  })

  test('ends cleanly, leaves the NIC as it is, and its log has priorities', async () => {
    const before = await channels()
    await guest.run(['systemctl', 'stop', 'vqtuned-test'])
    expect(await channels()).toBe(before)
    expect(await pidsOf('[u]devadm monitor')).toEqual([])
    const entries = (await guest.journal(['-t', 'vqtune', '-o', 'json']))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { PRIORITY: string; MESSAGE: string })
    const fight = entries.find((entry) => entry.MESSAGE.includes('reversed its settings'))
    expect(fight?.PRIORITY).toBe('4')
    expect(JSON.parse(fight?.MESSAGE ?? '')).toMatchObject({ nic, rival: 'irqbalance' })
    const metrics = await guest.readFile('/run/vqtune/vqtune.prom')
    expect(metrics).toContain(`vqtune_nic_channels{nic="${nic}"} 4`)
    expect(metrics).toContain(`vqtune_fights_total{nic="${nic}"} 1`)
  })
})
