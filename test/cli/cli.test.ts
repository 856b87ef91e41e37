import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it, onTestFinished } from 'vitest'
import { COMMANDS } from '../../src/commands/registry'
import { guardReductionRecord, guardReturnRecords, revertRecord } from '../../src/confirm/record'
import { capturedRoot, vqtune } from '../support/bundle'
import { generateTree } from '../support/generated-tree'
import { expectSchema } from '../support/schema'

const on = (guest: string) => {
  const root = capturedRoot(guest)
  return (...args: string[]) => vqtune([...args, '--root', root])
}

describe('help and usage', () => {
  it('lists every command, and each has help that names its options', async () => {
    const { code, stdout } = await vqtune(['--help'])
    expect(code).toBe(0)
    for (const command of COMMANDS) {
      expect(stdout).toContain(`  ${command.words.join(' ')}`)
      const help = await vqtune([...command.words, '--help'])
      expect(help.code, command.words.join(' ')).toBe(0)
      for (const option of Object.keys(command.options ?? {})) expect(help.stdout).toContain(`--${option}`)
    }
  })

  it('prints the version of package.json', async () => {
    const { version } = JSON.parse(
      readFileSync(fileURLToPath(new URL('../../package.json', import.meta.url)), 'utf8'),
    )
    const shown = { code: 0, stdout: `vqtune ${version}\n`, stderr: '' }
    expect(await vqtune(['--version'])).toEqual(shown)
    // And does nothing else: the directory has no guest to apply to.
    for (const verb of ['apply', 'daemon', 'rollback']) {
      expect(await vqtune([verb, '--version', '--root', '/nonexistent']), verb).toEqual(shown)
    }
  })

  it.each([
    [['config'], ['config check', 'config set', 'config unset']],
    [
      ['host', 'zerocopy'],
      ['host zerocopy off', 'host zerocopy on', 'host zerocopy probe', 'host zerocopy status'],
    ],
  ])('help of %j names what may follow, asked for or not', async (words, commands) => {
    const asked = await vqtune([...words, '--help'])
    expect(asked).toMatchObject({ code: 0, stderr: '' })
    const shown = [...asked.stdout.matchAll(/^ {2}(\S+(?: [a-z]\S*)*)/gm)].map(([, command]) => command)
    expect(shown.sort()).toEqual(commands)
    for (const wrong of [words, [...words, 'frob', '--help']]) {
      expect(await vqtune(wrong)).toEqual({ code: 2, stdout: '', stderr: asked.stdout })
    }
  })

  it.each([
    [[], /^vqtune tunes/],
    [['frob'], /^vqtune: frob: no such command; there are status, /],
    [['statsu'], /^vqtune: statsu: no such command; did you mean status\?\n$/],
    [['host', 'chekc'], /^vqtune: host chekc: no such command; did you mean host check\?\n$/],
    [
      ['host', 'zerocopy', 'onn'],
      /^vqtune: host zerocopy onn: no such command; did you mean host zerocopy on\?\n$/,
    ],
    [['status', '--jsno'], /^vqtune: status: Unknown option '--jsno'; did you mean --json\?\n$/],
    [['status', '--jsno=1'], /^vqtune: status: Unknown option '--jsno'; did you mean --json\?\n$/],
    [['plan', '-x'], /^vqtune: plan: Unknown option '-x'; see vqtune plan --help\n$/],
    [['--json', 'status'], /^vqtune: --json: options come after the command/],
    [['status', '--frob'], /^vqtune: status: Unknown option '--frob'; see vqtune status --help\n$/],
    [['status', 'a', 'b'], /^vqtune: status: unexpected argument 'b'\n$/],
    [['explain'], /^vqtune: explain: <nic> is missing/],
    [['config'], /^Usage: vqtune config COMMAND/],
    [['status', '--config', '/nonexistent.toml'], /^vqtune: \/nonexistent\.toml: no such file\n$/],
  ])('%j is refused with status 2', async (args, message) => {
    const { code, stdout, stderr } = await vqtune(args)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(message)
  })
})

describe('a configuration on standard input', () => {
  const check = (config: string, input: string, ...verb: string[]) =>
    vqtune([...verb, '--config', config, '--root', capturedRoot('debian-6.12-4cpu-4q')], {}, input)

  it.each(['-', '/dev/stdin'])('config check judges it: %s', async (config) => {
    const good = await check(config, '[defaults]\ncap = 3\n', 'config', 'check')
    expect(good).toMatchObject({ code: 0, stderr: '' })
    expect(good.stdout).toMatch(/^enp0s8 +cap +3 +\/dev\/stdin:1$/m)
    const bad = await check(config, '[defaults]\ncap = 0\n', 'config', 'check')
    expect(bad).toMatchObject({ code: 2, stderr: '' })
    expect(bad.stdout).toMatch(/^\/dev\/stdin:2: defaults\.cap = 0: allowed is .*\n1 problem\n$/)
  })

  it('not more than a file may hold, and only there', async () => {
    const large = await check('-', '#'.repeat(128 * 1024 + 1), 'config', 'check')
    expect(large).toMatchObject({
      code: 2,
      stdout: '/dev/stdin: allowed is up to 131072 bytes\n1 problem\n',
    })
    expect(await check('-', '#'.repeat(128 * 1024), 'config', 'check')).toMatchObject({ code: 0 })
    const plan = await check('/dev/stdin', '', 'plan')
    expect(plan).toMatchObject({ code: 2, stdout: '' })
    expect(plan.stderr).toBe('vqtune: /dev/stdin: not a regular file but a device, pipe or socket\n')
    expect((await check('-', '', 'apply')).stderr).toBe('vqtune: -: no such file\n')
  })
})

describe('on captured guests', () => {
  it('hotplug-drift: plan names old, new and reason; --check says 3', async () => {
    const run = on('hotplug-drift')
    const { code, stdout, stderr } = await run('plan', '--check')
    expect({ code, stderr }).toEqual({ code: 3, stderr: '' })
    expect(stdout).toBe(
      [
        'enp0s8: 2 channels, target 4 (vCPUs), every queue private; 1 change pending',
        '  target: min(vCPUs 4, host 4) = 4',
        '  enp0s8: channels 2 -> 4  (one queue pair for each of 4 online vCPUs)',
        '  then IRQ affinity and XPS are checked again: the kernel resets them when channels change',
        '1 change pending: run vqtune apply',
        '',
      ].join('\n'),
    )
    expect((await run('status', '--check')).code).toBe(3)
    expect((await run('status')).code).toBe(0)
  })

  it('debian-6.12-4cpu-4q: status shows the map of queues to interrupts to vCPUs', async () => {
    const { code, stdout } = await on('debian-6.12-4cpu-4q')('status', '--check')
    expect(code).toBe(0)
    expect(stdout).toMatch(/^enp0s8: 4 channels \(one per vCPU\), every queue private\n/)
    expect(stdout).toMatch(/^enp0s8\s+3\s+\d+ -> 3\s+\d+ -> 3\s+3\s+yes$/m)
  })

  it.each([
    'debian-6.12-4cpu-4q',
    'irq-affinity-drifted',
    'many-cpus',
    'microvm-mmio',
    'nic-in-other-netns',
    'rss',
  ])('%s: --json is as the schemas say', async (guest) => {
    const run = on(guest)
    for (const verb of ['status', 'plan'] as const) {
      const { stdout } = await run(verb, '--json')
      expectSchema(verb, JSON.parse(stdout))
    }
  })

  it.each(['hotplug-drift', 'host-limits-2of4', 'irq-affinity-drifted', 'shared-vectors'])(
    '%s: explain and config check print JSON as the schemas say',
    async (guest) => {
      const run = on(guest)
      const nic = JSON.parse((await run('status', '--json')).stdout).nics[0].name
      for (const [name, args] of [
        ['explain', ['explain', nic]],
        ['config-check', ['config', 'check']],
      ] as const) {
        const { code, stdout } = await run(...args, '--json')
        expect(code).toBe(0)
        expectSchema(name, JSON.parse(stdout))
      }
    },
  )

  it('drift prints each kind of record as the schema says, those of vqtune itself among them', async () => {
    const root = capturedRoot('hotplug-drift')
    const lost = { nic: 'eth0', from: 4, channels: 1, why: 'the carrier was lost', failure: undefined }
    const at = '2026-11-25T12:00:00.000Z'
    const masks = { tunable: 'rps', values: [{ key: 'queue 0', old: '', new: '1' }] }
    const own = [
      revertRecord(lost, at),
      revertRecord({ ...lost, failure: 'busy' }, at),
      guardReductionRecord({ nic: 'eth0', from: 4, to: 1, why: '1 instead of 8 Mb/s' }, at),
      ...guardReturnRecords({ nic: 'eth0', changed: [masks], why: '1 instead of 8 Mb/s' }, at),
    ]
    const others = (['repaired', 'accepted', 'reported', 'yielded', 'backed-off'] as const).map((action) => ({
      ...{
        at,
        kind: 'vcpus' as const,
        nic: null,
        old: '0-3',
        new: '0-1',
        writer: 'kernel',
        evidence: 'test',
      },
      ...{ action, why: '' },
    }))
    const records = [...own, ...others]
    mkdirSync(`${root}/var/lib/vqtune`, { recursive: true })
    const lines = records.map((record) => `${JSON.stringify(record)}\n`)
    writeFileSync(`${root}/var/lib/vqtune/drift.jsonl`, lines.join(''))
    const { code, stdout } = await vqtune(['drift', '--json', '--root', root])
    expect(code).toBe(0)
    expect(JSON.parse(stdout).drift).toEqual(records)
    expectSchema('drift', JSON.parse(stdout))
  })

  it('a NIC in a bond, a bridge or nowhere is explained with status 2', async () => {
    const { code, stderr } = await on('debian-6.12-4cpu-4q')('plan', 'eth9')
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: 'vqtune: eth9: no such virtio-net NIC; there are enp0s8\n',
    })
  })

  it('has no colour when it is not a terminal', async () => {
    const { stdout } = await on('hotplug-drift')('status')
    expect(stdout).not.toContain('\u001b')
  })
})

describe('--verbose', () => {
  const tree = generateTree(4, [{ name: 'eth0', maximum: 4, current: 2, counts: [4] }])
  afterAll(() => tree.remove())
  /** Lines on standard error: their time must be one, durations are what they are. */
  const shown = (stderr: string) =>
    stderr
      .replaceAll(tree.root, '')
      .replaceAll(/^\d\d:\d\d:\d\d\.\d{3} /gm, 'TIME ')
      .replaceAll(/, \d+ (bytes|ms)/g, ', N $1')
      .replaceAll(/"\d+ apply/g, '"PID apply')
      .split('\n')

  it('shows each program and each write with its time, and leaves standard output as it is', async () => {
    const plain = await vqtune(['plan', '--json', '--root', tree.root])
    const verbose = await vqtune(['plan', '--json', '--verbose', '--root', tree.root])
    expect(verbose.stdout).toBe(plain.stdout)
    expect(shown(verbose.stderr)).toContain('TIME run ethtool -l eth0: exit 0, N ms')
    const { code, stderr } = await vqtune(['apply', '--root', tree.root], { VQTUNE_DEBUG: '1' })
    expect(code).toBe(0)
    expect(shown(stderr)).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^TIME run \S+\/flock -x -w 10 -E 75 3: exit 0, N ms$/),
        'TIME write /run/vqtune/lock "PID apply\\n": ok, N ms',
        'TIME replace /run/vqtune/ledger.json, N bytes: ok, N ms',
        'TIME run ethtool -L eth0 combined 4: exit 0, N ms',
      ]),
    )
    expect(shown(stderr).filter((line) => !/^TIME (run|write|replace) /.test(line))).toEqual([''])
  })

  it.each([
    ['no gateway', '', []],
    ['a gateway', 'eth0\t00000000\t01004D0A\t0003\t0\t0\t100\t00000000\t0\t0\t0\n', ['ip -s neigh show']],
  ])('a change with %s takes one program for each NIC, and these: %j', async (_what, route, more) => {
    const names = ['eth0', 'eth1', 'eth2', 'eth3']
    const nics = names.map((name) => ({ name, maximum: 4, current: 2, counts: [4], vectors: true }))
    const { root, remove } = generateTree(4, nics)
    onTestFinished(remove)
    mkdirSync(`${root}/proc/net`)
    writeFileSync(`${root}/proc/net/route`, `Iface\tDestination\n${route}`)
    for (const name of names) writeFileSync(`${root}/sys/class/net/${name}/carrier`, '1\n')
    const { code, stdout, stderr } = await vqtune(['apply', '--verbose', '--root', root])
    expect([code, stdout]).toEqual([0, expect.stringContaining('eth3: the carrier is up')])
    const programs = [...stderr.matchAll(/^\S+ run (?:\S+\/)?(.*): exit 0/gm)].map(([, program]) => program)
    const sets = names.map((name) => `ethtool -L ${name} combined 4`)
    // The second time to say that the change is confirmed.
    const locks = Array(2).fill('flock -x -w 10 -E 75 3')
    expect(programs.sort()).toEqual([...sets, ...more, ...locks].sort())
  })

  it.each([{}, { VQTUNE_DEBUG: '' }, { VQTUNE_DEBUG: '0' }])('says nothing with %j alone', async (env) => {
    expect((await vqtune(['rollback', '--root', tree.root], env)).stderr).toBe('')
  })
})

describe('apply and rollback on a generated tree', () => {
  const tree = generateTree(4, [{ name: 'eth0', maximum: 4, current: 2, counts: [4] }])
  afterAll(() => tree.remove())
  const run = (...args: string[]) => vqtune([...args, '--root', tree.root])

  it('prints each change once and then the result', async () => {
    expect(await run('apply')).toEqual({
      code: 0,
      stderr: '',
      stdout:
        'eth0: channels 2 -> 4  (one queue pair for each of 4 online vCPUs)\nconverged: 1 NIC, 1 change\n',
    })
    expect((await run('apply')).stdout).toBe('nothing to do: 1 NIC up to date\n')
  })

  it('rolls back, and says it in JSON as the schema says', async () => {
    const dry = await run('rollback', '--dry-run', '--json')
    expectSchema('rollback-dry-run', JSON.parse(dry.stdout))
    const { code, stdout } = await run('rollback', '--json')
    expect(code).toBe(0)
    expectSchema('rollback', JSON.parse(stdout))
    expect(JSON.parse(stdout).outcomes).toEqual([
      expect.objectContaining({ old: '4', new: '2', result: 'done' }),
    ])
    // Held from now on; what apply would do is told all the same.
    expect((await run('plan')).stdout).toContain('rolled back; vqtune apply eth0 resumes tuning')
    expect((await run('plan', '--resume')).stdout).toContain('eth0: channels 2 -> 4  (')
  })

  it('says one line and 1 when the kernel refuses', async () => {
    tree.refuse('eth0', 'netlink error: Invalid argument\n')
    const { code, stderr } = await run('apply')
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: 'vqtune: eth0: channels 2 -> 4 refused by the kernel: Invalid argument\n',
    })
  })

  it('names file, line, key and allowed values of a broken configuration, and changes nothing', async () => {
    const file = `${tree.root}/broken.toml`
    writeFileSync(file, '[defaults]\ncap = 300\n')
    const { code, stdout, stderr } = await run('apply', '--config', file)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(/^vqtune: .*broken\.toml:2: defaults\.cap = 300: .*1 to 256.*\n$/)
  })
})
