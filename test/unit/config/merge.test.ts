import { describe, expect, test } from 'vitest'
import { locateKeys } from '../../../src/config/locate'
import { mergeFragments, toSettings } from '../../../src/config/merge'
import { type LocatedFragment, parseFragment } from '../../../src/config/parse'

async function located(file: string, text: string): Promise<LocatedFragment> {
  const parsed = await parseFragment(file, text)
  if (!parsed.ok) throw new Error(parsed.problems.map((problem) => problem.text).join('\n'))
  return parsed.located
}
/** Of files named a, b and so on, lowest first. */
const mergedOf = async (...texts: string[]) =>
  mergeFragments(await Promise.all(texts.map((text, i) => located('abc'[i] as string, text))))
const settingsOf = async (...texts: string[]) => toSettings(await mergedOf(...texts), [])

describe('several files', () => {
  test('the last one that sets a key wins, key by key', async () => {
    const { boot, guard, isolated } = await settingsOf(
      'isolated-cpus = "use"\n[boot]\nwait-ms = 1\nlimit-ms = 2000\n[guard]\nenabled = true\n',
      '[boot]\nwait-ms = 2\n',
      'isolated-cpus = "avoid"\n[guard]\nwindow-seconds = 5\n',
    )
    expect(boot).toEqual({ waitMs: 2, limitMs: 2_000 })
    expect([guard.enabled, guard.windowSeconds, isolated]).toEqual([true, 5, 'avoid'])
  })

  test('all [defaults] come before all [[nic]], each with its line', async () => {
    const { rules } = await mergedOf(
      '[[nic]]\nmatch = { name = "eth*", virtio = "virtio2" }\ncap = 2\non-conflict = "yield"\n',
      '\n[defaults]\nenabled = false\nxps = false\nrps = "off"\n\n[[nic]]\nmatch.mac = "52:*"\n',
    )
    expect(rules).toEqual([
      { match: {}, settings: { enabled: false, switches: { xps: false, rps: 'off' } }, source: 'b:2' },
      {
        match: { name: 'eth*', virtio: 'virtio2' },
        settings: { cap: 2, onConflict: 'yield' },
        source: 'a:1',
      },
      { match: { mac: '52:*' }, settings: {}, source: 'b:7' },
    ])
  })

  test('"none" and "auto" are set, to take back what an earlier file set', async () => {
    const { rules } = await mergedOf('[defaults]\ncap = "none"\nchannels = "auto"\n')
    expect(rules[0]?.settings).toStrictEqual({ cap: undefined, channels: undefined })
  })

  test('a table whose line is not known counts as one of the first', () => {
    const { rules } = mergeFragments([
      { file: 'f', fragment: { defaults: { cap: 1 }, nic: [{ cap: 2 }] }, lines: locateKeys('') },
    ])
    expect(rules).toEqual([
      { match: {}, settings: { cap: 1 }, source: 'f:1' },
      { match: {}, settings: { cap: 2 }, source: 'f:1' },
    ])
  })
})

test('what no file sets is as vqtune.toml(5) says', () => {
  expect(toSettings({ rules: [] }, ['f'])).toEqual({
    isolated: 'avoid',
    boot: { waitMs: 5_000, limitMs: 10_000 },
    rules: [],
    daemon: {
      ...{ reportCron: '0 6 * * *', checkCron: '*/5 * * * *', jitterSeconds: 300, debounceMs: 250 },
      ...{ conflictReversals: 3, conflictWindowSeconds: 600, conflictBackoffSeconds: 3_600 },
      ...{ historySizeKib: 1_024, logLevel: 'info', logFormat: 'text' },
    },
    guard: {
      ...{ enabled: false, windowSeconds: 60, regressionPercent: 20, watch: ['channels'] },
      commitConfirmSeconds: 10,
    },
    metrics: { textfile: '/run/vqtune/vqtune.prom', listen: undefined },
    sources: ['f'],
  })
})

describe('every value arrives', () => {
  test('daemon, metrics and guard', async () => {
    const { daemon, metrics, guard } = await settingsOf(`
[daemon]
report-cron = "none"
check-cron = "*/10 * * * *"
jitter-seconds = 0
debounce-ms = 100
conflict-reversals = 5
conflict-window-seconds = 60
conflict-backoff-seconds = 120
history-size-kib = 64
log-level = "debug"
log-format = "json"
[metrics]
textfile = "/var/lib/node_exporter/vqtune.prom"
listen = "unix:/run/vqtune/metrics.sock"
[guard]
enabled = true
window-seconds = 30
regression-percent = 50
commit-confirm-seconds = 0
watch = "channels,rps"
`)
    expect(daemon).toEqual({
      reportCron: undefined,
      checkCron: '*/10 * * * *',
      jitterSeconds: 0,
      debounceMs: 100,
      conflictReversals: 5,
      conflictWindowSeconds: 60,
      conflictBackoffSeconds: 120,
      historySizeKib: 64,
      logLevel: 'debug',
      logFormat: 'json',
    })
    expect(metrics).toEqual({
      textfile: '/var/lib/node_exporter/vqtune.prom',
      listen: { kind: 'unix', path: '/run/vqtune/metrics.sock' },
    })
    expect(guard).toEqual({
      enabled: true,
      windowSeconds: 30,
      regressionPercent: 50,
      watch: ['channels', 'rps'],
      commitConfirmSeconds: 0,
    })
  })

  test.each([
    ['"127.0.0.1:9917"', { kind: 'tcp', host: '127.0.0.1', port: 9917 }],
    ['"none"', undefined],
  ])('listen = %s', async (written, expected) => {
    const { metrics } = await settingsOf(`[metrics]\nlisten = ${written}\ntextfile = "none"\n`)
    expect(metrics).toEqual({ textfile: undefined, listen: expected })
  })
})
