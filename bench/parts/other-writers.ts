/** The same change by others: a shell loop of ethtool, real tuned with [net] channels, NetworkManager. */

import { median } from '../../src/quantile'
import { addConnection } from '../../test/vm/lib/network-manager'
import { waitUntil } from '../../test/vm/lib/wait'
import { barChart } from '../lib/chart'
import { bootBenchGuest } from '../lib/daemon-guest'
import { runInGuest } from '../lib/in-guest'
import { installRpm, packaged } from '../lib/packaged'
import type { Part, Section } from '../lib/part'
import { spread } from '../lib/statistics'

const NICS = 4
const ROUNDS = 5
const WAYS = [
  'ethtool once for each NIC, from a shell',
  'vqtune apply, as packaged',
  'tuned-adm profile, tuned running',
  'tuned, started for it (systemctl restart)',
  'nmcli connection up for each NIC',
] as const

interface OtherWritersData {
  readonly tunedVersion: string
  /** Milliseconds from the start of the command until every NIC has its channels. */
  readonly times: Record<string, readonly number[]>
  /** Milliseconds until the command returns. */
  readonly returned: Record<string, readonly number[]>
  /** The same when nothing is to be changed. */
  readonly unchanged: Record<string, readonly number[]>
  readonly networkManagerVersion: string
}

const PROFILE = `[main]
summary=four channels on every NIC
[net]
type=net
channels=combined 4
`

const BODY = `
nics = sys.argv[2].split(',')
loop = '; '.join('/usr/sbin/ethtool -L %s combined 4 2>/dev/null' % nic for nic in nics)
up = '; '.join('/usr/bin/nmcli -w 60 connection up bench-%s' % nic for nic in nics)
ways = [['/bin/sh', '-c', loop + '; true'], ['/usr/bin/vqtune', 'apply'],
        ['/usr/sbin/tuned-adm', 'profile', 'vq-bench'], ['/usr/bin/systemctl', 'restart', 'tuned'],
        ['/bin/sh', '-e', '-c', up]]
def once(way, shrink):
    if shrink:
        for nic in nics: ethtool(2, nic)
        time.sleep(0.3)
    start = time.monotonic()
    run = subprocess.Popen(way, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for nic in nics:
        if not wait(4, 60, nic=nic): sys.exit('%s: not done on %s' % (way, nic))
    right = time.monotonic()
    if run.wait() != 0: sys.exit('%s: exit %s' % (way, run.returncode))
    return (right - start) * 1000, (time.monotonic() - start) * 1000
for k, way in enumerate(ways):
    # tuned-adm only acts when the profile is another one or tuned has lost it.
    if k == 2: subprocess.run(['/usr/sbin/tuned-adm', 'off'], check=True, stdout=subprocess.DEVNULL)
    right, end = once(way, True)
    print(k, right, end, once(way, False)[1])
    if k == 3: subprocess.run(['/usr/sbin/tuned-adm', 'off'], check=True, stdout=subprocess.DEVNULL)
`

async function measure(): Promise<OtherWritersData> {
  const { rpm } = packaged()
  // NetworkManager sets channels there.
  const guest = await bootBenchGuest(NICS, 'trixie')
  try {
    await installRpm(guest, rpm)
    const names: string[] = []
    for (let i = 0; i < NICS; i++) names.push(await guest.nicName(i))
    await guest.writeFile('/etc/tuned/profiles/vq-bench/tuned.conf', PROFILE)
    await guest.run(['systemctl', 'start', 'tuned'], { timeoutMs: 200_000 })
    await waitUntil(
      'tuned',
      120_000,
      async () => (await guest.exec(['tuned-adm', 'profile', 'vq-bench'], { timeoutMs: 100_000 })).code === 0,
    )
    const tunedVersion = (await guest.run(['tuned', '--version'], { timeoutMs: 100_000 })).trim()
    for (const nic of names) await addConnection(guest, `bench-${nic}`, nic, 4)
    const networkManagerVersion = (await guest.run(['nmcli', '-g', 'version', 'general', 'status'])).trim()
    const rows: number[][] = []
    // The first round fills the page cache.
    for (let round = 0; round <= ROUNDS; round++) {
      const args = [names[0] as string, names.join(',')]
      const once = await runInGuest(guest, 'other-writers', BODY, args, 300_000)
      console.error(`round ${round} of ${ROUNDS}: ${JSON.stringify(once)}`)
      if (round > 0) rows.push(...once)
    }
    await guest.run(['systemctl', 'stop', 'tuned'], { timeoutMs: 100_000 })
    const pick = (column: number) =>
      Object.fromEntries(
        WAYS.map((way, k) => [
          way,
          rows.filter(([which]) => which === k).map((row) => row[column] as number),
        ]),
      )
    return {
      tunedVersion,
      times: pick(1),
      returned: pick(2),
      unchanged: pick(3),
      networkManagerVersion,
    }
  } finally {
    await guest.dispose()
  }
}

function section({
  tunedVersion,
  times,
  returned,
  unchanged,
  networkManagerVersion,
}: OtherWritersData): Section {
  const base = times[WAYS[0]] ?? []
  return {
    title: 'The same change by other programs',
    text: [
      `One guest (kernel 6.12, 4 vCPUs, ${NICS} NICs of 4 queues, emulated): all NICs from 2 to 4 channels, from the start of the command until the last NIC has them; ${base.length} interleaved rounds. **Ratio: to the plain \`ethtool\` loop, within this run.** The loop and tuned write fixed values; vqtune determines the target, records the original values, corrects affinity and XPS, and verifies. It returns after it has also verified connectivity (guard.commit-confirm-seconds). For tuned, a restart corresponds to a boot or a package update. tuned is ${tunedVersion}, profile \`[net] channels=combined 4\`.`,
      `NetworkManager ${networkManagerVersion} sets \`ethtool.channels-combined\` when a connection is activated, and an activation also reconfigures the NIC. Its figure is therefore the cost of that way to set channels, not of the write itself. NetworkManager and tuned run during all rounds and are notified of every change of channels.`,
    ],
    tables: [
      {
        columns: [
          `${NICS} NICs from 2 to 4 channels`,
          'until set, ms',
          'ratio',
          'until it returns, ms',
          'nothing to change, ms',
        ],
        rows: WAYS.map((way) => [
          way,
          spread(times[way] ?? [], 0),
          (median(times[way] ?? []) / median(base)).toFixed(2),
          spread(returned[way] ?? [], 0),
          spread(unchanged[way] ?? [], 0),
        ]),
      },
    ],
    charts: [
      {
        file: 'other-writers',
        alt: 'Milliseconds until every NIC has its channels, by shell loop, vqtune, tuned and NetworkManager',
        svg: barChart(
          `${NICS} NICs from 2 to 4 channels, ms: median, line from the fastest to the slowest`,
          WAYS.map((way) => ({
            label: way,
            value: median(times[way] ?? []),
            range: [Math.min(...(times[way] ?? [])), Math.max(...(times[way] ?? []))] as const,
            note: `${Math.round(median(times[way] ?? []))} ms`,
            ours: way.startsWith('vqtune'),
          })),
        ),
      },
    ],
  }
}

export const otherWriters: Part<OtherWritersData> = { name: 'other-writers', measure, section }
