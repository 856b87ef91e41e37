/** A capture answers as the guest does. */
import { expect, test } from 'vitest'
import { type Capture, takeCapture } from '../../../src/capture/take'
import type { CommandContext } from '../../../src/commands/command'
import { READERS } from '../../../src/commands/readers'
import { COMMANDS } from '../../../src/commands/registry'
import { VqtuneError } from '../../../src/errors'
import { observeGuest } from '../../../src/planner/observe'
import { readSnapshot } from '../../../src/report/snapshot'
import { parseArchive } from '../../../src/system/archive'
import { ArchivedSystem } from '../../../src/system/archived-system'
import { openCapturedTree } from '../../../src/system/captured-tree'
import type { System } from '../../../src/system/system'
import { packArchive } from '../../../src/system/write-archive'
import { capturedGuest, guestNames, guestWith } from '../../support/captured-guest'
import { processFiles } from '../../support/systems'
import { fileOf } from '../../support/tar'

/** What a command prints, or the error in its place. */
async function printed(system: System, name: string): Promise<string> {
  const { run } = (await READERS[name]?.()) ?? {}
  if (run === undefined) throw new Error(`no reader ${name}`)
  const parts: string[] = []
  const context: CommandContext = {
    ...{ system, positionals: [], options: { json: true }, configFile: undefined, color: false },
    out: (text) => parts.push(text),
    warn: (line) => parts.push(`warning: ${line}\n`),
    signal: new AbortController().signal,
  }
  try {
    await run(context)
  } catch (error) {
    if (!(error instanceof VqtuneError)) throw error
    parts.push(error.message)
  }
  return parts.join('').replaceAll(system.paths.root, '')
}

/** What all of them print, and the counters of report. */
async function answers(system: System): Promise<Record<string, unknown>> {
  const { nics, cpus } = await observeGuest(system)
  const { atMs: _, ...counters } = await readSnapshot(system, nics, cpus.online)
  const said = await Promise.all(
    Object.keys(READERS).map(async (name) => [name, await printed(system, name)] as const),
  )
  return { ...Object.fromEntries(said), counters }
}

const readers = Object.fromEntries(
  Object.keys(READERS).map((name) => [name, (system: System) => printed(system, name)]),
)

function captured(system: System, keepsAddresses: boolean): Promise<Capture> {
  return takeCapture(system, {
    readers,
    keepsAddresses,
    wait: () => Promise.reject(new Error('only the running guest is read twice')),
  })
}

const opened = ({ entries }: Capture): System => openCapturedTree(fileOf(packArchive(entries)))

const sorted = ({ entries }: Capture) => [...entries].sort((a, b) => (a.path < b.path ? -1 : 1))

/** The same text with each MAC address and UUID called by the place of its first appearance. */
function withNumbers(text: string): string {
  const seen: string[] = []
  return text.replace(/(?:[0-9a-f]{2}:){5}[0-9a-f]{2}|[0-9a-f]{8}-[0-9a-f-]{27}/g, (value) => {
    if (!seen.includes(value)) seen.push(value)
    return `#${seen.indexOf(value)}`
  })
}

test('every command that only looks at a guest is among the readers, but for report and capture', () => {
  const looking = COMMANDS.filter(({ words, readsOnly }) => readsOnly === true && words[0] !== 'host')
  const names = looking.map(({ words }) => words.join(' '))
  expect([...Object.keys(READERS), 'report', 'capture'].sort()).toEqual(names.sort())
})

test.each(guestNames())(
  '%s: a capture of it gives the same answers, and so does one of the capture',
  async (name) => {
    const { system } = capturedGuest(name)
    const own = await answers(system)

    const kept = await captured(system, true)
    expect(kept).toMatchObject({ replaced: undefined, failed: {} })
    expect(await answers(opened(kept))).toEqual(own)

    const replaced = await captured(system, false)
    expect(replaced.replaced?.mac).toBeGreaterThan(0)
    const capture = opened(replaced)
    expect(withNumbers(JSON.stringify(await answers(capture)))).toBe(withNumbers(JSON.stringify(own)))

    const again = await captured(capture, false)
    expect(again.replaced).toBeUndefined()
    expect(sorted(again)).toEqual(sorted(replaced))
  },
)

const MAC = '52:54:00:77:00:00'
const BOOT = 'b6a9b3c4-0f65-4c7a-9b0e-0d1f6f7b8a01'
const drift = {
  ...{ at: '2026-03-01T10:00:00.000Z', kind: 'channels', nic: 'enp0s8', old: '4', new: '2' },
  ...{ writer: 'NetworkManager', evidence: `web-07 dhcp 10.1.2.3 ${MAC}`, action: 'repaired', why: '' },
}
const view = {
  ...{ version: 1, bootId: BOOT, pid: 77, startTicks: '4242', checkedAt: '2026-03-01T10:00:00.000Z' },
  ...{ sources: [], suspended: [], configValid: true, problems: [], recentDrift: [drift] },
}

/** A guest with all that a capture is about. */
const LIVED_IN: Readonly<Record<string, string>> = {
  '/etc/vqtune/vqtune.toml': `[[nic]]\nmatch = { mac = "${MAC}" }\ncap = 3\n`,
  '/etc/vqtune/conf.d/10-web-07.toml':
    '[[nic]]\nmatch = { mac = "52:54:00:77:*" }\nxps = false\n# of web-07.corp.example.com\n',
  '/var/lib/vqtune/drift.jsonl': `${JSON.stringify(drift)}\n`,
  '/run/vqtune/status.json': JSON.stringify(view),
  '/run/vqtune/ledger.json': JSON.stringify({ version: 2, bootId: BOOT, entries: [] }),
  '/proc/sys/kernel/random/boot_id': `${BOOT}\n`,
  '/proc/sys/kernel/hostname': 'web-07\n',
  '/etc/resolv.conf': 'search corp.example.com\nnameserver 10.1.2.53\n',
  '/etc/machine-id': '0123456789abcdef0123456789abcdef\n',
  '/proc/cmdline':
    'BOOT_IMAGE=/vmlinuz root=UUID=x inst.rootpw=hunter2 isolcpus=3 ip=10.1.2.3::10.1.2.1 quiet\n',
  '/proc/77/stat': '77 (vqtuned) S 1 77 77 0 -1 4194560 1 1 1 1 1 1 1 1 20 0 1 0 4242 0 0\n',
  ...processFiles(77, 'vqtuned'),
  ...processFiles(78, 'NetworkManager', { cmdline: 'NetworkManager\0--no-daemon\0' }),
  ...processFiles(79, 'stranger', { cmdline: 'stranger\0--password\0hunter2\0' }),
  '/etc/NetworkManager/system-connections/web-07-lan.nmconnection': [
    ...[
      '[connection]',
      'id=web-07-lan',
      'interface-name=enp0s8',
      '[ethernet]',
      `mac-address=${MAC.toUpperCase()}`,
    ],
    ...['[ethtool]', 'channels-combined=2', '[802-1x]', 'password=hunter2', '[ipv4]', 'address1=10.1.2.3/24'],
  ].join('\n'),
  '/etc/NetworkManager/system-connections/wifi.nmconnection':
    '[connection]\nid=home\n[wifi-security]\npsk=hunter2\n',
  '/etc/sysconfig/network-scripts/ifcfg-enp0s8': `DEVICE=enp0s8\nHWADDR=${MAC}\nETHTOOL_OPTS="-L enp0s8 combined 2"\nIPADDR=10.1.2.3\nPPPOE_PASSWORD=hunter2\n`,
  '/proc/net/tcp':
    '  sl  local_address rem_address   st\n   0: 0302010A:0016 3502010A:C001 01 00000010:0000002A 00:00000000 00000000\n',
  '/journal.txt': `2026-03-01T10:00:00+0000 web-07 vqtuned[77]: gateway 10.1.2.1 fe80::5054:ff:fe77:0 answers\n`,
}

test('a guest that was lived in: the same answers, and nothing of its owner', async () => {
  const system = guestWith('two-nics', LIVED_IN)
  const own = await answers(system)
  expect(own.explain).toContain('web-07-lan')
  expect(own.explain).toContain('ifcfg')
  expect(own.status).toContain('"running": true')
  expect(own['config check']).toContain('"cap": 3')
  expect(own['config check']).toContain('"xps": false')

  const kept = opened(await captured(system, true))
  expect(await answers(kept)).toEqual(own)

  const capture = await captured(system, false)
  const bytes = capture.entries.map(({ path, node }) => `${path}\n${JSON.stringify(node)}\n`).join('')
  for (const secret of [
    'hunter2',
    'web-07',
    'corp.example',
    '10.1.2.',
    '77:00:00',
    BOOT,
    'fe80:',
    'stranger',
    'home',
  ])
    expect(bytes.includes(secret), secret).toBe(false)
  expect(bytes).not.toMatch(/[03]302010A|0123456789abcdef/)
  expect(bytes).toContain('isolcpus=3')
  expect(bytes).toContain('00000010:0000002A')
  expect(capture.replaced).toEqual({ mac: 2, ipv4: 3, ipv6: 1, name: 2, serial: 1 })
  const said = await answers(opened(capture))
  expect(said.explain).toContain('ethtool.channels-combined = 2')
  expect(said['config check']).toBe(String(own['config check']).replaceAll('10-web-07', '10-host1'))
  expect(said.status).toContain('"running": true')
  expect(said.counters).toEqual(own.counters)
})

test('what this user may not read is told, and answered the same from the capture', async () => {
  const path = '/etc/NetworkManager/system-connections/a.nmconnection'
  const guest = guestWith('two-nics', { [path]: '[ethtool]\nchannels-combined=2\n' })
  const system = Object.assign(Object.create(guest) as System, {
    readText: (name: string) => {
      if (name.endsWith(path)) throw Object.assign(new Error('EACCES'), { code: 'EACCES' })
      return guest.readText(name)
    },
  })
  const own = await answers(system)
  expect(own.explain).toContain('readable only by root')
  const capture = await captured(system, false)
  expect(capture.unreadable).toEqual({ [path]: 'EACCES' })
  const opening = opened(capture)
  expect(withNumbers(String((await answers(opening)).explain))).toBe(withNumbers(String(own.explain)))
  expect(sorted(await captured(opening, false))).toEqual(sorted(capture))
})

test('a guest on which a command fails is captured, with the failure', async () => {
  const system = guestWith('two-nics', { '/etc/vqtune/vqtune.toml': '[defaults]\ncap = 0\n' })
  const failing = {
    ...readers,
    status: () => Promise.reject(new Error(`${system.paths.root}/etc/vqtune/vqtune.toml: cap of 10.1.2.3`)),
  }
  const capture = await takeCapture(system, { readers: failing, keepsAddresses: false, wait: async () => {} })
  expect(capture.failed).toEqual({ status: '/etc/vqtune/vqtune.toml: cap of 10.1.2.3' })
  const notes = capture.entries.find(({ path }) => path === 'capture.json')?.node
  expect(notes).toMatchObject({ kind: 'file', text: expect.stringContaining('cap of 198.18.0.1') })
  expect(await printed(opened(capture), 'config check')).toContain('defaults.cap = 0')
})

test('the running guest is read twice', async () => {
  const { system: guest } = capturedGuest('two-nics')
  const { root } = guest.paths
  let isLater = false
  const counted = (text: string | undefined) =>
    isLater ? text?.replace(/(enp0s8: +)\d+/, '$1987654321') : text
  // As if the archive's root were /.
  const below = (path: string) => `${root}${path}`
  const system = Object.assign(Object.create(guest) as System, {
    paths: JSON.parse(JSON.stringify(guest.paths).replaceAll(root, '')),
    readText: (path: string) => counted(guest.readText(below(path))),
    list: (path: string) => guest.list(below(path)),
    exists: (path: string) => guest.exists(below(path)),
    stat: (path: string) => guest.stat(below(path)),
    linkStat: (path: string) => guest.linkStat(below(path)),
    readLink: (path: string) => guest.readLink(below(path)),
    run: (tool: string, args: readonly string[]) =>
      tool === 'journalctl'
        ? Promise.resolve({ code: 0, stdout: 'a line\n', stderr: '' })
        : guest.run(tool, args),
    findTool: (tool: string) => (tool === 'journalctl' ? '/usr/bin/journalctl' : guest.findTool(tool)),
  })
  const capture = await takeCapture(system, {
    readers,
    keepsAddresses: false,
    wait: async () => {
      isLater = true
    },
  })
  const textOf = (name: string) => {
    const node = capture.entries.find(({ path }) => path === name)?.node
    return node?.kind === 'file' ? node.text : undefined
  }
  expect(textOf('proc/net/dev')).not.toContain('987654321')
  expect(textOf('later/proc/net/dev')).toContain('987654321')
  expect(textOf('later/after-ms')).toMatch(/^\d+\n$/)
  expect(textOf('journal.txt')).toBe('a line\n')
  expect(JSON.parse(textOf('capture.json') ?? '')).toMatchObject({
    vqtune: expect.any(String),
    replaced: true,
  })

  const again = await captured(opened(capture), false)
  expect(sorted(again)).toEqual(sorted(capture))

  const interrupted = takeCapture(system, {
    readers: {},
    keepsAddresses: false,
    wait: () => Promise.reject(new Error('interrupted')),
  })
  await expect(interrupted).rejects.toThrow('interrupted')
})

test('an archive of it is one that parseArchive takes', async () => {
  const { entries } = await captured(capturedGuest('bond').system, false)
  const tree = parseArchive('bond', packArchive(entries))
  expect(new ArchivedSystem('/a', tree).readText('/a/capture.json')).toContain('"replaced": true')
})
