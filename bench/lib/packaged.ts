/** vqtune as packaged: with its private runtime and the code cache, unpacked from an RPM of this commit. */
import { execFileSync, spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Guest } from '../../test/vm/lib/guest'

export interface Packaged {
  /** The RPM for this architecture. */
  readonly rpm: string
  /** Its files, unpacked. */
  readonly root: string
  readonly node: string
  readonly vqtune: string
}

/** Built once for each state of what goes into it; changes that are not committed count as the commit. */
export function packaged(): Packaged {
  const parts = ['src', 'packaging', 'systemd', 'package-lock.json'].map((path) => `HEAD:${path}`)
  const trees = execFileSync('git', ['rev-parse', ...parts], { encoding: 'utf8' })
  const key = trees
    .trim()
    .split('\n')
    .map((tree) => tree.slice(0, 8))
  const directory = `${process.cwd()}/dist/bench/rpm-${key.join('-')}`
  if (!existsSync(`${directory}/root/usr/libexec/vqtune/node`)) {
    rmSync(directory, { recursive: true, force: true })
    mkdirSync(`${directory}/root`, { recursive: true })
    execFileSync(
      `${process.cwd()}/packaging/build-rpm`,
      ['--out', directory, '--payload', 'w1.zstdio', '--only', 'arch'],
      {
        stdio: ['ignore', 'inherit', 'inherit'],
      },
    )
    const archive = execFileSync('rpm2cpio', [rpmIn(directory)], { maxBuffer: 1 << 29 })
    const { status } = spawnSync('cpio', ['-id', '--quiet'], { cwd: `${directory}/root`, input: archive })
    if (status !== 0) throw new Error(`cpio: exit ${status}`)
  }
  const root = `${directory}/root`
  const libexec = `${root}/usr/libexec/vqtune`
  return { rpm: rpmIn(directory), root, node: `${libexec}/node`, vqtune: `${libexec}/vqtune.cjs` }
}

function rpmIn(directory: string): string {
  const name = readdirSync(directory).find((file) => /^vqtune-\d.*\.(x86_64|aarch64)\.rpm$/.test(file))
  if (name === undefined) throw new Error(`${directory}: no RPM`)
  return `${directory}/${name}`
}

/** Puts the files of the RPM into a guest. Only those: the units are not enabled and nothing is started. @returns the runtime's version */
export async function installRpm(guest: Guest, rpm: string): Promise<string> {
  const media = mkdtempSync(join(tmpdir(), 'vqtune-bench-'))
  try {
    copyFileSync(rpm, join(media, 'vqtune.rpm'))
    await guest.pushDir(media, '/root/media')
  } finally {
    rmSync(media, { recursive: true })
  }
  // Debian's rpm knows no provider of anything.
  await guest.run(['rpm', '-i', '--nodeps', '--noscripts', '/root/media/vqtune.rpm'], { timeoutMs: 400_000 })
  return (await guest.run(['/usr/libexec/vqtune/node', '-p', 'process.versions.node'])).trim()
}
