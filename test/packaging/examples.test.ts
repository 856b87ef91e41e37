/** The examples for installers and image builders: real parsers read them, and their commands run with the real program. */
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'smol-toml'
import { describe, expect, it } from 'vitest'
import { COMMANDS } from '../../src/commands/registry'
import { parseFragment } from '../../src/config/parse'
import { pathsUnder } from '../../src/system/paths'
import { BUNDLE } from '../support/bundle'
import { guestArchive } from '../support/captured-guest'
import { inPrivateRoot } from '../support/private-root'
import { TOP } from './rpms'

const EXAMPLES = join(TOP, 'packaging/fleet/examples')
const textOf = (name: string): string => readFileSync(join(EXAMPLES, name), 'utf8')
const spec = readFileSync(join(TOP, 'packaging/vqtune.spec'), 'utf8')
const PACKAGES = [...spec.matchAll(/^(?:Name: +|%package -n )(\S+)$/gm)].map(([, name = '']) => name)
const UNITS = /^%global units (.*)$/m.exec(spec)?.[1]?.split(' ') ?? []
const paths = pathsUnder('')
const isDropIn = (path: string): boolean =>
  path.startsWith(`${paths.etcConfigDir}/`) && path.endsWith('.toml')

/** What a script does in a guest with the package: `vqtune` is the real program, the tools of the image write down what they are asked. */
async function inGuest(
  script: string,
  files: Readonly<Record<string, string>> = {},
): Promise<{ code: number; text: string; asked: readonly string[] }> {
  const { code, stdout, stderr } = await inPrivateRoot(
    `
mkdir -p program etc/vqtune/conf.d usr/lib/vqtune
mount --bind "$PROGRAM" program
touch guest.tar.gz node
mount --bind "$GUEST" guest.tar.gz
mount --bind "$NODE" node
# The program reads the configuration of this root and the NIC of a captured guest.
mkdir guest
tar -xzf guest.tar.gz -C guest
for link in etc/vqtune usr/lib/vqtune; do mkdir -p guest/$link; mount --bind $link guest/$link; done
printf '#!/bin/sh\\nexec env -i /node /program/vqtune.cjs "$@" --root /guest\\n' >usr/bin/vqtune
for tool in dnf systemctl bootc; do printf '#!/bin/sh\\necho "\${0##*/} $*" >>/asked\\n' >usr/bin/$tool; done
chmod 755 usr/bin/vqtune usr/bin/dnf usr/bin/systemctl usr/bin/bootc
touch asked
eval "$PREPARE"
printf '%s' "$SCRIPT" >script
status=0
chroot . /bin/sh -e /script >&2 || status=$?
cat asked
exit $status`,
    {
      PROGRAM: join(BUNDLE, '..'),
      GUEST: guestArchive('debian-6.12-4cpu-4q'),
      NODE: process.execPath,
      SCRIPT: script,
      PREPARE: Object.entries(files)
        .map(([to, from]) => `cp '${join(EXAMPLES, from)}' '.${to}'`)
        .join('\n'),
    },
  )
  return { code, text: stderr.replaceAll('/guest/', '/'), asked: stdout.split('\n').filter(Boolean) }
}

describe('kickstart', () => {
  const sections = [...textOf('vqtune.ks').matchAll(/^%(\w+)(.*)\n([\s\S]*?)^%end$/gm)].map(
    ([, name, options, body = '']) => ({ name, options, body }),
  )

  it('installs packages that exist, and has nothing outside of its sections but a repository', () => {
    expect(sections.map(({ name }) => name)).toEqual(['packages', 'post'])
    const packages = sections[0]?.body.trim().split('\n') ?? []
    expect(packages.length).toBeGreaterThan(0)
    expect(packages.filter((name) => !PACKAGES.includes(name))).toEqual([])
    const outside = textOf('vqtune.ks')
      .replace(/^%\w+.*\n[\s\S]*?^%end$/gm, '')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
    expect(outside).toEqual([expect.stringMatching(/^repo --name=\w+ --baseurl=https:\S+ --install$/)])
  })

  it('%post writes a configuration that the program takes', async () => {
    const { code, text } = await inGuest(sections[1]?.body ?? 'exit 9')
    expect(code, text).toBe(0)
    expect(text).toMatch(/^enp0s8 +cap +8 +\/etc\/vqtune\/conf\.d\/50-site\.toml/m)
  })
})

it('blueprint: packages, units and file are those of the package', async () => {
  const blueprint = parse(textOf('blueprint.toml')) as {
    packages: { name: string }[]
    customizations: {
      services: { enabled: string[] }
      repositories: Record<string, unknown>[]
      files: { path: string; data: string; mode: string }[]
    }
  }
  expect(Object.keys(blueprint).sort()).toEqual([
    'customizations',
    'description',
    'name',
    'packages',
    'version',
  ])
  const { packages, customizations } = blueprint
  expect(Object.keys(customizations).sort()).toEqual(['files', 'repositories', 'services'])
  expect(packages.map(({ name }) => name).filter((name) => !PACKAGES.includes(name))).toEqual([])
  expect([...customizations.services.enabled].sort()).toEqual([...UNITS].sort())
  expect(customizations.files).toHaveLength(1)
  for (const { path, data, mode } of customizations.files) {
    expect(isDropIn(path), path).toBe(true)
    expect(mode).toBe('0644')
    expect(await parseFragment(path, data)).toMatchObject({ ok: true })
  }
  expect(customizations.repositories).toEqual([
    expect.objectContaining({ id: 'vqtune', baseurls: [expect.stringMatching(/^https:/)], gpgcheck: true }),
  ])
})

describe('Containerfile', () => {
  const instructions = textOf('Containerfile')
    .replace(/^#.*\n/gm, '')
    .replace(/ *\\\n */g, ' ')
    .split('\n')
    .filter(Boolean)
    .map((line) => [line.split(' ')[0] ?? '', line.slice(line.indexOf(' ') + 1)] as const)
  const ofKind = (kind: string) => instructions.filter(([name]) => name === kind).map(([, rest]) => rest)

  it('begins with an image, and copies what is there', () => {
    expect(instructions[0]?.[0]).toBe('FROM')
    expect([...new Set(instructions.map(([name]) => name))].sort()).toEqual(['COPY', 'FROM', 'RUN'])
    // build-repo makes the other one.
    expect(ofKind('COPY')).toEqual([
      'vqtune.repo /etc/yum.repos.d/vqtune.repo',
      `site.toml ${paths.vendorConfig}`,
    ])
    expect(readFileSync(join(TOP, 'packaging/build-repo'), 'utf8')).toContain('vqtune.repo')
    expect(existsSync(join(EXAMPLES, 'site.toml'))).toBe(true)
  })

  it('runs what works: the program takes the copied file, and packages and units exist', async () => {
    const { code, text, asked } = await inGuest(ofKind('RUN').join('\n'), {
      [paths.vendorConfig]: 'site.toml',
    })
    expect(code, text).toBe(0)
    expect(text).toMatch(/^enp0s8 +cap +8 +\/usr\/lib\/vqtune\/vqtune\.toml/m)
    expect(asked).toEqual([
      'dnf -y install vqtune',
      'dnf clean all',
      `systemctl is-enabled ${['vqtune-boot.service', 'vqtuned.service', 'vqtune-reconcile.path'].join(' ')}`,
      'bootc container lint',
    ])
    expect(PACKAGES).toContain('vqtune')
    expect([...UNITS].sort()).toEqual([...(asked[2]?.split(' ').slice(2) ?? [])].sort())
  })
})

describe('cloud-init user data', () => {
  const file = join(EXAMPLES, 'user-data.yaml')
  const modules = join(TOP, 'dist/unpacked/cloud-init/usr/lib/python3/dist-packages')
  const python = (args: readonly string[], input = '') =>
    spawnSync('/usr/bin/python3', args, {
      input,
      encoding: 'utf8',
      env: { ...process.env, PYTHONPATH: modules, PYTHONDONTWRITEBYTECODE: '1' },
    })

  it('is valid for cloud-init, which knows what is not', () => {
    const schema = (path: string) => python(['-W', 'ignore', '-m', 'cloudinit.config.schema', '-c', path])
    const { status, stdout, stderr } = schema(file)
    expect({ status, stderr }, stdout).toEqual({ status: 0, stderr: '' })
    expect(stdout).toContain(`Valid cloud-config: ${file}`)
    expect(schema(join(EXAMPLES, 'vqtune.ks')).status).toBe(1)
  })

  it('installs, configures and starts what there is', async () => {
    const script = 'import json, sys, yaml; json.dump(yaml.safe_load(sys.stdin), sys.stdout)'
    const data = JSON.parse(python(['-c', script], textOf('user-data.yaml')).stdout) as {
      packages: string[]
      write_files: { path: string; content: string }[]
      runcmd: string[][]
    }
    expect(data.packages.filter((name) => !PACKAGES.includes(name))).toEqual([])
    expect(data.write_files).toHaveLength(1)
    for (const { path, content } of data.write_files) {
      expect(isDropIn(path), path).toBe(true)
      expect(await parseFragment(path, content)).toMatchObject({ ok: true })
    }
    const known = COMMANDS.map(({ words }) => ['vqtune', ...words].join(' '))
    const [start, ...others] = [...data.runcmd].reverse()
    expect(start?.slice(0, 2)).toEqual(['systemctl', 'start'])
    expect(start?.slice(2).filter((unit) => !UNITS.includes(unit))).toEqual([])
    expect(others.map((words) => words.join(' ')).filter((words) => !known.includes(words))).toEqual([])
  })
})
