/** `vqtune capture`: the file, whose it is, and that what is there already stays. */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { BUNDLE, capturedRoot, vqtune } from '../support/bundle'
import { guestArchive } from '../support/captured-guest'
import { expectSchema } from '../support/schema'
import { until } from '../support/until'

function temporary(): string {
  const directory = mkdtempSync(`${tmpdir()}/vqtune-capture-`)
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

const GUEST = guestArchive('two-nics')

describe('the file', () => {
  it('is made for its owner alone, and opened by --root as the guest is', async () => {
    const file = `${temporary()}/guest.tar.gz`
    const { code, stdout, stderr } = await vqtune(['capture', file, '--root', GUEST])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(stdout).toMatch(/^PART +FILES +KIB +WHAT\nsys\/ +\d+ +\d+ +NICs, queues, vCPUs, DMI\nproc\/ /)
    expect(stdout).toMatch(/\nreplaced: 2 MAC addresses, .*1 serial number or UUID\n/)
    expect(stdout).toMatch(`\n${file}: ${Math.ceil(statSync(file).size / 1024)} KiB; `)
    for (const args of [['status'], ['plan'], ['report', '--window', '1']]) {
      const [own, captured] = await Promise.all(
        [GUEST, file].map((root) => vqtune([...args, '--root', root])),
      )
      // Only how long the report measured may differ.
      const said = (text = '') => text.replace(/\b1\.\d s\b/g, '1 s')
      expect(said(captured?.stdout)).toBe(said(own?.stdout))
      expect(captured).toMatchObject({ code: own?.code, stderr: own?.stderr })
    }
  })

  it('is the same of a directory with programs, and of an archive', async () => {
    const directory = temporary()
    const ofArchive = await vqtune(['capture', `${directory}/a`, '--root', GUEST])
    const ofDirectory = await vqtune(['capture', `${directory}/b`, '--root', capturedRoot('two-nics')])
    expect([ofArchive.code, ofDirectory.code]).toEqual([0, 0])
    const list = (file: string) => execFileSync('tar', ['-xzOf', file, 'proc', 'sys'], { encoding: 'utf8' })
    expect(list(`${directory}/b`)).toBe(list(`${directory}/a`))
  })

  it('keeps addresses if asked, and says so', async () => {
    const file = `${temporary()}/guest.tar.gz`
    const args = ['capture', file, '--keep-addresses', '--root', GUEST]
    const { stdout } = await vqtune(args)
    expect(stdout).toContain('\naddresses, names and serial numbers are as they were read\n')
    const explained = await vqtune(['explain', 'enp0s8', '--root', file])
    expect(explained.stdout).toContain('MAC 52:54:00:77:00:00')
  })

  it('--json', async () => {
    const file = `${temporary()}/guest.tar.gz`
    const { stdout } = await vqtune(['capture', file, '--json', '--root', GUEST])
    const json = JSON.parse(stdout)
    expectSchema('capture', json)
    expect(json).toMatchObject({ file, bytes: statSync(file).size, replaced: { mac: 2, ipv4: 0 } })
  })

  it('--verbose shows that it is written', async () => {
    const file = `${temporary()}/guest.tar.gz`
    const { stderr } = await vqtune(['capture', file, '--verbose', '--root', GUEST])
    expect(stderr).toMatch(new RegExp(`^\\S+ replace ${file}: ok, \\d+ ms$`, 'm'))
  })

  it.each([
    ['a file', (path: string) => writeFileSync(path, 'precious')],
    ['a link that leads nowhere', (path: string) => symlinkSync('nowhere', path)],
  ])('never takes the place of %s', async (_, make) => {
    const file = `${temporary()}/guest.tar.gz`
    make(file)
    expect(await vqtune(['capture', file, '--root', GUEST])).toEqual({
      ...{ code: 2, stdout: '' },
      stderr: `vqtune: ${file}: exists already, and is not overwritten\n`,
    })
    expect(existsSync(file) ? readFileSync(file, 'utf8') : 'none').toMatch(/^(precious|none)$/)
  })

  it.each([
    [
      ['--config', '/etc/vqtune/vqtune.toml'],
      'capture: --config: the installed configuration is captured, no other',
    ],
    [['--window', '0'], '--window 0: must be 1 to 3600'],
  ])('%j is refused, and nothing is left', async (options, message) => {
    const file = `${temporary()}/guest.tar.gz`
    const { code, stderr } = await vqtune(['capture', file, ...options, '--root', GUEST])
    expect({ code, stderr }).toEqual({ code: 2, stderr: `vqtune: ${message}\n` })
    expect(existsSync(file)).toBe(false)
  })

  it('a directory that is not there', async () => {
    const file = `${temporary()}/none/guest.tar.gz`
    const { code, stderr } = await vqtune(['capture', file, '--root', GUEST])
    expect(code).toBe(1)
    expect(stderr).toMatch(`vqtune: ${file}: cannot write: `)
  })
})

/** The built program where every user can read it. */
function readableProgram(): string {
  const directory = temporary()
  chmodSync(directory, 0o755)
  cpSync(dirname(BUNDLE), `${directory}/dist`, { recursive: true })
  return `${directory}/dist/vqtune.cjs`
}

describe('of the running machine', () => {
  it('runs as any user, and says what that user may not read', async () => {
    const home = temporary()
    chownSync(home, 65534, 65534)
    const file = `${home}/guest.tar.gz`
    const profiles = '/etc/NetworkManager/system-connections'
    const program = readableProgram()
    // A machine with a profile that only root may read, in a mount namespace of its own.
    const script = `
      set -eu
      mount -t tmpfs none /mnt
      mkdir -p /mnt/upper /mnt/work
      mount -t overlay -o lowerdir=/etc,upperdir=/mnt/upper,workdir=/mnt/work none /etc 2>/dev/null || mount -t tmpfs none /etc
      mkdir -p ${profiles}
      printf '[ethtool]\\nchannels-combined=2\\n[wifi-security]\\npsk=hunter2\\n' >${profiles}/a.nmconnection
      chmod 600 ${profiles}/a.nmconnection
      exec setpriv --reuid=65534 --regid=65534 --clear-groups "${process.execPath}" "${program}" capture "${file}" --window 1`
    const stdout = execFileSync('unshare', ['-m', 'bash', '-c', script], { encoding: 'utf8' })
    const packed = execFileSync('tar', ['-xzOf', file], { encoding: 'utf8' })
    expect(packed).not.toContain('hunter2')
    expect(statSync(file)).toMatchObject({ uid: 65534, mode: 0o100600 })
    // Only a machine with a virtio-net NIC looks for profiles.
    if (/^eth|^en/m.test((await vqtune(['status'])).stdout)) {
      expect(stdout).toContain(`\nnot readable: ${profiles}/a.nmconnection (EACCES)\n`)
    }
    expect(stdout).toContain('\nlater/ ')
    const report = await vqtune(['report', '--window', '3600', '--root', file])
    expect(report.code).toBe(0)
  })

  it('an interrupted one leaves no file', async () => {
    const directory = temporary()
    mkdirSync(`${directory}/sub`)
    const file = `${directory}/sub/guest.tar.gz`
    const child = spawn(process.execPath, [BUNDLE, 'capture', file, '--window', '3600'], { stdio: 'pipe' })
    await until(() => existsSync(file))
    child.kill('SIGINT')
    const [code] = await once(child, 'exit')
    expect(code).toBe(1)
    expect(existsSync(file)).toBe(false)
  })
})
