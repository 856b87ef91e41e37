/** The units as systemd itself judges them, without a guest. */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { TOP } from './rpms'

const directory = join(TOP, 'systemd')
const services = readdirSync(directory).filter((name) => name.endsWith('.service'))
const textOf = (unit: string): string => readFileSync(join(directory, unit), 'utf8')

/** The number that `systemd-analyze security` ends with, times ten: 21 is 2.1. */
function exposure(unit: string): number {
  const text = execFileSync(
    'systemd-analyze',
    ['security', '--offline=yes', '--no-pager', join(directory, unit)],
    { encoding: 'utf8' },
  )
  const found = /Overall exposure level for \S+: (\d+)\.(\d)/.exec(text)
  if (found === null) throw new Error(text)
  return Number(found[1]) * 10 + Number(found[2])
}

describe('units', () => {
  it.each(services)('%s is sandboxed: at most 2.1 for a writer, 1.6 for what only reads', (unit) => {
    const writes = /^CapabilityBoundingSet=.*CAP_NET_ADMIN/m.test(textOf(unit))
    // The daemon must see other processes and their writes to /proc/irq: two directives of 0.2 each less.
    const limit = unit === 'vqtuned.service' ? 24 : writes ? 21 : 16
    expect(exposure(unit)).toBeLessThanOrEqual(limit)
    const capabilities = [...textOf(unit).matchAll(/^(?:CapabilityBoundingSet|AmbientCapabilities)=(.*)$/gm)]
    expect(capabilities.map(([, value]) => value).filter((value) => value !== '')).toEqual(
      writes ? ['CAP_NET_ADMIN'] : [],
    )
  })

  it('the daemon gets the procfs that inotify works on: no directive mounts another', () => {
    const text = textOf('vqtuned.service')
    expect(text).not.toMatch(
      /^(ProtectProc=(?!default)|ProcSubset=(?!all)|ProtectControlGroups=|ProtectKernelTunables=|MountAPIVFS=)/m,
    )
    expect(text).toMatch(/^ReadOnlyPaths=\/sys \/proc\/sys$/m)
  })

  it('verify finds nothing', () => {
    // In a root of its own: there the program exists, and this machine's units do not matter.
    const root = mkdtempSync(join(tmpdir(), 'vqtune-units-'))
    const own = readdirSync(directory).filter((name) => /\.(service|path)$/.test(name))
    mkdirSync(join(root, 'usr/lib/systemd/system'), { recursive: true })
    mkdirSync(join(root, 'usr/bin'), { recursive: true })
    mkdirSync(join(root, 'usr/libexec/vqtune'), { recursive: true })
    mkdirSync(join(root, 'bin'), { recursive: true })
    for (const program of [
      'usr/bin/vqtune',
      'usr/libexec/vqtune/boot-gate',
      'usr/bin/rm',
      'usr/bin/systemd-tmpfiles',
      'bin/kill',
    ]) {
      writeFileSync(join(root, program), '#!/bin/sh\n', { mode: 0o755 })
    }
    for (const unit of own) {
      writeFileSync(
        join(root, 'usr/lib/systemd/system', unit),
        textOf(unit).replaceAll(/^Documentation=.*\n/gm, ''),
      )
    }
    for (const target of ['sysinit', 'basic', 'shutdown', 'network-pre', 'multi-user', 'paths', 'local-fs']) {
      writeFileSync(join(root, `usr/lib/systemd/system/${target}.target`), '[Unit]\n')
    }
    const verify = (units: string[]) =>
      spawnSync('systemd-analyze', ['verify', `--root=${root}`, '--recursive-errors=no', ...units], {
        encoding: 'utf8',
      })
    expect(verify(own)).toMatchObject({ status: 0, stderr: '' })
    // The check can fail.
    writeFileSync(join(root, 'usr/lib/systemd/system/wrong.service'), '[Service]\nExecStrat=/bin/kill\n')
    expect(verify(['wrong.service']).stderr).toContain('ExecStrat')
  })

  it('what asks for a reconcile lies in a directory of root, and says no more than that it is there', () => {
    expect(textOf('vqtune.tmpfiles.conf')).toMatch(/^d \/run\/vqtune 0755 root root -$/m)
    const lines = ['vqtune-reconcile.path', 'vqtune-reconcile.service']
      .flatMap((unit) => textOf(unit).split('\n'))
      .filter((line) => /^(Path\w*|Exec\w*)=/.test(line))
    expect(lines).toEqual([
      'PathExists=/run/vqtune/reconcile',
      'ExecStartPre=/usr/bin/rm -f /run/vqtune/reconcile',
      'ExecStart=/usr/bin/vqtune apply --unattended',
    ])
    // The program does not know the file.
    const source = readdirSync(join(TOP, 'src'), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => readFileSync(join(TOP, 'src', name), 'utf8'))
    expect(source.length).toBeGreaterThan(100)
    expect(source.filter((text) => /(?:vqtune|runDir\})\/reconcile\b/.test(text))).toEqual([])
  })

  it('gives a reason for each ordering of the boot unit, and orders it before the network', () => {
    const lines = textOf('vqtune-boot.service').split('\n')
    expect(lines).toContain('Before=network-pre.target')
    expect(lines).toContain('Wants=network-pre.target')
    for (const [index, line] of lines.entries()) {
      if (/^(Before|After|Wants|Conflicts|DefaultDependencies)=/.test(line)) {
        const above = lines.slice(0, index).findLast((other) => !/^[A-Z]\w+=/.test(other))
        expect(above, line).toMatch(/^# /)
      }
    }
  })

  it('enables in the preset exactly what has an [Install] section', () => {
    const installable = readdirSync(directory).filter((name) => /^\[Install\]/m.test(textOf(name)))
    const preset = [...textOf('90-vqtune.preset').matchAll(/^enable (\S+)$/gm)].map(([, unit]) => unit)
    expect(preset.sort()).toEqual(installable.sort())
  })
})
