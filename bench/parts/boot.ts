/** What the boot unit costs a boot: boots of one guest with and without it, in turns. */
import { barChart } from '../lib/chart'
import { bootBenchGuest } from '../lib/daemon-guest'
import { installRpm, packaged } from '../lib/packaged'
import type { Part, Section } from '../lib/part'
import { median, spread } from '../lib/statistics'

const ROUNDS = Number(process.env.VQTUNE_BENCH_BOOTS ?? 5)
const KINDS = ['without', 'with'] as const

interface Boot {
  readonly kind: (typeof KINDS)[number]
  /** Seconds from the start of systemd. */
  readonly networkPre: number
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

/** network-pre.target is passive: someone must want it, as a network manager does. */
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
  const guest = await bootBenchGuest(2)
  try {
    await installRpm(guest, rpm)
    await guest.writeFile('/etc/systemd/system/bench-network.service', NETWORK)
    // An emulated guest on a busy machine is ten times slower than what the default is for.
    await guest.writeFile('/etc/vqtune/conf.d/40-emulated.toml', '[boot]\nlimit-ms = 60000\n')
    await guest.run(['systemctl', 'enable', 'bench-network.service'])
    await guest.run(['systemctl', 'disable', 'vqtuned.service', 'vqtune-reconcile.path'])
    const micros = async (unit: string, name: string): Promise<number> =>
      Number(await guest.run(['systemctl', 'show', '-P', name, ...(unit === '' ? [] : [unit])]))
    const boots: Boot[] = []
    for (let round = 0; round < ROUNDS; round++) {
      for (const kind of KINDS) {
        await guest.run(['systemctl', kind === 'with' ? 'enable' : 'disable', 'vqtune-boot.service'])
        await guest.reboot(400_000)
        const from = await micros('', 'UserspaceTimestampMonotonic')
        const at = async (unit: string): Promise<number> =>
          ((await micros(unit, 'ActiveEnterTimestampMonotonic')) - from) / 1e6
        const started = await micros('vqtune-boot.service', 'InactiveExitTimestampMonotonic')
        if (started > 0 !== (kind === 'with'))
          throw new Error(`vqtune-boot.service: started at ${started}, boot ${kind}`)
        const ended = await micros('vqtune-boot.service', 'ActiveEnterTimestampMonotonic')
        boots.push({
          kind,
          networkPre: await at('network-pre.target'),
          multiUser: await at('multi-user.target'),
          unit: kind === 'with' ? (ended - started) / 1e6 : undefined,
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
  const row = (what: string, pick: (boot: Boot) => number): string[] => {
    const [without, withIt] = [of('without', pick), of('with', pick)]
    return [what, spread(without, 2), spread(withIt, 2), (median(withIt) / median(without)).toFixed(2)]
  }
  const count = of('with', (boot) => boot.networkPre).length
  return {
    title: 'What the boot unit costs',
    text: [
      `The RPM in one guest (kernel 6.12, 4 vCPUs, 2 NICs of 4 queues, emulated), rebooted ${count} times with \`vqtune-boot.service\` enabled and ${count} times without, in turns; the NICs are as desired, as they are after nearly every boot. Seconds of the guest's clock from the start of systemd: median and middle half. **Ratio: with to without, within this run.** The unit waits for udev to name the NICs (at most \`[boot] wait-ms\`), which a network manager behind it would wait for too.`,
      `The same command once more in the running guest, NICs as desired, in turns with the bare runtime: ${spread(apply, 2)} s against ${spread(bare, 2)} s, **ratio ${(median(apply) / median(bare)).toFixed(2)}**. The unit itself took ${spread(
        of('with', (boot) => boot.unit),
        2,
      )} s while the rest of the boot ran beside it.`,
    ],
    tables: [
      {
        columns: ['seconds to', 'without', 'with', 'ratio'],
        rows: [
          row('network-pre.target', (boot) => boot.networkPre),
          row('multi-user.target', (boot) => boot.multiUser),
        ],
      },
    ],
    charts: [
      {
        file: 'boot',
        alt: 'Seconds of a boot to network-pre.target and to multi-user.target, with and without the boot unit',
        svg: barChart(
          'Seconds of an emulated boot: median, line from the fastest to the slowest',
          (['networkPre', 'multiUser'] as const).flatMap((key) =>
            KINDS.map((kind) => {
              const values = of(kind, (boot) => boot[key])
              return {
                label: `${key === 'networkPre' ? 'network-pre' : 'multi-user'}.target, ${kind}`,
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
