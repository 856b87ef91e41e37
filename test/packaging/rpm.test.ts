/** What is in the RPMs, that they are reproducible, and `dnf swap`: without a guest. */
import { execFileSync, spawnSync } from 'node:child_process'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SCHEMAS } from '../../src/output/schemas/index'
import {
  type BuiltRpms,
  buildProvider,
  buildRpms,
  libraryRequirements,
  NODE_PROVIDES,
  SYSTEM_PROVIDES,
  TOP,
} from './rpms'

let rpms: BuiltRpms
beforeAll(async () => {
  rpms = await buildRpms(1)
}, 600_000)

const query = (rpm: string, ...args: string[]): string[] =>
  execFileSync('rpm', ['-qp', ...args, rpm], { encoding: 'utf8' })
    .split('\n')
    .filter(Boolean)

interface Sbom {
  readonly components: readonly {
    readonly name: string
    readonly version: string
    readonly purl: string
    readonly hashes: readonly { readonly content: string }[]
    readonly licenses: readonly { readonly license: { readonly id: string } }[]
  }[]
}

/** The bill of materials in a package. */
function sbomOf(rpm: string, file = '/usr/share/vqtune/sbom.cdx.json'): Sbom {
  return JSON.parse(fileOf(rpm, file))
}

/** The text of a file in a package. */
function fileOf(rpm: string, file: string): string {
  const script = 'rpm2cpio "$1" | cpio -i --quiet --to-stdout ".$2"'
  return execFileSync('sh', ['-c', script, 'sh', rpm, file], { encoding: 'utf8', maxBuffer: 1 << 24 })
}

describe.each(['arch', 'noarch'] as const)('%s package', (variant) => {
  it('holds what it should, root-owned, configuration marked, nothing writable by others', () => {
    const files = query(rpms[variant], '-l')
    for (const file of [
      '/usr/bin/vqtune',
      '/usr/libexec/vqtune/vqtune.cjs',
      '/usr/libexec/vqtune/boot-gate',
      '/usr/libexec/vqtune/vqtune-config.js',
      '/usr/libexec/vqtune/vqtune-daemon.js',
      '/usr/libexec/vqtune/vqtune-full.js',
      '/usr/lib/systemd/system/vqtune-boot.service',
      '/usr/lib/systemd/system-preset/90-vqtune.preset',
      '/usr/lib/udev/rules.d/90-vqtune.rules',
      '/usr/lib/tmpfiles.d/vqtune.conf',
      '/usr/lib/greenboot/check/wanted.d/50_vqtune.sh',
      '/usr/share/man/man8/vqtune.8.gz',
      '/usr/share/man/man5/vqtune.toml.5.gz',
      '/usr/share/bash-completion/completions/vqtune',
      '/usr/share/zsh/site-functions/_vqtune',
      '/usr/share/fish/vendor_completions.d/vqtune.fish',
      ...Object.keys(SCHEMAS).map((name) => `/usr/share/vqtune/schema/${name}.schema.json`),
      '/usr/share/vqtune/vqtuned-open-notify.conf',
      '/usr/share/vqtune/sbom.cdx.json',
      // Not below /etc/audit: an administrator decides.
      '/usr/share/vqtune/audit/vqtune.rules',
    ]) {
      expect(files).toContain(file)
    }
    // The runtime, and for each bundle a cache for commands by hand and one for the units.
    expect(files.filter((file) => /node$|\.cache$/.test(file)).length).toBe(variant === 'arch' ? 9 : 0)
    const units = ['vqtune-boot', 'vqtune-reconcile', 'vqtuned']
    expect(files.filter((file) => file.endsWith('/40-private-runtime.conf'))).toEqual(
      variant === 'arch'
        ? units.map((unit) => `/usr/lib/systemd/system/${unit}.service.d/40-private-runtime.conf`)
        : [],
    )
    expect(query(rpms[variant], '-c')).toEqual(['/etc/sos/extras.d/vqtune', '/etc/vqtune/vqtune.toml'])
    const owners = query(rpms[variant], '--qf', '[%{FILEMODES:perms} %{FILEUSERNAME}:%{FILEGROUPNAME}\n]')
    expect([...new Set(owners.map((line) => line.split(' ')[1]))]).toEqual(['root:root'])
    expect(owners.filter((line) => !line.startsWith('l') && /^.{5}w|^.{8}w/.test(line))).toEqual([])
    expect(files.filter((file) => file.startsWith('/etc/audit'))).toEqual([])
    expect(files.some((file) => file.includes(TOP) || file.startsWith('/usr/com'))).toBe(false)
  })

  it('requires ethtool and flock, and names what is bundled and under which licences', () => {
    const requires = query(rpms[variant], '--requires').map((line) => line.trim())
    expect(requires).toEqual(expect.arrayContaining(['ethtool', 'util-linux', 'systemd-udev']))
    expect(requires.some((line) => line.startsWith('nodejs(engine) >= 20'))).toBe(variant === 'noarch')

    // From the bundle itself, not from the build's own list.
    const directory = mkdtempSync(join(tmpdir(), 'vqtune-bundle-'))
    execFileSync(process.execPath, [join(TOP, 'packaging/bundle.mjs'), directory])
    const metafiles = JSON.parse(readFileSync(join(directory, 'meta.json'), 'utf8'))
    const names = new Set<string>()
    for (const { outputs } of Object.values<{
      outputs: Record<string, { inputs: Record<string, { bytesInOutput: number }> }>
    }>(metafiles)) {
      for (const { inputs } of Object.values(outputs)) {
        for (const [path, { bytesInOutput }] of Object.entries(inputs)) {
          const name = /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1]
          if (name !== undefined && bytesInOutput > 0) names.add(name)
        }
      }
    }
    const provides = query(rpms[variant], '--provides')
    const bundled = provides.flatMap((line) => /^bundled\(npm\((.+)\)\) = \d/.exec(line)?.[1] ?? [])
    expect([...new Set(bundled)].sort()).toEqual([...names].sort())
    expect(names.has('smol-toml')).toBe(true)

    const tag = query(rpms[variant], '--qf', '%{license}')[0]?.split(' AND ') ?? []
    const licences = execFileSync(process.execPath, [join(TOP, 'packaging/bundled.mjs'), directory], {
      encoding: 'utf8',
    })
    for (const line of licences.trim().split('\n')) expect(tag, line).toContain(line.split(' ')[2])
    const texts = readFileSync(join(directory, 'LICENSE.bundled'), 'utf8')
    for (const name of names) expect(texts).toContain(`\n${name} `)

    // The bill of materials says the same, with versions, and the runtime where there is one.
    const sbom = sbomOf(rpms[variant])
    expect(sbom).toMatchObject({ bomFormat: 'CycloneDX', metadata: { component: { name: 'vqtune' } } })
    const versions = provides.flatMap((line) => {
      const [, name, version] = /^bundled\(npm\((.+)\)\) = (\S+)/.exec(line) ?? []
      return name === undefined ? [] : [`${name}@${version}`]
    })
    const runtime = provides.flatMap((line) => /^bundled\(nodejs\) = (\S+)/.exec(line)?.[1] ?? [])
    expect(runtime.length).toBe(variant === 'arch' ? 1 : 0)
    const node = runtime.map((version) => `nodejs@${version}`)
    expect(sbom.components.map(({ name, version }) => `${name}@${version}`).sort()).toEqual(
      [...versions, ...node].sort(),
    )
    for (const { name, hashes, licenses, purl } of sbom.components) {
      expect(hashes[0]?.content, name).toMatch(/^[0-9a-f]{128}$/)
      expect(purl, name).toMatch(/^pkg:npm\/\S+@\S+$/)
      expect(tag, name).toContain(licenses[0]?.license.id)
    }
  })
})

it('fleet package: rules, dashboard and a collection where Ansible looks for it; installable without vqtune', () => {
  const files = query(rpms.fleet, '-l')
  for (const file of [
    '/usr/share/vqtune-fleet/prometheus/vqtune.rules.yml',
    '/usr/share/vqtune-fleet/grafana/vqtune.json',
    '/usr/share/vqtune-fleet/examples/Containerfile',
    // Where the alerts' links lead.
    '/usr/share/vqtune-fleet/prometheus/runbooks.md',
    ...[
      'galaxy.yml',
      'playbooks/rollout.yml',
      'roles/vqtune/tasks/main.yml',
      'roles/vqtune/meta/argument_specs.yml',
    ].map((name) => `/usr/share/ansible/collections/ansible_collections/vqtune/guest/${name}`),
  ]) {
    expect(files).toContain(file)
  }
  expect(query(rpms.fleet, '--requires').filter((line) => !line.startsWith('rpmlib('))).toEqual([])
  expect(query(rpms.fleet, '--qf', '%{license}')).toEqual(['Apache-2.0'])
  const owners = query(rpms.fleet, '--qf', '[%{FILEMODES:perms} %{FILEUSERNAME}:%{FILEGROUPNAME}\n]')
  expect([...new Set(owners)].sort()).toEqual(['-rw-r--r-- root:root', 'drwxr-xr-x root:root'])
  expect(query(rpms.arch, '-l').filter((file) => /fleet|ansible/.test(file))).toEqual([])
})

it('PCP package: where the OpenMetrics agent and pmrep look', () => {
  const files = ['/etc/pcp/pmrep/vqtune.conf', '/var/lib/pcp/pmdas/openmetrics/config.d/vqtune.url']
  expect(query(rpms.pcp, '-c')).toEqual(files)
  expect(query(rpms.pcp, '--requires').filter((line) => !/^(rpmlib|config)\(/.test(line))).toEqual([
    'pcp-pmda-openmetrics',
  ])
  expect(query(rpms.pcp, '--qf', '%{arch}')).toEqual(['noarch'])
})

/** The type that a file gets from the module: as libselinux has it, what is more specific comes last. */
function typesIn(contexts: string): (file: string) => string | undefined {
  const rules = contexts
    .split('\n')
    .filter((line) => line.startsWith('/'))
    .map((line) => line.split(/\s+/))
  const plain = (pattern: string): number => pattern.search(/[.^$?*+|[({\\]/)
  const stem = (pattern: string): number => (plain(pattern) === -1 ? Infinity : plain(pattern))
  rules.sort(([a = ''], [b = '']) => stem(a) - stem(b))
  return (file) => {
    const rule = rules.findLast(([pattern]) => new RegExp(`^(?:${pattern})$`).test(file))
    return rule?.at(-1)?.split(':')[2]
  }
}

it('SELinux package: the compiled module, and a label for each file of vqtune that needs its own', () => {
  const work = mkdtempSync(join(tmpdir(), 'vqtune-selinux-'))
  const script = `rpm2cpio "$1" | cpio -id --quiet && bunzip2 usr/share/selinux/packages/*/vqtune.pp.bz2 &&
    semodule_unpackage usr/share/selinux/packages/*/vqtune.pp module contexts`
  execFileSync('sh', ['-c', script, 'sh', rpms.selinux], { cwd: work })
  expect(readFileSync(join(work, 'module')).subarray(8, 23).toString()).toBe('SE Linux Module')

  const contexts = readFileSync(join(work, 'contexts'), 'utf8')
  const typeOf = typesIn(contexts)
  const files = query(rpms.arch, '-l')
  const types = files.map((file) => [file, typeOf(file)] as const)
  const withType = (type: string): string[] => types.flatMap(([file, its]) => (its === type ? [file] : []))
  expect(withType('vqtune_exec_t').sort()).toEqual([
    '/usr/libexec/vqtune/boot-gate',
    '/usr/libexec/vqtune/vqtune.cjs',
  ])
  expect(withType('vqtune_trace_exec_t')).toEqual(['/usr/libexec/vqtune/writer-trace'])
  expect(withType('bin_t')).toEqual(['/usr/libexec/vqtune/node'])
  expect(withType('vqtune_etc_t').sort()).toEqual([
    '/etc/vqtune',
    '/etc/vqtune/conf.d',
    '/etc/vqtune/vqtune.toml',
    '/usr/lib/vqtune',
  ])
  expect(withType('vqtune_var_lib_t')).toEqual(['/var/lib/vqtune'])
  const units = files.filter((file) => /^\/usr\/lib\/systemd\/system\/vqtune/.test(file))
  expect(withType('vqtune_unit_file_t').sort()).toEqual(units.sort())
  expect(units.length).toBeGreaterThan(4)

  // What units start without `+` comes into the domain by these two; what they create has its type.
  const started = units.flatMap((unit) =>
    [...readUnit(unit).matchAll(/^ExecStart=(\S+)/gm)].map(([, program = '']) => program),
  )
  expect(new Set(started)).toEqual(new Set(['/usr/bin/vqtune', '/usr/libexec/vqtune/boot-gate']))
  expect(query(rpms.arch, '--qf', '[%{FILENAMES} %{FILELINKTOS}\n]')).toContain(
    '/usr/bin/vqtune ../libexec/vqtune/vqtune.cjs',
  )
  for (const file of ['/run/vqtune/ledger.json', '/run/vqtuned', '/var/run/vqtune/lock'])
    expect(typeOf(file)).toBe('vqtune_runtime_t')
  expect(typeOf('/run/vqtune.installing')).toBeUndefined()
  const collectors = /^ReadWritePaths=.*node.*$/m
    .exec(readUnit('vqtuned.service'))?.[0]
    .match(/(?<=-)\/var\S+/g)
  expect(collectors).toHaveLength(2)
  for (const directory of collectors ?? [])
    expect(typeOf(`${directory}/vqtune.prom`), directory).toBe('vqtune_textfile_t')

  // Only ever wanted with the policy that it was compiled for, and only loaded into that one.
  const store = readdirSync(join(work, 'usr/share/selinux/packages'))
  for (const variant of ['arch', 'noarch'] as const)
    expect(query(rpms[variant], '--recommends')).toEqual([`(vqtune-selinux if selinux-policy-${store[0]})`])
  expect(query(rpms.selinux, '--scripts').join('\n')).toContain(`if [ "$SELINUXTYPE" = ${store[0]} ]`)
})

function readUnit(path: string): string {
  const name = path.split('/').at(-1) ?? ''
  return name.endsWith('.service') ? readFileSync(join(TOP, 'systemd', name), 'utf8') : ''
}

it('cockpit package: the page with what it bundles, for exactly this vqtune; nothing of it in the others', () => {
  const { cockpit } = rpms
  const page = '/usr/share/cockpit/vqtune'
  const metainfo = '/usr/share/metainfo/io.github.vqtune.cockpit.metainfo.xml'
  const files = query(cockpit, '-l')
  expect(files.filter((file) => file.startsWith(`${page}/`)).sort()).toEqual(
    ['index.css', 'index.html', 'index.js', 'manifest.json'].map((file) => `${page}/${file}`),
  )
  expect(fileOf(cockpit, metainfo)).toContain('<launchable type="cockpit-manifest">vqtune</launchable>')
  expect(fileOf(cockpit, `${page}/manifest.json`)).not.toContain('unsafe')
  const owners = query(cockpit, '--qf', '[%{FILEMODES:perms} %{FILEUSERNAME}:%{FILEGROUPNAME}\n]')
  expect([...new Set(owners)].sort()).toEqual(['-rw-r--r-- root:root', 'drwxr-xr-x root:root'])
  expect(
    query(cockpit, '--requires')
      .filter((line) => !line.startsWith('rpmlib('))
      .sort(),
  ).toEqual(['cockpit-bridge', expect.stringMatching(/^vqtune = \d+\.\d+\.\d+$/)])
  const provided = query(rpms.noarch, '--provides').map((line) => line.replace(/-1$/, ''))
  expect(provided).toContain(query(cockpit, '--requires').find((line) => line.startsWith('vqtune = ')))
  // What is bundled: in the package's own words, in the bill of materials and in the licences.
  const bundled = query(cockpit, '--provides').flatMap((line) => {
    const [, name, version] = /^bundled\(npm\((.+)\)\) = (\S+)/.exec(line) ?? []
    return name === undefined ? [] : [`${name}@${version}`]
  })
  expect(bundled).toEqual(expect.arrayContaining([expect.stringMatching(/^react-dom@/)]))
  const { components } = sbomOf(cockpit, '/usr/share/vqtune-cockpit/sbom.cdx.json')
  expect(components.map(({ purl }) => decodeURIComponent(purl.replace('pkg:npm/', ''))).sort()).toEqual(
    bundled.sort(),
  )
  const licences = query(cockpit, '--qf', '%{license}')[0]?.split(' AND ')
  for (const { name, licenses } of components) expect(licences, name).toContain(licenses[0]?.license.id)
  const texts = fileOf(cockpit, files.find((file) => file.endsWith('/LICENSE.bundled-cockpit')) ?? '')
  for (const one of bundled) expect(texts).toContain(`\n${one.replace(/(.)@/, '$1 ')} (`)
  expect(query(rpms.arch, '-l').filter((file) => file.includes('cockpit'))).toEqual([])
  expect(query(rpms.arch, '--provides').filter((line) => line.includes('react'))).toEqual([])
})

it('rpmlint finds nothing', () => {
  const packages = [rpms.arch, rpms.noarch, rpms.fleet, rpms.pcp, rpms.selinux, rpms.cockpit]
  const args = ['-c', join(TOP, 'packaging/rpmlint.toml'), ...packages, rpms.spec]
  const { stdout } = spawnSync('rpmlint', args, { encoding: 'utf8' })
  expect(stdout).toContain('6 packages and 1 specfiles checked; 0 errors, 0 warnings')
}, 120_000)

/** Signed with a key that is made for it. */
let signed: BuiltRpms
const KEY = 'tests@vqtune.invalid'

/** A keyring with one key. gpg's agent, whose socket is there, ends with the directory. */
function makeKey(address: string): string {
  // A socket's path may have 107 characters.
  const keyring = mkdtempSync('/tmp/vqt-gpg-')
  const options = ['--batch', '--quiet', '--passphrase', '', '--quick-gen-key']
  execFileSync('gpg', [...options, `vqtune tests <${address}>`, 'rsa3072', 'sign', 'never'], {
    env: { ...process.env, GNUPGHOME: keyring },
    stdio: 'ignore',
  })
  return keyring
}

const keyrings: string[] = []
afterAll(() => {
  for (const keyring of keyrings) {
    spawnSync('gpgconf', ['--homedir', keyring, '--kill', 'all'])
    rmSync(keyring, { recursive: true, force: true })
  }
})

it('a second build, which is signed, gives the same payload and files', async () => {
  const first = process.env.VQTUNE_TEST_RPMS ? await buildRpms(1, { fresh: true }) : rpms
  const keyring = makeKey(KEY)
  keyrings.push(keyring)
  process.env.GNUPGHOME = keyring
  const second = await buildRpms(1, { fresh: true, sign: KEY })
  signed = second
  const digests = (rpm: string) =>
    query(rpm, '--qf', '%{PAYLOADDIGEST} %{PAYLOADDIGESTALT}\n[%{FILENAMES} %{FILEDIGESTS}\n]')
  for (const variant of ['arch', 'noarch', 'fleet', 'pcp', 'selinux', 'cockpit'] as const) {
    expect(digests(second[variant])).toEqual(digests(first[variant]))
  }
}, 600_000)

/** The files that a program of this system is linked with, its loader among them. */
function librariesOf(program: string): string[] {
  const path = execFileSync('which', [program], { encoding: 'utf8' }).trim()
  return [...execFileSync('ldd', [path], { encoding: 'utf8' }).matchAll(/(?<=\s)\/\S+(?= \()/g)].map(
    ([file]) => file,
  )
}

/**
 * dnf itself, in a directory of its own. systemctl there writes down what it was asked, and enables and disables; there is no
 * systemd that it could ask to start or stop: real guests show what that makes of it (test/vm/rpm.test.ts).
 */
describe('dnf', () => {
  const root = mkdtempSync(join(tmpdir(), 'vqtune-dnf-'))
  const asked = (): string[] => {
    const log = join(root, 'systemctl.log')
    const lines = existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n') : []
    writeFileSync(log, '')
    return lines.filter((line) => line !== '' && line !== 'daemon-reload')
  }
  const dnf = (...args: string[]): void => {
    const options = [`--installroot=${root}`, '--disablerepo=*', '--nogpgcheck', '--releasever=9', '-y', '-q']
    const { status, stdout, stderr } = spawnSync(
      'dnf',
      [...options, '--setopt=keepcache=0', '--setopt=tsflags=', ...args],
      { cwd: rpms.directory, encoding: 'utf8' },
    )
    if (status !== 0) throw new Error(`dnf ${args.join(' ')}: ${status}\n${stdout}${stderr}`)
  }
  const units = 'vqtune-boot.service vqtune-reconcile.path vqtuned.service'
  const unitStates = (): string[] => {
    const { stdout } = spawnSync('systemctl', ['--root', root, 'is-enabled', ...units.split(' ')], {
      encoding: 'utf8',
    })
    return stdout.trim().split('\n')
  }
  const config = join(root, 'etc/vqtune/vqtune.toml')
  const NEW_SYSTEMD = '257 (257.9-1~deb13u1)'
  const beSystemd = (version: string) =>
    writeFileSync(join(root, 'systemd'), `systemd ${version}\n+PAM +AUDIT +SELINUX\n`)
  const openNotify = join(root, 'usr/lib/systemd/system/vqtuned.service.d/50-open-notify.conf')

  beforeAll(async () => {
    for (const directory of ['bin', 'usr/bin', 'run/systemd/system', 'tmp', 'dev']) {
      mkdirSync(join(root, directory), { recursive: true })
    }
    copyFileSync('/bin/busybox', join(root, 'bin/busybox'))
    for (const name of ['sh', 'cat', 'touch', 'rm']) symlinkSync('busybox', join(root, 'bin', name))
    for (const [name, text] of [
      [
        'systemctl',
        `#!/bin/sh
if [ "$*" = --version ]; then cat /systemd; exit; fi
echo "$@" >>/systemctl.log
case "$*" in *preset*|*able*) SYSTEMD_OFFLINE=1 exec /bin/systemctl.real "$@" ;; esac
`,
      ],
      ['systemd-tmpfiles', '#!/bin/sh\n'],
    ] as const) {
      writeFileSync(join(root, 'bin', name), text, { mode: 0o755 })
    }
    for (const [from, to] of [
      [execFileSync('which', ['systemctl'], { encoding: 'utf8' }).trim(), 'bin/systemctl.real'],
      ...librariesOf('systemctl').map((file) => [file, file]),
    ] as [string, string][]) {
      mkdirSync(dirname(join(root, to)), { recursive: true })
      copyFileSync(from, join(root, to))
    }
    beSystemd(NEW_SYSTEMD)
    const directory = mkdtempSync(join(tmpdir(), 'vqtune-provider-'))
    const system = [...SYSTEM_PROVIDES, ...NODE_PROVIDES, ...(await libraryRequirements(rpms.arch))]
    dnf('install', await buildProvider('system', system, directory))
  }, 120_000)

  it('installs by the documented command, beside the other packages that were built; presets, and starts nothing', () => {
    // A shell expands it where build-rpm puts the packages: all of them, also those that conflict, and the sources.
    const documented = ['README.md', 'packaging/README.md'].map(
      (file) => /dnf install (\.\/[^`\n]+)/.exec(readFileSync(join(TOP, file), 'utf8'))?.[1] ?? 'no command',
    )
    const [words, ...others] = documented.map((pattern) =>
      execFileSync('sh', ['-c', `printf '%s\\n' ${pattern}`], { cwd: rpms.directory, encoding: 'utf8' }),
    )
    expect(others).toEqual([words])
    expect(readdirSync(rpms.directory).filter((name) => name.endsWith('.rpm')).length).toBeGreaterThan(3)
    dnf('install', ...String(words).trim().split('\n'))
    expect(asked()).toEqual([`--no-reload preset ${units}`, 'try-restart vqtuned.service'])
    expect(existsSync(join(root, 'run/vqtune.installing'))).toBe(false)
    expect(readFileSync(openNotify, 'utf8')).toContain('\n[Service]\nOpenFile=')
    expect(unitStates()).toEqual(['enabled', 'enabled', 'enabled'])
  }, 120_000)

  it('swaps the packages either way: nothing is enabled, disabled or stopped, changed configuration stays', () => {
    writeFileSync(config, '# mine\n')
    // As an administrator did, who wants channels and interrupts to be set by nobody but himself.
    execFileSync(
      'systemctl',
      ['--root', root, '--quiet', 'disable', 'vqtuned.service', 'vqtune-boot.service'],
      {
        stdio: 'ignore',
      },
    )
    const disabled = ['disabled', 'enabled', 'disabled']
    expect(unitStates()).toEqual(disabled)
    for (const [leaving, rpm, node] of [
      ['vqtune', rpms.noarch, false],
      ['vqtune-noarch', rpms.arch, true],
    ] as const) {
      dnf('swap', leaving, rpm)
      const lines = asked()
      expect(lines.filter((line) => /preset|able|stop/.test(line))).toEqual([])
      expect(unitStates()).toEqual(disabled)
      expect(lines.at(-1)).toBe('try-restart vqtuned.service')
      expect(readFileSync(config, 'utf8')).toBe('# mine\n')
      expect(existsSync(join(root, 'usr/lib/systemd/system/vqtuned.service'))).toBe(true)
      expect(existsSync(join(root, 'usr/libexec/vqtune/vqtune.cjs'))).toBe(true)
      expect(existsSync(join(root, 'usr/libexec/vqtune/node'))).toBe(node)
      expect(existsSync(openNotify)).toBe(true)
    }
  }, 240_000)

  it('gives systemd only what it knows: OpenFile= from 253 on', () => {
    for (const [version, known] of [
      ['239 (239-58.el8)', false],
      ['252 (252-18.el9)', false],
      ['no version', false],
      ['253 (v253.1)', true],
      [NEW_SYSTEMD, true],
    ] as const) {
      beSystemd(version)
      rmSync(openNotify, { force: true })
      dnf('reinstall', rpms.arch)
      expect([version, existsSync(openNotify)]).toEqual([version, known])
    }
    expect(asked().filter((line) => /preset|able/.test(line))).toEqual([])
    expect(unitStates()).toEqual(['disabled', 'enabled', 'disabled'])
  }, 240_000)

  it('removes: stops and disables, also after a transaction that was killed', () => {
    writeFileSync(join(root, 'run/vqtune.installing'), '1 swap\n')
    dnf('remove', 'vqtune')
    expect(asked()).toEqual([`--no-reload disable --now ${units} vqtune-reconcile.service`])
    expect(existsSync(join(root, 'etc/systemd/system/multi-user.target.wants/vqtune-reconcile.path'))).toBe(
      false,
    )
    expect(readFileSync(`${config}.rpmsave`, 'utf8')).toBe('# mine\n')
    expect(existsSync(dirname(openNotify))).toBe(false)
  }, 120_000)

  it('installs after that as if for the first time', () => {
    dnf('install', rpms.noarch)
    expect(asked()).toEqual([`--no-reload preset ${units}`, 'try-restart vqtuned.service'])
    expect(unitStates()).toEqual(['enabled', 'enabled', 'enabled'])
    expect(existsSync(join(root, 'run/vqtune.installing'))).toBe(false)
  }, 120_000)

  describe('from a repository, with gpgcheck=1 and repo_gpgcheck=1', () => {
    const place = mkdtempSync(join(tmpdir(), 'vqtune-repo-'))
    const repository = join(place, 'repo')
    const makeRepository = (...options: string[]) =>
      spawnSync(
        join(TOP, 'packaging/build-repo'),
        ['--out', repository, '--from', signed.directory, ...options],
        {
          encoding: 'utf8',
        },
      )

    /** dnf as a guest has it: nothing but the .repo file, and the cache of no other try. */
    const install = (...options: string[]) => {
      const { status, stdout, stderr } = spawnSync(
        'dnf',
        [
          ...[
            `--installroot=${root}`,
            `--setopt=reposdir=${repository}`,
            '--setopt=keepcache=0',
            '--setopt=tsflags=',
          ],
          ...[`--setopt=cachedir=${mkdtempSync(join(place, 'cache-'))}`, '--releasever=9', '-y', ...options],
          ...['install', 'vqtune-noarch'],
        ],
        { encoding: 'utf8' },
      )
      return { status, said: `${stdout}${stderr}` }
    }
    const isInstalled = () => existsSync(join(root, 'usr/bin/vqtune'))
    const rpmIn = (directory: string) =>
      join(
        directory,
        readdirSync(directory).find((name) => /^vqtune-noarch-.*\.noarch\.rpm$/.test(name)) ?? '',
      )

    beforeAll(() => {
      dnf('remove', 'vqtune-noarch')
      expect(isInstalled()).toBe(false)
      expect(makeRepository('--sign', KEY)).toMatchObject({ status: 0, stderr: '' })
    }, 120_000)

    it('the metadata are signed, and the .repo file asks for all of it', () => {
      const file = readFileSync(join(repository, 'vqtune.repo'), 'utf8')
      expect(file.split('\n')).toEqual(
        expect.arrayContaining([
          'gpgcheck=1',
          'repo_gpgcheck=1',
          `gpgkey=file://${repository}/RPM-GPG-KEY-vqtune`,
        ]),
      )
      const data = join(repository, 'repodata/repomd.xml')
      expect(spawnSync('gpg', ['--batch', '--verify', `${data}.asc`, data]).status).toBe(0)
    })

    it('a package with one bit changed is refused, even with new metadata, as they are not signed', () => {
      const kept = readFileSync(rpmIn(repository))
      const damaged = Buffer.from(kept)
      damaged[damaged.length - 100] = (damaged[damaged.length - 100] ?? 0) ^ 1
      writeFileSync(rpmIn(repository), damaged)
      const signature = join(repository, 'repodata/repomd.xml.asc')
      const old = readFileSync(signature)
      const first = install()
      expect(first.status).toBe(1)
      expect(first.said).toMatch(/checksum|Interrupted by header|corrupted/i)

      execFileSync('createrepo_c', ['--quiet', '--no-database', repository])
      // createrepo_c removes the signature of the old ones; whoever made the new ones keeps it.
      writeFileSync(signature, old)
      const unsigned = install()
      expect(unsigned.status).toBe(1)
      expect(unsigned.said).toMatch(/repomd\.xml|signature/i)
      // And by the package's own signature, if somebody turns the other check off.
      const unchecked = install('--setopt=vqtune.repo_gpgcheck=0')
      expect(unchecked.status).toBe(1)
      expect(unchecked.said).toMatch(/GPG check FAILED|not correctly signed|BAD|DIGESTS|NOT OK/)
      expect(isInstalled()).toBe(false)
    }, 120_000)

    it('so is one that somebody else signed, and build-repo takes neither that nor one without a signature', () => {
      expect(makeRepository('--sign', KEY).status).toBe(0)
      const others = makeKey('others@vqtune.invalid')
      keyrings.push(others)
      const theirs = join(place, 'theirs')
      mkdirSync(theirs)
      const rpm = join(theirs, 'vqtune-noarch-0-0.noarch.rpm')
      copyFileSync(rpms.noarch, rpm)
      const from = ['--from', theirs, '--sign', KEY]
      expect(makeRepository(...from)).toMatchObject({
        status: 1,
        stderr: expect.stringContaining('not signed'),
      })
      const env = { ...process.env, GNUPGHOME: others }
      const sign = [
        '--addsign',
        '--define',
        '_gpg_name others@vqtune.invalid',
        '--define',
        '__gpg /usr/bin/gpg',
        rpm,
      ]
      execFileSync('rpmsign', sign, { env, stdio: 'ignore' })
      expect(makeRepository(...from)).toMatchObject({
        status: 1,
        stderr: expect.stringMatching(/NOKEY|not signed/),
      })

      copyFileSync(rpm, rpmIn(repository))
      execFileSync('createrepo_c', ['--quiet', '--no-database', repository])
      const { status, said } = install('--setopt=vqtune.repo_gpgcheck=0')
      expect(status).toBe(1)
      expect(said).toMatch(/GPG check FAILED|not installed|not correct/)
      expect(isInstalled()).toBe(false)
    }, 120_000)

    it('the package as it was built is installed', () => {
      expect(makeRepository('--sign', KEY).status).toBe(0)
      const { status, said } = install()
      expect(status, said).toBe(0)
      expect(isInstalled()).toBe(true)
    }, 120_000)

    it('a key that is not there is told before anything is built', () => {
      const none = ['--sign', 'nobody@vqtune.invalid']
      expect(makeRepository(...none)).toMatchObject({
        ...{ status: 1, stdout: '' },
        stderr: '[repo] --sign nobody@vqtune.invalid: gpg has no such secret key\n',
      })
      const build = spawnSync(join(TOP, 'packaging/build-rpm'), ['--out', place, ...none], {
        encoding: 'utf8',
      })
      expect(build).toMatchObject({
        ...{ status: 1, stdout: '' },
        stderr: '[rpm] --sign nobody@vqtune.invalid: gpg has no such secret key\n',
      })
      expect(makeRepository().status).toBe(2)
    })
  })
})
