/** The health check for greenboot, on captured guests: silent where all is well, otherwise one line and an exit status. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { BUNDLE, inNamespace } from '../support/bundle'
import { guestArchive } from '../support/captured-guest'

const CHECK = 'packaging/greenboot/50_vqtune.sh'
const directory = mkdtempSync(join(tmpdir(), 'vqtune-greenboot-'))
afterAll(() => rmSync(directory, { recursive: true }))

/** A directory of programs: vqtune looks at a captured guest, and vqtuned is active when it was asked `busy` times. */
function programs(guest: string, options: { busy?: number; extra?: string } = {}): string {
  const bin = mkdtempSync(join(directory, 'bin-'))
  const root = guestArchive(guest)
  writeFileSync(
    join(bin, 'vqtune'),
    `#!/bin/sh\nexec ${process.execPath} ${BUNDLE} "$@" --root ${root} ${options.extra ?? ''}\n`,
    { mode: 0o755 },
  )
  writeFileSync(
    join(bin, 'systemctl'),
    `#!/bin/sh
echo "$*" >>${bin}/asked
if [ "$(wc -l <${bin}/asked)" -le ${options.busy ?? 0} ]; then echo activating; exit 3; fi
echo active
`,
    { mode: 0o755 },
  )
  writeFileSync(join(bin, 'sleep'), '#!/bin/sh\n', { mode: 0o755 })
  return bin
}

function check(bin: string): { code: number | null; text: string } {
  const { status, stdout, stderr } = spawnSync('sh', [CHECK], {
    encoding: 'utf8',
    env: { PATH: `${bin}:/usr/bin:/bin` },
  })
  return { code: status, text: stdout + stderr }
}

describe('greenboot check', () => {
  it('is silent in a guest that is as it should be', () => {
    expect(check(programs('debian-6.12-4cpu-4q'))).toEqual({ code: 0, text: '' })
  })

  it('names the NIC that has drifted, in one line', () => {
    expect(check(programs('hotplug-drift'))).toEqual({
      code: 3,
      text: 'vqtune: enp0s8: 2 channels, target 4 (vCPUs), every queue private; 1 change pending; see vqtune status\n',
    })
  })

  it('says in one line what is wrong with the configuration', () => {
    const bad = join(directory, 'bad.toml')
    writeFileSync(bad, 'frob = 1\nknob = 2\n')
    const { code, text } = check(programs('hotplug-drift', { extra: `--config ${bad}` }))
    expect(code).toBe(2)
    expect(text).toMatch(/^vqtune: .*bad\.toml:1: .*frob.*; see vqtune status\n$/)
  })

  it('waits for the first pass of the daemon', () => {
    const bin = programs('debian-6.12-4cpu-4q', { busy: 3 })
    expect(check(bin)).toEqual({ code: 0, text: '' })
    expect(readFileSync(join(bin, 'asked'), 'utf8')).toBe('is-active vqtuned.service\n'.repeat(4))
  })

  it('has nothing to say where vqtune=off is on the kernel command line', async () => {
    const line = join(directory, 'cmdline')
    writeFileSync(line, 'root=/dev/vda vqtune=off quiet\n')
    const bin = programs('hotplug-drift')
    const script = `mount --bind ${line} /proc/cmdline && PATH=${bin}:$PATH sh ${CHECK}`
    expect(await inNamespace(script)).toEqual({ code: 0, stdout: '', stderr: '' })
  })
})
