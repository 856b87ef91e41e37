/** What platform teams get, without a guest: rules, dashboard and collection are well-formed and do what they say. */
import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse } from 'smol-toml'
import { beforeAll, describe, expect, it } from 'vitest'
import { renderMetrics } from '../../src/daemon/prometheus'
import { allFamilies } from '../support/all-metrics'
import { BUNDLE } from '../support/bundle'
import { dashboardPanels } from '../support/dashboard'
import { TOP } from './rpms'

const FLEET = join(TOP, 'packaging/fleet')
const RULES = join(FLEET, 'prometheus/vqtune.rules.yml')

function run(
  tool: string,
  args: readonly string[],
  cwd = TOP,
  input = '',
): { code: number | null; text: string } {
  const { status, stdout, stderr, error } = spawnSync(tool, args, { cwd, input, encoding: 'utf8' })
  if (error !== undefined) throw error
  return { code: status, text: stdout + stderr }
}

const allMetrics = (): string => renderMetrics(allFamilies())
const names = new Set(
  [...allMetrics().matchAll(/^# TYPE (\S+)/gm)]
    .map((match) => match[1] as string)
    .concat('node_textfile_mtime_seconds'),
)

describe('metrics', () => {
  it('promtool finds nothing to say about names, types and help', () => {
    expect(names.size).toBeGreaterThan(20)
    expect(run('promtool', ['check', 'metrics'], TOP, allMetrics())).toEqual({ code: 0, text: '' })
  })
})

describe('rules', () => {
  const alerts = [...readFileSync(RULES, 'utf8').matchAll(/^ {6}- alert: (\w+)$/gm)].map(
    (match) => match[1] as string,
  )
  const texts = readFileSync(RULES, 'utf8')

  it('are valid, and use only metrics that exist', () => {
    expect(run('promtool', ['check', 'rules', '--lint-fatal', RULES])).toMatchObject({ code: 0 })
    // Recordings have a colon before the name.
    const used = texts.replace(/^ *#.*$/gm, '').match(/(?<![:\w])(?:vqtune|node)_\w+/g) ?? []
    expect(used.length).toBeGreaterThan(20)
    expect(used.filter((name) => !names.has(name))).toEqual([])
  })

  it('each alert says what it is, how bad, and what to do', () => {
    expect(alerts.length).toBe(12)
    for (const block of texts.split(/^ {6}- alert: /m).slice(1)) {
      for (const part of ['severity: ', 'summary: ', 'description: ', 'runbook_url: ', 'runbook: |'])
        expect(block).toContain(part)
    }
  })

  it('each alert links to its section of the page that the package has', () => {
    const page = readFileSync(join(FLEET, 'prometheus/runbooks.md'), 'utf8')
    // As GitHub and Markdown viewers make them of headings.
    const anchors = [...page.matchAll(/^## (.+)$/gm)].map(([, heading = '']) =>
      heading.toLowerCase().replaceAll(' ', '-'),
    )
    const links = [...texts.matchAll(/^ {10}runbook_url: (\S+)$/gm)].map(([, link = '']) => new URL(link))
    expect([...new Set(links.map(({ pathname }) => pathname))]).toEqual([
      '/usr/share/vqtune-fleet/prometheus/runbooks.md',
    ])
    expect(links.map(({ hash }) => hash)).toEqual(alerts.map((alert) => `#${alert.toLowerCase()}`))
    expect(anchors).toEqual(alerts.map((alert) => alert.toLowerCase()))
  })

  describe('unit tests', () => {
    const directory = mkdtempSync(join(tmpdir(), 'vqtune-rules-'))
    beforeAll(() => cpSync(join(FLEET, 'prometheus'), directory, { recursive: true }))

    it('pass', () => {
      expect(
        run('promtool', ['test', 'rules', 'vqtune.rules.test.yml'], join(FLEET, 'prometheus')),
      ).toMatchObject({
        code: 0,
      })
    })

    // Firing where they must is what this shows; that nothing else fires is in each comparison, which takes them all.
    it.each(alerts)('fail when %s never fires', (alert) => {
      const start = texts.indexOf(`- alert: ${alert}\n`)
      const end = texts.indexOf('        labels:', start)
      const broken = `${texts.slice(0, start)}- alert: ${alert}\n        expr: vector(0) == 1\n${texts.slice(end)}`
      writeFileSync(join(directory, 'vqtune.rules.yml'), broken)
      expect(run('promtool', ['test', 'rules', 'vqtune.rules.test.yml'], directory).code).toBe(1)
    })
  })
})

describe('dashboard', () => {
  const panels = dashboardPanels()

  it('asks for metrics and recordings that exist, in panels of their own place', () => {
    const recordings = [...readFileSync(RULES, 'utf8').matchAll(/- record: (\S+)/g)].map(
      (match) => match[1] as string,
    )
    const known = new Set([...names, ...recordings, 'ALERTS'])
    const used = panels.flatMap(({ exprs }) =>
      exprs.flatMap(
        (expr) =>
          expr.replace(/"[^"]*"/g, '""').match(/\b(?:job\w*:vqtune_[\w:]+|vqtune_\w+|node_\w+|ALERTS)\b/g) ??
          [],
      ),
    )
    expect(used.length).toBeGreaterThan(25)
    expect(used.filter((name) => !known.has(name))).toEqual([])
    // Each recording is for it, or for an alert.
    const alerts = readFileSync(RULES, 'utf8').replace(/^ *- record: .*$/gm, '')
    expect(recordings.filter((name) => !used.includes(name) && !alerts.includes(name))).toEqual([])
    const taken = new Set<string>()
    for (const { title, gridPos } of panels) {
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          expect(taken.has(`${x},${y}`), title).toBe(false)
          taken.add(`${x},${y}`)
        }
      }
      expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24)
    }
  })
})

describe('collection', () => {
  const source = join(FLEET, 'ansible')
  const role = join(source, 'roles/vqtune')
  /** With the collection as others get it: built, and installed from the file. */
  const installed = mkdtempSync(join(tmpdir(), 'vqtune-collection-'))
  beforeAll(() => {
    const galaxy = (...args: string[]) => run('ansible-galaxy', ['collection', ...args], source)
    const built = galaxy('build', '--output-path', installed)
    expect(built, built.text).toMatchObject({ code: 0 })
    const file = join(installed, readdirSync(installed)[0] as string)
    const got = galaxy('install', '--offline', '--collections-path', installed, file)
    expect(got, got.text).toMatchObject({ code: 0 })
  }, 120_000)

  it('has the role, with what it can be told, and the playbook', () => {
    const env = { ...process.env, ANSIBLE_COLLECTIONS_PATH: installed, ANSIBLE_NOCOLOR: 'True' }
    const said = (tool: string, ...args: string[]): string =>
      execFileSync(tool, args, { env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
    const docs = JSON.parse(said('ansible-doc', '-t', 'role', '--json', 'vqtune.guest.vqtune'))
    expect(Object.keys(docs['vqtune.guest.vqtune'].entry_points)).toEqual(['health', 'main'])
    const tasks = said('ansible-playbook', '-i', 'localhost,', '--list-tasks', 'vqtune.guest.rollout')
    expect(tasks).toMatch(/Install and configure[\s\S]*Reload the daemon now[\s\S]*Check the health/)
  }, 120_000)

  it('ansible-lint finds nothing, by its strictest profile', () => {
    const { code, text } = run(
      'ansible-lint',
      ['--offline', '--nocolor', '--profile', 'production', '--strict'],
      source,
    )
    expect(text).toContain('Passed with production profile: 0 failure(s), 0 warning(s)')
    expect(code).toBe(0)
  }, 180_000)

  it('describes every variable that has a default, and no other', () => {
    const keys = (file: string, pattern: RegExp): string[] =>
      [...readFileSync(join(role, file), 'utf8').matchAll(pattern)].map((match) => match[1] as string).sort()
    const defaults = keys('defaults/main.yml', /^(\w+):/gm)
    expect(defaults.length).toBeGreaterThan(8)
    expect([...new Set(keys('meta/argument_specs.yml', /^ {6}(vqtune_\w+):$/gm))]).toEqual(defaults)
  })

  describe('check mode, on this machine, which it leaves as it is', () => {
    const directory = mkdtempSync(join(tmpdir(), 'vqtune-role-'))
    /** With the directory that every RHEL has, in a layer above this machine's /etc. */
    const RHEL_ETC = `set -e; mount -t tmpfs none "$1"; mkdir "$1/upper" "$1/work"
mount -t overlay -o "lowerdir=/etc,upperdir=$1/upper,workdir=$1/work" none /etc
mkdir -p /etc/yum.repos.d
shift; exec "$@"`
    /** Runs the role, or the tasks of one file of it, with these variables. */
    const check = (variables: object, tasks = 'main'): { code: number | null; text: string } => {
      const include = { name: 'vqtune.guest.vqtune', tasks_from: tasks }
      const play = [
        { hosts: 'all', gather_facts: false, tasks: [{ include_role: include, vars: variables }] },
      ]
      writeFileSync(join(directory, 'play.yml'), JSON.stringify(play))
      writeFileSync(join(directory, 'vqtune'), `#!/bin/sh\nexec ${process.execPath} ${BUNDLE} "$@"\n`, {
        mode: 0o755,
      })
      const layer = mkdtempSync(join(directory, 'etc-'))
      const { status, stdout, stderr } = spawnSync(
        'unshare',
        [
          '-m',
          'sh',
          '-c',
          RHEL_ETC,
          'sh',
          layer,
          'ansible-playbook',
          '--check',
          '--diff',
          '-i',
          'localhost,',
          '-c',
          'local',
          join(directory, 'play.yml'),
        ],
        {
          encoding: 'utf8',
          env: {
            ...process.env,
            PATH: `${directory}:${process.env.PATH}`,
            ANSIBLE_COLLECTIONS_PATH: installed,
            ANSIBLE_LOCAL_TEMP: directory,
            ANSIBLE_PYTHON_INTERPRETER: '/usr/bin/python3',
            ANSIBLE_NOCOLOR: 'True',
          },
        },
      )
      return { code: status, text: stdout + stderr }
    }

    it('before the first installation: says what it would do, and looks no further', () => {
      const rpm = join(directory, 'vqtune-1-1.noarch.rpm')
      writeFileSync(rpm, '')
      const { code, text } = check({ vqtune_package_file: rpm })
      expect(code, text).toBe(0)
      expect(text).toMatch(/TASK \[vqtune.guest.vqtune : Copy the package\] \*+\nchanged: \[localhost\]/)
      expect(text).toMatch(/^localhost +: .*changed=1 +unreachable=0 +failed=0/m)
      expect(existsSync('/var/cache/vqtune-1-1.noarch.rpm')).toBe(false)
    }, 120_000)

    it('with a repository that is not there yet: says that it would add it, and asks it for nothing', () => {
      const { code, text } = check({ vqtune_repository_url: 'https://packages.invalid/vqtune' })
      expect(code, text).toBe(0)
      expect(text).toMatch(
        /TASK \[vqtune.guest.vqtune : Add the repository\] \*+\n[\s\S]*changed: \[localhost\]/,
      )
      expect(text).toContain('+baseurl = https://packages.invalid/vqtune')
      expect(text).toMatch(/TASK \[vqtune.guest.vqtune : Install the package\] \*+\nskipping: \[localhost\]/)
      expect(existsSync('/etc/yum.repos.d/vqtune.repo')).toBe(false)
    }, 120_000)

    it('a configuration that is not valid is one error with file and line, and is not put in place', () => {
      const guard = { 'window-seconds': 1 }
      const { code, text } = check({ vqtune_config: { guard } }, 'configure')
      expect(code, text).toBe(2)
      expect(text).toMatch(
        /"\/etc\/vqtune\/conf\.d\/50-ansible\.toml:\d+: guard\.window-seconds = 1.*5 to 3600/,
      )
      expect(text).toMatch(/^localhost +: .*changed=0 +unreachable=0 +failed=1/m)
      expect(text).not.toContain('Install the configuration')
    }, 120_000)
  })

  it('writes the configuration that the variable says', () => {
    const directory = mkdtempSync(join(tmpdir(), 'vqtune-role-'))
    const config = {
      'isolated-cpus': 'use',
      daemon: { 'report-cron': 'none', 'debounce-ms': 100 },
      metrics: { textfile: '/run/vqtune/ä "quoted" \\ 😀.prom' },
      defaults: { xps: false },
      nic: [
        { match: { name: 'eth[1-3]', mac: '52:54:00:*' }, cap: 4 },
        { match: { pci: '0000:00:03.0' }, enabled: false, 'on-conflict': 'yield' },
      ],
    }
    const render = (value: unknown): string => {
      const file = join(directory, 'out.toml')
      writeFileSync(join(directory, 'vars.json'), JSON.stringify({ vqtune_config: value }))
      const task = `src=${role}/templates/vqtune.toml.j2 dest=${file}`
      const options = ['-i', 'localhost,', '-c', 'local', '-e', `@${directory}/vars.json`]
      execFileSync('ansible', ['localhost', ...options, '-m', 'ansible.builtin.template', '-a', task], {
        env: { ...process.env, ANSIBLE_LOCALHOST_WARNING: 'False', ANSIBLE_LOCAL_TEMP: directory },
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      return readFileSync(file, 'utf8')
    }
    expect(parse(render(config))).toEqual(config)
    expect(parse(render({}))).toEqual({})
  }, 120_000)
})
