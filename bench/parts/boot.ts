/** What the boot unit costs a boot: boots of one guest with and without it, in turns. */

import { median } from '../../src/quantile'
import { barChart } from '../lib/chart'
import { bootBenchGuest } from '../lib/daemon-guest'
import { installRpm, packaged } from '../lib/packaged'
import type { Part, Section } from '../lib/part'
import { spread } from '../lib/statistics'

const ROUNDS = Number(process.env.VQTUNE_BENCH_BOOTS ?? 7)
const NICS = 2
/**
 * Bare: the unit as it is, but with an empty program in the packaged runtime for its command. First: without a boot record, so
 * that vqtune is started, and records. With: the boot after that.
 */
const KINDS = ['without', 'bare', 'first', 'with'] as const

interface Boot {
  readonly kind: (typeof KINDS)[number]
  /** Seconds from the start of systemd until a network manager starts. */
  readonly network: number
  /** Until it can configure the NICs: it has started, and udev has named them. */
  readonly usable: number
  readonly multiUser: number
  /** The unit's own run, start to end, in seconds; undefined without it. */
  readonly unit: number | undefined
}

interface BootData {
  readonly boots: readonly Boot[]
  /** Seconds, in the same guest: `node -e 0` with the packaged runtime, and the unit's command once more. */
  readonly bare: readonly number[]
  readonly apply: readonly number[]
}

/** Ordered as a network manager is. network-pre.target is passive: without one it would be reached at any time. */
const NETWORK = `[Unit]
Wants=network-pre.target
After=network-pre.target
[Service]
Type=oneshot
ExecStart=/bin/true
[Install]
WantedBy=multi-user.target
`

async function measure(): Promise<BootData> {
  const { rpm } = packaged()
  const guest = await bootBenchGuest(NICS)
  try {
    await installRpm(guest, rpm)
    await guest.writeFile('/etc/systemd/system/bench-network.service', NETWORK)
    // An emulated guest on a busy machine is ten times slower than what the default is for.
    await guest.writeFile(
      '/etc/vqtune/conf.d/40-emulated.toml',
      '[boot]\nlimit-ms = 25000\nwait-ms = 20000\n',
    )
    await guest.run(['systemctl', 'enable', 'bench-network.service'])
    await guest.run(['systemctl', 'disable', 'vqtuned.service', 'vqtune-reconcile.path'])
    const micros = async (unit: string, name: string): Promise<number> =>
      Number(await guest.run(['systemctl', 'show', '-P', name, ...(unit === '' ? [] : [unit])]))
    const boots: Boot[] = []
    for (let round = 0; round < ROUNDS; round++) {
      for (const kind of KINDS) {
        await guest.writeFile(
          '/etc/systemd/system/vqtune-boot.service.d/bench.conf',
          kind === 'bare' ? '[Service]\nExecStart=\nExecStart=/usr/libexec/vqtune/node -e 0\n' : '',
        )
        await guest.run(['systemctl', kind === 'without' ? 'disable' : 'enable', 'vqtune-boot.service'])
        if (kind === 'first') await guest.run(['rm', '-f', '/var/lib/vqtune/boot-record'])
        await guest.reboot(400_000)
        const from = await micros('', 'UserspaceTimestampMonotonic')
        const since = async (unit: string, name: string): Promise<number> =>
          ((await micros(unit, name)) - from) / 1e6
        const started = await micros('vqtune-boot.service', 'InactiveExitTimestampMonotonic')
        if (started > 0 !== (kind !== 'without'))
          throw new Error(`vqtune-boot.service: started at ${started}, boot ${kind}`)
        const ended = await micros('vqtune-boot.service', 'ActiveEnterTimestampMonotonic')
        if (kind !== 'without' && ended === 0)
          throw new Error(await guest.shell('journalctl -b -u vqtune-boot.service --no-pager | tail -5'))
        const isCompared = (await guest.journal(['-b', '-u', 'vqtune-boot.service'])).includes('as recorded')
        if (isCompared !== (kind === 'with'))
          throw new Error(`compared a record: ${isCompared}, boot ${kind}`)
        const network = await since('bench-network.service', 'InactiveExitTimestampMonotonic')
        const kernelLog = await guest.journal(['-b', '-k', '-o', 'short-monotonic'])
        const named = [...kernelLog.matchAll(/^\[ *([\d.]+)\] .* renamed from eth\d+$/gm)].map(([, at]) =>
          Number(at),
        )
        if (named.length !== NICS) throw new Error(`${named.length} NICs were named`)
        boots.push({
          kind,
          network,
          usable: Math.max(network, ...named.map((at) => at - from / 1e6)),
          multiUser: await since('multi-user.target', 'ActiveEnterTimestampMonotonic'),
          unit: kind === 'without' ? undefined : (ended - started) / 1e6,
        })
        console.error(JSON.stringify(boots.at(-1)))
      }
    }
    const timing = await guest.shell(
      `ms() { from=$(date +%s%N); "$@" >/dev/null; echo -n "$((($(date +%s%N) - from) / 1000)) "; }
      for i in 0 1 2 3 4 5 6 7 8 9 10; do ms /usr/libexec/vqtune/node -e 0; ms vqtune apply --boot; echo; done`,
      { timeoutMs: 200_000 },
    )
    // The first of them fills the page cache.
    const rows = timing
      .trim()
      .split('\n')
      .slice(1)
      .map((line) =>
        line
          .trim()
          .split(' ')
          .map((value) => Number(value) / 1e6),
      )
    return { boots, bare: rows.map(([bare = 0]) => bare), apply: rows.map(([, apply = 0]) => apply) }
  } finally {
    await guest.dispose()
  }
}

function section({ boots, bare, apply }: BootData): Section {
  const of = (kind: Boot['kind'], pick: (boot: Boot) => number | undefined): number[] =>
    boots.filter((boot) => boot.kind === kind).flatMap((boot) => pick(boot) ?? [])
  const row = (what: string, pick: (boot: Boot) => number | undefined): string[] => {
    const values = KINDS.map((kind) => of(kind, pick))
    const [without = [], bareUnit = [], , withIt = []] = values
    const ratio = (base: number[]): string =>
      base.length === 0 ? '' : (median(withIt) / median(base)).toFixed(2)
    return [
      what,
      ...values.map((each) => (each.length === 0 ? '' : spread(each, 2))),
      ratio(bareUnit),
      ratio(without),
    ]
  }
  const count = of('with', (boot) => boot.network).length
  const ratioOf = (key: 'usable' | 'network' | 'unit', base: Boot['kind']): string =>
    (median(of('with', (boot) => boot[key])) / median(of(base, (boot) => boot[key]))).toFixed(2)
  return {
    title: 'What the boot unit costs',
    summary: `A boot like the one before: a network manager has its NICs ${ratioOf('usable', 'without')} times as late as without the unit (goal: 1.1), and starts ${ratioOf('network', 'without')} times as late, since the unit waits until udev has named them (emulated guest).`,
    text: [
      `The RPM in one guest (kernel 6.12, 4 vCPUs, 2 NICs of 4 queues, emulated), rebooted ${count} times without \`vqtune-boot.service\`, ${count} times with it (“vqtune”), each after a boot that had to start vqtune and recorded that there was nothing to do (“first”), and ${count} times with an empty program in the same runtime as its command (“bare runtime”), interleaved; the NICs need no change, as after nearly every boot. Seconds of the guest's clock since the start of systemd: median and middle half. **Ratios within this run.** The first run of a program is the worst case in an emulated guest: none of its code is translated yet, and nothing is in the page cache. The seconds therefore say nothing about a real guest; the ratio to the bare runtime shows vqtune's own share. The unit also waits until udev has named the NICs (at most \`[boot] wait-ms\`), for which a network manager has to wait, too: “has its NICs” is when it has started and both are named.`,
      `The same command in the running guest, with nothing to change, interleaved with the bare runtime: ${spread(apply, 2)} s against ${spread(bare, 2)} s, **ratio ${(median(apply) / median(bare)).toFixed(2)}**.`,
    ],
    tables: [
      {
        columns: ['seconds', 'without', 'bare runtime', 'first', 'vqtune', 'to bare', 'to without'],
        rows: [
          row('until a network manager has its NICs', (boot) => boot.usable),
          row('until a network manager starts', (boot) => boot.network),
          row('until multi-user.target', (boot) => boot.multiUser),
          row('of the unit itself', (boot) => boot.unit),
        ],
      },
    ],
    charts: [
      {
        file: 'boot',
        alt: 'Seconds of a boot until a network manager starts and until multi-user.target: without the boot unit, with the bare runtime in its place, and with it',
        svg: barChart(
          'Seconds of an emulated boot: median, line from the fastest to the slowest',
          (['network', 'multiUser'] as const).flatMap((key) =>
            KINDS.map((kind) => {
              const values = of(kind, (boot) => boot[key])
              const label = { without: 'without', bare: 'bare runtime', first: 'first', with: 'vqtune' }[kind]
              return {
                label: `${key === 'network' ? 'network' : 'multi-user'}, ${label}`,
                value: median(values),
                range: [Math.min(...values), Math.max(...values)] as const,
                note: `${median(values).toFixed(2)} s`,
                ours: kind === 'with',
              }
            }),
          ),
        ),
      },
    ],
  }
}

export const boot: Part<BootData> = { name: 'boot', measure, section }
