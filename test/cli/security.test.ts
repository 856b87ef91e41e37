/** The built binary against a hostile PATH and environment, and against names that users gave to real interfaces. */
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs'
import { builtinModules } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { execa } from 'execa'
import { describe, expect, it } from 'vitest'
import { parseLinks } from '../../src/kernel/ip-link'
import { BUNDLE, capturedRoot, vqtune } from '../support/bundle'
import { generateTree } from '../support/generated-tree'

/** Programs of these names that leave a mark when they are run. */
function trap(...names: string[]): { directory: string; sprung: () => boolean } {
  const directory = mkdtempSync(join(tmpdir(), 'vqtune-trap-'))
  const mark = `${directory}.sprung`
  for (const name of names) {
    writeFileSync(`${directory}/${name}`, `#!/bin/sh\necho ${name} >> ${mark}\n`)
    chmodSync(`${directory}/${name}`, 0o755)
  }
  return { directory, sprung: () => existsSync(mark) }
}

/** In a network namespace of its own with a sysfs that shows it: this machine's own NIC stays out of it. */
const APART = ['unshare', '--net', '--mount', 'sh', '-c', 'mount -t sysfs sysfs /sys; "$@"', 'sh'] as const

describe('PATH and environment of the caller', () => {
  it('name no program and load no library or module', async () => {
    const { directory, sprung } = trap('ethtool', 'ip', 'sh', 'flock', 'stdbuf', 'lscpu', 'dmidecode', 'node')
    const env = { PATH: directory, HOME: directory, LC_ALL: 'tr_TR.UTF-8', BASH_ENV: `${directory}/sh` }
    const root = capturedRoot('hotplug-drift')
    const { code, stdout } = await vqtune(['plan', '--root', root], env)
    expect({ code, sprung: sprung() }).toEqual({ code: 0, sprung: false })
    expect(stdout).toContain('channels 2 -> 4')
  })

  it('name no program for the inventory of a report, which runs shells', async () => {
    const { directory, sprung } = trap('lscpu', 'dmidecode', 'cat', 'grep', 'dmesg', 'which', 'ls')
    const result = await execa(
      APART[0],
      [...APART.slice(1), process.execPath, BUNDLE, 'report', '--window', '1'],
      {
        env: { PATH: `${directory}:${process.env.PATH}`, 'BASH_FUNC_lscpu%%': `() { ${directory}/lscpu; }` },
        reject: false,
      },
    )
    expect({ code: result.exitCode, stderr: result.stderr }).toEqual({ code: 0, stderr: '' })
    expect(sprung()).toBe(false)
  })

  it('do not reach the runtime through systemd, and lines of apply are not read as priorities', () => {
    const directory = fileURLToPath(new URL('../../systemd', import.meta.url))
    const services = readdirSync(directory).filter((name) => name.endsWith('.service'))
    expect(services.length).toBeGreaterThan(2)
    for (const name of services) {
      const unit = readFileSync(`${directory}/${name}`, 'utf8')
      expect(unit, name).toMatch(/^UnsetEnvironment=NODE_OPTIONS NODE_PATH NODE_EXTRA_CA_CERTS$/m)
      if (/^ExecStart=\S+( apply |boot-gate$)/m.test(unit))
        expect(unit, name).toMatch(/^SyslogLevelPrefix=no$/m)
    }
  })

  it('the bundle asks for modules of Node and of its own only, so none is looked for on disk', () => {
    const own = readdirSync(dirname(BUNDLE)).map((name) => `./${name}`)
    const known = new Set([...builtinModules, ...builtinModules.map((name) => `node:${name}`), ...own])
    // For macOS; systeminformation tries them there only.
    for (const name of ['macos-temperature-sensor', 'osx-temperature-sensor']) known.add(name)
    const asked = own
      .filter((name) => name.endsWith('.cjs'))
      .flatMap((name) => [
        ...readFileSync(join(dirname(BUNDLE), name), 'utf8').matchAll(/\brequire\("([^"]+)"\)/g),
      ])
      .map(([, name = '']) => name)
    expect(asked.length).toBeGreaterThan(20)
    expect(asked.filter((name) => !known.has(name))).toEqual([])
  })
})

describe('names that users gave to interfaces', () => {
  const NAMES = [
    '-L',
    'a;reboot',
    '$(reboot)',
    '*',
    '<0>wall',
    'e\u001b[8mX',
    'c1\u009b2J',
    '--json',
    'q\'"q',
    '\\',
  ]

  it('iproute2 prints them as no JSON, which is read all the same; altnames too', () => {
    const script = [
      ...NAMES.map((_, i) => `ip tuntap add mode tap name "\${${i + 1}}"`),
      `ip link property add dev "$1" altname "$(printf 'alt\\033]0;x')" altname "$(printf 'y%.0s' $(seq 127))"`,
      'exec ip -j -d link show',
    ].join(' && ')
    const text = execFileSync('unshare', ['--net', 'sh', '-c', script, 'sh', ...NAMES], { encoding: 'utf8' })
    expect(() => JSON.parse(text)).toThrow()
    const links = parseLinks(text)
    expect([...links.keys()].sort()).toEqual(['lo', ...NAMES].sort())
    expect(links.get('-L')?.altnames).toEqual(['alt\u001b]0;x', 'y'.repeat(127)])
  })

  it.each(['-L', '$(reboot)', 'q\'"q', 'c1\u009b2J', '--', 'ä😀'])(
    '%j: tuned by the command that is shown, and nothing is printed that a terminal obeys',
    async (name) => {
      const { root, remove } = generateTree(2, [{ name, maximum: 2, current: 1, counts: [2] }])
      try {
        const explain = await vqtune(['explain', '--root', root, '--', name])
        const next = /^Next: (vqtune apply .*)$/m.exec(explain.stdout)?.[1] ?? 'no command'
        const shell = `vqtune() { verb=$1; shift; "$NODE" "$BUNDLE" "$verb" --root "$ROOT" "$@"; }; ${next}`
        const env = { NODE: process.execPath, BUNDLE, ROOT: root }
        // bash takes a socket for a remote shell's and reads ~/.bashrc then.
        const apply = await execa('bash', ['-c', shell], { extendEnv: false, env, stdin: 'ignore' })
        expect(apply.stdout, next).toContain('converged: 1 NIC, 1 change')
        const status = await vqtune(['status', '--json', '--root', root])
        expect(JSON.parse(status.stdout).nics).toMatchObject([{ name, channels: { current: 2 } }])
        for (const { stdout, stderr } of [explain, apply, status]) {
          expect(stderr).toBe('')
          // biome-ignore lint/suspicious/noControlCharactersInRegex: what must not be there.
          expect(stdout).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/)
        }
      } finally {
        remove()
      }
    },
  )

  it('`*` and bytes that are no text are left out with the way out, and the other NIC is tuned', async () => {
    const names = ['*', 'bytes', 'eth1']
    const nics = names.map((name) => ({ name, maximum: 2, current: 1, counts: [2] }))
    const { root, remove } = generateTree(2, nics)
    try {
      const links = `${root}/sys/class/net/`
      renameSync(`${links}bytes`, Buffer.concat([Buffer.from(links), Buffer.from([0xff, 0xfe])]))
      const status = await vqtune(['status', '--root', root])
      const way = 'give it another (N is its number in "ip link"): ip link set dev ifN name NAME'
      expect(status.stdout).toContain(`*: not a target: ethtool takes * for all interfaces: ${way}\n`)
      expect(status.stdout).toContain(`\ufffd\ufffd: not a target: its name is not UTF-8: ${way}\n`)
      const apply = await vqtune(['apply', '--root', root])
      expect(apply).toMatchObject({ code: 0, stderr: '' })
      expect(apply.stdout).toContain('converged: 1 NIC, 1 change')
      const calls = readFileSync(`${root}/calls`, 'utf8').trim().split('\n')
      expect(calls.at(-1)).toBe('-L eth1 combined 2')
      expect(calls.filter((call) => !/^-[lL] eth1\b/.test(call))).toEqual([])
    } finally {
      remove()
    }
  })

  it('what is typed comes back without the power to move the cursor', async () => {
    const root = capturedRoot('hotplug-drift')
    const { code, stderr } = await vqtune(['status', 'x\u001b[2J\nvqtune: fine', '--root', root])
    expect(code).toBe(2)
    expect(stderr).toMatch(/^vqtune: x\\u001b\[2J\\u000avqtune: fine: /)
    expect(stderr.trim().split('\n')).toHaveLength(1)
  })
})
