/** RPMs for tests: built by the one command, with a payload that packs fast. */
import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

export const TOP = fileURLToPath(new URL('../..', import.meta.url))
const exec = promisify(execFile)

export interface BuiltRpms {
  readonly directory: string
  readonly arch: string
  readonly noarch: string
  readonly fleet: string
  readonly pcp: string
  readonly selinux: string
  readonly cockpit: string
  readonly spec: string
}

/**
 * @param release of the packages; a higher one is an upgrade.
 * @param fresh builds in any case. Else, while working on tests, VQTUNE_TEST_RPMS keeps what was built.
 * @param sign with this key of gpg's keyring
 */
export async function buildRpms(
  release: number,
  { fresh = false, sign }: { readonly fresh?: boolean; readonly sign?: string } = {},
): Promise<BuiltRpms> {
  const kept = fresh ? undefined : process.env.VQTUNE_TEST_RPMS
  const directory = kept ? join(kept, `${release}`) : mkdtempSync(join(tmpdir(), 'vqtune-rpms-'))
  if (!existsSync(join(directory, 'vqtune.spec'))) {
    await build(directory, '--release', `${release}`, ...(sign === undefined ? [] : ['--sign', sign]))
  }
  return {
    directory,
    arch: named(directory, /^vqtune-\d.*\.(x86_64|aarch64)\.rpm$/),
    noarch: named(directory, NOARCH),
    fleet: named(directory, /^vqtune-fleet-.*\.noarch\.rpm$/),
    pcp: named(directory, /^vqtune-pcp-.*\.noarch\.rpm$/),
    selinux: named(directory, /^vqtune-selinux-.*\.noarch\.rpm$/),
    cockpit: named(directory, /^vqtune-cockpit-.*\.noarch\.rpm$/),
    spec: join(directory, 'vqtune.spec'),
  }
}

/** The package without a runtime alone, which is built in a quarter of the time. @returns its path */
export async function buildNoarchRpm(): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'vqtune-rpms-'))
  await build(directory, '--only', 'noarch')
  return named(directory, NOARCH)
}

/** The package for another architecture than this machine's. @returns its path */
export async function buildArchRpm(arch: string): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'vqtune-rpms-'))
  await build(directory, '--only', 'arch', '--arch', arch)
  return named(directory, new RegExp(`^vqtune-\\d.*\\.${arch}\\.rpm$`))
}

const NOARCH = /^vqtune-noarch-.*\.noarch\.rpm$/

async function build(directory: string, ...options: readonly string[]): Promise<void> {
  const args = ['--out', directory, '--payload', 'w1.zstdio', ...options]
  await exec(join(TOP, 'packaging/build-rpm'), args, { maxBuffer: 1 << 24 })
}

function named(directory: string, pattern: RegExp): string {
  const found = readdirSync(directory).filter((name) => pattern.test(name))
  if (found.length !== 1) throw new Error(`${directory}: ${found.length} files match ${pattern}`)
  return join(directory, found[0] as string)
}

/**
 * A package without files that provides, to rpm, what a system has that was not installed by rpm: Debian's rpm database
 * is empty. So vqtune's own requirements are checked by rpm instead of switched off with --nodeps.
 */
export async function buildProvider(
  name: string,
  provides: readonly string[],
  directory: string,
): Promise<string> {
  mkdirSync(directory, { recursive: true })
  const spec = [
    `Name: ${name}`,
    'Version: 1',
    'Release: 1',
    'Summary: Names what the test system has',
    'License: Apache-2.0',
    'BuildArch: noarch',
    ...provides.map((capability) => `Provides: ${capability}`),
    '%description',
    'For tests.',
    '%files',
  ]
  writeFileSync(join(directory, `${name}.spec`), `${spec.join('\n')}\n`)
  const args = ['-bb', '--quiet', '--define', `_topdir ${directory}`, '--define', `_rpmdir ${directory}`]
  await exec('rpmbuild', [...args, join(directory, `${name}.spec`)])
  return join(directory, 'noarch', `${name}-1-1.noarch.rpm`)
}

/** What the vqtune package asks of the C and C++ libraries, as its own dependency generator wrote it. */
export async function libraryRequirements(rpm: string): Promise<string[]> {
  const { stdout } = await exec('rpm', ['-qp', '--requires', rpm])
  return [...new Set(stdout.split('\n').filter((line) => /^(lib|ld-|rtld)/.test(line)))]
}

/** Of the system, by hand, so that a requirement that nothing of this fulfils makes the test fail. */
export const SYSTEM_PROVIDES = ['/bin/sh', 'ethtool', 'util-linux', 'systemd', 'systemd-udev']
export const NODE_PROVIDES = ['nodejs(engine) = 20.20.2', '/usr/bin/node']
