/** What a platform team sees of one guest: the role, node_exporter, a real Prometheus with the shipped rules, the dashboard. */
import { execFileSync, spawn } from 'node:child_process'
import { copyFileSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { buildNoarchRpm, buildProvider, NODE_PROVIDES, SYSTEM_PROVIDES } from '../packaging/rpms'
import { dashboardPanels } from '../support/dashboard'
import { ControlNode } from './lib/control-node'
import { Guest } from './lib/guest'
import { addresses } from './lib/host-network'
import { Prometheus } from './lib/prometheus'
import { PATIENCE_MS, waitUntil } from './lib/wait'

const TEXTFILES = '/var/lib/prometheus/node-exporter'
const CONFIG = '/etc/vqtune/conf.d/50-ansible.toml'
const SOCKET = '/run/vqtune/metrics.sock'
/** On the control node; there the socket is. */
const UNIX_PORT = 9917

let guest: Guest
let nic: string
let control: ControlNode
let prometheus: Prometheus
let variables: Record<string, unknown>

beforeAll(async () => {
  // The small package: to bring 44 MB into an emulated guest and unpack them takes longer than all the rest here.
  const rpm = await buildNoarchRpm()
  const repository = mkdtempSync(join(tmpdir(), 'vqtune-repository-'))
  copyFileSync(rpm, join(repository, basename(rpm)))
  execFileSync('createrepo_c', ['-q', repository])
  const provides = [...SYSTEM_PROVIDES, ...NODE_PROVIDES]
  const provider = await buildProvider('base', provides, `${repository}-build`)
  copyFileSync(provider, join(repository, basename(provider)))

  guest = await Guest.boot({ kernel: '6.12', cpus: 4, nics: [{ queues: 2 }], node: true })
  nic = await guest.configureNic(0)
  await guest.pushDir(repository, '/root/repository')
  // Debian's dnf comes without its directory.
  await guest.shell(
    `rpm -i /root/repository/${basename(provider)}; ln -s /opt/node/node /usr/bin/node; mkdir -p /etc/yum.repos.d`,
    { timeoutMs: 120_000 },
  )
  await guest.writeFile(
    '/etc/default/prometheus-node-exporter',
    `ARGS="--collector.disable-defaults --collector.textfile --collector.textfile.directory=${TEXTFILES}"\n`,
  )
  await guest.run(['systemctl', 'start', 'prometheus-node-exporter'])
  control = await ControlNode.create(guest)
  variables = {
    vqtune_repository_url: 'file:///root/repository',
    vqtune_gpg_check: false,
    vqtune_package: 'vqtune-noarch',
    vqtune_textfile_directory: TEXTFILES,
    vqtune_config: {
      daemon: { 'check-cron': '*/10 * * * * *', 'jitter-seconds': 0 },
      defaults: { 'on-conflict': 'report' },
      guard: { 'commit-confirm-seconds': 0 },
      metrics: { listen: `unix:${SOCKET}` },
    },
  }
})
afterAll(async () => {
  prometheus?.dispose()
  control?.dispose()
  await guest?.dispose()
})

const isInstalled = async (): Promise<boolean> =>
  (await guest.exec(['rpm', '-q', 'vqtune-noarch'])).code === 0
const channels = async (): Promise<number> =>
  Number(await guest.shell(`ls -d /sys/class/net/${nic}/queues/tx-* | wc -l`))

describe('Ansible collection', () => {
  test('installs, configures and starts; NICs and metrics are there', async () => {
    const play = await control.play(variables)
    expect(play, play.text).toMatchObject({ code: 0, failed: 0 })
    // A changed configuration is told to the daemon.
    expect(play.text).toContain('RUNNING HANDLER [vqtune.guest.vqtune : Reload vqtuned]')
    const states = await guest.run(['systemctl', 'is-active', 'vqtuned', 'vqtune-reconcile.path'])
    expect(states).toBe('active\nactive\n')
    const enabled = ['systemctl', 'is-enabled', 'vqtune-boot', 'vqtuned', 'vqtune-reconcile.path']
    expect(await guest.run(enabled)).toBe('enabled\nenabled\nenabled\n')
    expect(await guest.readFile(`${TEXTFILES}/vqtune.prom`)).toContain(`vqtune_nic_channels{nic="${nic}"} 2`)
    expect(await channels()).toBe(2)
  })

  test('a rollout, wave after wave, finds the guest healthy and changes nothing', async () => {
    const play = await control.rollout(variables)
    expect(play, play.text).toMatchObject({ code: 0, failed: 0, changed: 0 })
    expect(play.text).toMatch(/^later +: .*changed=0 .*failed=0/m)
  })
})

describe('Prometheus', () => {
  const firing = (alert: string): Promise<number | undefined> =>
    prometheus.value(`ALERTS{alertname="${alert}", alertstate="firing", job="node"}`)

  beforeAll(async () => {
    const tunnel = control.tunnel(`${UNIX_PORT}:${SOCKET}`)
    const [file, args] = guest.network.wrap(tunnel)
    spawn(file, args, { stdio: 'ignore' })
    prometheus = await Prometheus.start(guest.network, {
      node: `${addresses(0).guest}:9100`,
      unix: `127.0.0.1:${UNIX_PORT}`,
    })
  })

  test('scrapes the textfile and the unix socket: the same channels by both', async () => {
    for (const job of ['node', 'unix']) {
      const expr = `vqtune_nic_channels{job="${job}", instance="guest", nic="${nic}"}`
      await waitUntil(expr, PATIENCE_MS, async () => (await prometheus.value(expr)) === 2)
    }
    // OpenMetrics: the type is known without the suffix then.
    expect(await prometheus.value('vqtune_last_check_timestamp_seconds{job="unix"}')).toBeGreaterThan(1e9)
    expect(await prometheus.value('node_textfile_scrape_error{job="node"}')).toBe(0)
  })

  test('the endpoint speaks OpenMetrics by a strict parser, and text by promtool', async () => {
    const script = `
import urllib.request
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse
ask = urllib.request.Request('http://127.0.0.1:${UNIX_PORT}/metrics', headers={'Accept': 'application/openmetrics-text; version=1.0.0'})
answer = urllib.request.urlopen(ask)
print(answer.headers['Content-Type'])
for family in parse(answer.read().decode()): print(family.type, family.name)`
    const { stdout, stderr } = await guest.network.exec(['/usr/bin/python3', '-c', script])
    expect(stderr).toBe('')
    expect(stdout).toMatch(/^application\/openmetrics-text; version=1\.0\.0; charset=utf-8\n/)
    expect(stdout.split('\n')).toEqual(
      expect.arrayContaining([
        'info vqtune_build',
        'counter vqtune_nic_drift',
        'gauge vqtune_last_check_timestamp_seconds',
      ]),
    )
    const input = await guest.readFile('/run/vqtune/vqtune.prom')
    expect(execFileSync('promtool', ['check', 'metrics'], { input: `${input}\n`, encoding: 'utf8' })).toBe('')
  })

  test('in steady state the textfile keeps its content and shows the time of the last look', async () => {
    const stat = (): Promise<string> => guest.run(['stat', '-c', '%i %Y', '/run/vqtune/vqtune.prom'])
    const [inode, time] = (await stat()).trim().split(' ')
    await waitUntil(
      'the periodic check',
      PATIENCE_MS,
      async () => (await stat()).trim().split(' ')[1] !== time,
    )
    expect((await stat()).split(' ')[0]).toBe(inode)
    expect(await prometheus.value('time() - node_textfile_mtime_seconds{job="node"}')).toBeLessThan(300)
  })

  test('drift that is not repaired fires an alert, and its end resolves it; so does a host that limits', async () => {
    expect(await firing('VqtuneDriftNotRepaired')).toBeUndefined()
    await guest.run(['ethtool', '-L', nic, 'combined', '1'])
    await waitUntil('the alert', PATIENCE_MS, async () => (await firing('VqtuneDriftNotRepaired')) === 1)
    expect(await prometheus.value('job:vqtune_nics_drifted:count{job="node"}')).toBe(1)
    expect(await prometheus.value('vqtune_drift_actions_total{job="node", action="reported"}')).toBe(1)
    expect(await firing('VqtuneHostLimitsNic')).toBe(1)
    // A wave in which a guest is not healthy is the last one.
    const rollout = await control.rollout({ ...variables, vqtune_health_retries: 0 })
    expect(rollout, rollout.text).toMatchObject({ code: 2, changed: 0, failed: 1 })
    expect(rollout.text).toMatch(/TASK \[vqtune.guest.vqtune : Check that no NIC [\s\S]*"rc": 3/)
    expect(rollout.text).not.toMatch(/^later\b/m)
    await guest.run(['vqtune', 'apply'])
    expect(await channels()).toBe(2)
    await waitUntil(
      'its end',
      PATIENCE_MS,
      async () => (await firing('VqtuneDriftNotRepaired')) === undefined,
    )
    expect(await firing('VqtuneStale')).toBeUndefined()
  })

  test('every panel of the dashboard has a valid query, and data where a healthy guest has any', async () => {
    const values: Record<string, string> = { $job: '.*', $instance: 'guest', $__rate_interval: '1m' }
    const exprs = dashboardPanels().flatMap((panel) =>
      panel.exprs.map((expr) =>
        expr.replace(/\$(job|instance|__rate_interval)\b/g, (name) => values[name] as string),
      ),
    )
    expect(exprs.length).toBeGreaterThan(25)
    expect(exprs.filter((expr) => expr.includes('$'))).toEqual([])
    let empty: string[] = []
    // increase() needs two scrapes within the minute.
    await waitUntil('data', PATIENCE_MS, async () => {
      const answers = await prometheus.ask(exprs)
      empty = exprs.filter((_, index) => answers[index]?.length === 0)
      return empty.length <= 3
    })
    // Nothing is out of tune, and nothing is left alone.
    expect(
      empty.every((expr) => /drifted_settings\{.*> 0|nics?_skipped/.test(expr)),
      empty.join('\n'),
    ).toBe(true)
  })

  test('the unit that stands in for the daemon: a NIC named like a priority is text in the journal', async () => {
    await guest.shell(
      `systemctl stop vqtuned
      ethtool -L ${nic} combined 1
      ip link set dev ${nic} name '<0>wall'
      systemctl start vqtune-reconcile.service
      # udev kept the old name as another one.
      udevadm settle
      ip link property del dev '<0>wall' altname ${nic} || :
      ip link set dev '<0>wall' name ${nic}`,
      { timeoutMs: PATIENCE_MS },
    )
    const lines = (await guest.journal(['-u', 'vqtune-reconcile', '-o', 'json']))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { MESSAGE: string; PRIORITY: string })
      .filter(({ MESSAGE }) => MESSAGE.includes('channels 1 -> 2'))
    expect(lines).toMatchObject([{ PRIORITY: '6' }])
    expect(lines[0]?.MESSAGE).toMatch(/^<0>wall: channels/)
  })

  test('removal restores the NIC, leaves nothing of the role, and the alert tells that the metrics are gone', async () => {
    const play = await control.play({ ...variables, vqtune_state: 'absent' })
    expect(play, play.text).toMatchObject({ code: 0, failed: 0 })
    expect(await isInstalled()).toBe(false)
    // What the boot gave, and not what another program had left.
    expect(await channels()).toBe(2)
    const left = [
      CONFIG,
      `${TEXTFILES}/vqtune.prom`,
      '/run/vqtune/vqtune.prom',
      '/etc/yum.repos.d/vqtune.repo',
    ]
    expect((await guest.exec(['ls', ...left])).stdout).toBe('')
    await waitUntil('the alert', PATIENCE_MS, async () => (await firing('VqtuneMetricsGone')) === 1)
  })
})
