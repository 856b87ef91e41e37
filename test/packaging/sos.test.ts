/** What `sos report` collects of a guest: the real sos, in a root of its own in which vqtune looks at a captured guest. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { pathsUnder } from '../../src/system/paths'
import { BUNDLE } from '../support/bundle'
import { guestArchive } from '../support/captured-guest'
import { inPrivateRoot } from '../support/private-root'
import { TOP } from './rpms'

const EXTRAS = join(TOP, 'packaging/sos/vqtune')
const lines = readFileSync(EXTRAS, 'utf8')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'))
const commands = lines.filter((line) => !line.startsWith(':'))

interface Collected {
  readonly commands: readonly {
    readonly exec: string
    readonly return_code: number
    readonly filepath: string
  }[]
  readonly files: readonly { readonly specification: string; readonly files_copied: readonly string[] }[]
}

const paths = pathsUnder('')
/** In the guest, each with its own name as text. */
const FILES = [
  paths.etcConfig,
  `${paths.etcConfigDir}/50-mine.toml`,
  paths.vendorConfig,
  ...['ledger', 'status', 'daemon', 'irqbalance'].map((name) => `${paths.runDir}/${name}.json`),
  `${paths.runDir}/vqtune.prom`,
  paths.bootRecord,
  `${paths.stateDir}/drift.jsonl`,
]

/** /run and /var are empty but for the files of vqtune. There is no journal, and journalctl says so. */
const SCRIPT = `
mkdir program out
mount --bind "$OUT" out
mount --bind "$PROGRAM" program
touch guest.tar.gz node
mount --bind "$GUEST" guest.tar.gz
mount --bind "$NODE" node
cp -a /etc/os-release /etc/debian_version /etc/sos etc
cp "$EXTRAS" etc/sos/extras.d/vqtune
printf '#!/bin/sh\\nexec env -i /node /program/vqtune.cjs "$@" --root /guest.tar.gz\\n' >usr/bin/vqtune
chmod 755 usr/bin/vqtune
for file in $FILES; do
  mkdir -p "./$(dirname "$file")"
  echo "$file" >"./$file"
done
exec chroot . /usr/bin/sos report --batch --build --only-plugins sos_extras --tmp-dir /out
`

describe('sos report', () => {
  const out = mkdtempSync(join(tmpdir(), 'vqtune-sos-'))
  let tree: string
  let collected: Collected
  beforeAll(async () => {
    const { code, stdout, stderr } = await inPrivateRoot(SCRIPT, {
      OUT: out,
      EXTRAS,
      GUEST: guestArchive('hotplug-drift'),
      PROGRAM: join(BUNDLE, '..'),
      NODE: process.execPath,
      FILES: FILES.join(' '),
    })
    expect(code, stdout + stderr).toBe(0)
    tree = join(out, readdirSync(out).find((name) => name.startsWith('sosreport-')) ?? 'none')
    const manifest = JSON.parse(readFileSync(join(tree, 'sos_reports/manifest.json'), 'utf8'))
    collected = manifest.components.report.plugins.sos_extras
  })
  afterAll(() => rmSync(out, { recursive: true, force: true }))

  it('runs every command, and vqtune does what it says', () => {
    expect(collected.commands.map(({ exec }) => exec)).toEqual(commands)
    const own = collected.commands.filter(({ exec }) => exec.startsWith('vqtune '))
    expect(own.filter(({ return_code }) => return_code !== 0)).toEqual([])
    expect(own.length).toBeGreaterThan(4)
    const said = (command: string): string => {
      const found = own.find(({ exec }) => exec === command)
      return readFileSync(join(tree, found?.filepath ?? 'none'), 'utf8')
    }
    expect(said('vqtune status')).toContain('enp0s8: 2 channels, target 4')
    expect(JSON.parse(said('vqtune status --json'))).toMatchObject({ nics: [{ name: 'enp0s8' }] })
    expect(said('vqtune plan')).toContain('enp0s8: channels 2 -> 4')
    expect(said('vqtune report')).toContain('enp0s8: 2 channels, 10.0 s')
  })

  it('copies configuration, ledger, state of the daemon, metrics and history', () => {
    const copied = collected.files.flatMap(({ files_copied }) => files_copied)
    expect(copied.map((file) => `/${file}`).sort()).toEqual([...FILES].sort())
    for (const file of FILES) expect(readFileSync(join(tree, file), 'utf8')).toBe(`${file}\n`)
    expect(collected.files.filter(({ files_copied }) => files_copied.length === 0)).toEqual([])
  })
})
