import { chmodSync, mkdirSync, symlinkSync } from 'node:fs'
import { dirname } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { isEmptyConfig, loadSettings, readConfig } from '../../../src/config/load'
import { DEFAULT_SETTINGS, nicOrigin, nicSettings } from '../../../src/config/settings'
import { VqtuneError } from '../../../src/errors'
import { systemWith } from '../../support/systems'
import { asRunningGuest, ETC, VENDOR } from './tree'

const ETH0 = {
  name: 'eth0',
  altnames: ['enp0s3'],
  mac: '52:54:00:ab:cd:01',
  busAddress: '0000:00:03.0',
  virtio: 'virtio2',
}

describe('without keys', () => {
  test('no file gives the defaults', async () => {
    expect(await loadSettings(systemWith({}))).toEqual(DEFAULT_SETTINGS)
  })

  test('files of comments and headers are named as sources and load no parser', async () => {
    vi.resetModules()
    const loaded: string[] = []
    for (const name of ['smol-toml', 'zod/mini', 'node-cron']) {
      vi.doMock(name, async (original) => {
        loaded.push(name)
        return await original()
      })
    }
    const fresh = await import('../../../src/config/load')
    const system = systemWith({ [VENDOR]: '# nothing\n\n', [ETC]: '[boot]\r\n#wait-ms = 1\n [daemon] # c\n' })
    const settings = await fresh.loadSettings(system)
    expect(loaded).toEqual([])
    expect(settings).toEqual({
      ...DEFAULT_SETTINGS,
      sources: [system.paths.vendorConfig, system.paths.etcConfig],
    })
    const written = systemWith({ [ETC]: '[daemon]\ncheck-cron = "@hourly"\n' })
    expect((await fresh.loadSettings(written)).daemon.checkCron).toBe('@hourly')
    expect(loaded.sort()).toEqual(['node-cron', 'smol-toml', 'zod/mini'])
    for (const name of ['smol-toml', 'zod/mini', 'node-cron']) vi.doUnmock(name)
  })

  test.each([
    ['', true],
    ['\n\t # a = 1\n', true],
    ['[guard]', true],
    ['[[nic]]', false],
    ['[gaurd]', false],
    ['[boot]\n[boot]', false],
    ['a = 1', false],
    ['# a\nb', false],
  ])('%j is empty: %s', (text, expected) => {
    expect(isEmptyConfig(text)).toBe(expected)
  })
})

describe('what leads nowhere is a problem, not an empty configuration', () => {
  const links = [
    ['a drop-in', '/etc/vqtune/conf.d/50-site.toml', 'a link to /srv/site, which does not exist'],
    ['the file', ETC, 'a link to /srv/site, which does not exist'],
    ['the directory of the drop-ins', '/etc/vqtune/conf.d', 'a link to /srv/site, which does not exist'],
  ] as const
  test.each(links)('%s', async (_, path, text) => {
    const system = systemWith({})
    const link = `${system.paths.root}${path}`
    mkdirSync(dirname(link), { recursive: true })
    symlinkSync('/srv/site', link)
    const { problems, settings } = await readConfig(system)
    expect(problems).toEqual([{ file: link, line: undefined, text }])
    expect(settings).toEqual({ ...DEFAULT_SETTINGS, sources: [] })
    await expect(loadSettings(system)).rejects.toThrow(/which does not exist$/)
  })

  test('/etc/vqtune itself', async () => {
    const system = systemWith({ '/etc/hostname': 'a' })
    const link = `${system.paths.root}/etc/vqtune`
    symlinkSync('/srv/site', link)
    const { problems } = await readConfig(system)
    expect(problems.map(({ file, text }) => [file, text])).toEqual([
      [system.paths.etcConfigDir, `in ${link}, a link to /srv/site, which does not exist`],
      [system.paths.etcConfig, `in ${link}, a link to /srv/site, which does not exist`],
    ])
  })

  test('a file in place of the directory of the drop-ins', async () => {
    const system = systemWith({ '/etc/vqtune/conf.d': '' })
    const { problems } = await readConfig(system)
    expect(problems.map(({ file, text }) => [file, text])).toEqual([
      [system.paths.etcConfigDir, 'not a directory but a file'],
    ])
  })

  test('a link to a directory is followed', async () => {
    const system = systemWith({ '/srv/site/10-a.toml': '[boot]\nwait-ms = 7\n', '/etc/vqtune/a': '' })
    symlinkSync(`${system.paths.root}/srv/site`, system.paths.etcConfigDir)
    expect((await loadSettings(system)).boot.waitMs).toBe(7)
  })
})

describe('precedence', () => {
  test('vendor, then etc, then drop-ins in the order of their names; later keys win', async () => {
    const system = systemWith({
      [VENDOR]:
        'isolated-cpus = "use"\n[boot]\nwait-ms = 1\nlimit-ms = 1000\n[defaults]\ncap = 4\nxps = false\n',
      [ETC]: '[boot]\nwait-ms = 2\n[defaults]\ncap = 8\n',
      '/etc/vqtune/conf.d/20-b.toml': '[boot]\nwait-ms = 20\n',
      '/etc/vqtune/conf.d/10-a.toml': '[boot]\nwait-ms = 10\nlimit-ms = 2000\n',
      '/etc/vqtune/conf.d/.hidden.toml': 'broken',
      '/etc/vqtune/conf.d/backup.toml~': 'broken',
    })
    const settings = await loadSettings(system)
    expect(settings.boot).toEqual({ waitMs: 20, limitMs: 2000 })
    expect(settings.isolated).toBe('use')
    expect(nicSettings(settings, ETH0)).toMatchObject({ cap: 8, switches: { xps: false, affinity: true } })
    expect(settings.sources.map((file) => file.replace(system.paths.root, ''))).toEqual([
      VENDOR,
      ETC,
      '/etc/vqtune/conf.d/10-a.toml',
      '/etc/vqtune/conf.d/20-b.toml',
    ])
  })

  test('a rule of the vendor beats later [defaults]; a later rule beats it; "none" takes a cap back', async () => {
    const system = systemWith({
      [VENDOR]: '[[nic]]\nmatch = { name = "eth*" }\ncap = 2\non-conflict = "yield"\n',
      [ETC]: '[defaults]\ncap = 16\n',
    })
    expect(nicSettings(await loadSettings(system), ETH0).cap).toBe(2)
    const undone = systemWith({
      [VENDOR]: '[defaults]\ncap = 2\nchannels = 2\n',
      [ETC]: '\n[[nic]]\nmatch.virtio = "virtio2"\ncap = "none"\nchannels = "auto"\n',
    })
    const settings = await loadSettings(undone)
    expect(nicSettings(settings, ETH0)).toMatchObject({ cap: undefined, channels: undefined })
    expect(nicSettings(settings, { ...ETH0, virtio: 'virtio3' })).toMatchObject({ cap: 2, channels: 2 })
    expect(nicOrigin(settings, ETH0, 'cap')).toBe(`${undone.paths.etcConfig}:2`)
    expect(nicOrigin(settings, ETH0, 'enabled')).toBe('built-in')
  })

  test('--config replaces the installed files, and must exist', async () => {
    const system = systemWith({ [ETC]: 'broken', '/my.toml': '[guard]\nenabled = true\n' })
    const settings = await loadSettings(system, `${system.paths.root}/my.toml`)
    expect(settings.guard.enabled).toBe(true)
    expect(settings.sources).toEqual([`${system.paths.root}/my.toml`])
    await expect(loadSettings(system, `${system.paths.root}/none.toml`)).rejects.toThrow(
      'none.toml: no such file',
    )
  })
})

describe('problems of files', () => {
  test('loadSettings throws the first in file order, across files, in one line', async () => {
    const system = systemWith({
      [VENDOR]: '\n[boot]\nwait-ms = true\nlimit-ms = true\n',
      [ETC]: 'x',
    })
    const error = await loadSettings(system).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(VqtuneError)
    expect(error).toMatchObject({
      kind: 'config',
      exitCode: 2,
      message: `${system.paths.vendorConfig}:3: boot.wait-ms = true: allowed is 0 to 60000 (and 2 more: see vqtune config check)`,
    })
  })

  test('a broken file leaves the defaults in the reading', async () => {
    const system = systemWith({ [VENDOR]: '[boot]\nwait-ms = 5\n', [ETC]: 'x' })
    expect((await readConfig(system)).settings).toEqual(DEFAULT_SETTINGS)
  })

  test('a directory, an endless device and a huge file are refused unread', async () => {
    const system = systemWith({ '/etc/vqtune/conf.d/c.toml': '#'.repeat(128 * 1024 + 1) })
    mkdirSync(`${system.paths.etcConfigDir}/a.toml`)
    symlinkSync('/dev/zero', `${system.paths.etcConfigDir}/b.toml`)
    const { problems } = await readConfig(system)
    expect(problems.map((problem) => problem.text)).toEqual([
      'not a regular file but a directory',
      'not a regular file but a device, pipe or socket',
      '131073 bytes: allowed is up to 131072',
    ])
  })

  test('any text, TOML or not, either loads or is an error of kind config with one line', async () => {
    const pieces = fc.constantFrom(
      '[boot]',
      '[[nic]]',
      '[nic]',
      '\n',
      '=',
      ' ',
      '"',
      "'",
      '"""',
      '{',
      '}',
      '[',
      ']',
      ',',
      '#',
      '.',
      '\\',
      '\r\n',
      'match',
      'name',
      'cap',
      'wait-ms',
      'constructor',
      '__proto__',
      'toString',
      '1',
      '0x',
      '1979-05-27 07:32:00.5',
      'true',
      'inf',
      'nan',
      '\u2028',
      '\u0000',
      '\ud800',
      'defaults',
      'daemon',
      'check-cron',
      'é',
    )
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 60 }),
      fc.array(pieces, { maxLength: 25 }).map((parts) => parts.join('')),
      fc
        .record({
          table: fc.constantFrom('boot', 'daemon', '[nic]', 'defaults', 'x'),
          key: pieces,
          value: pieces,
        })
        .map(({ table, key, value }) => `[${table}]\n${key} = ${value}\n`),
    )
    let now = ''
    const host = Object.assign(Object.create(systemWith({ [ETC]: '' })), { readText: () => now })
    await fc.assert(
      fc.asyncProperty(text, async (content) => {
        now = content
        const outcome = await loadSettings(host).then(
          () => undefined,
          (error: unknown) => error,
        )
        if (outcome === undefined) return
        expect(outcome).toBeInstanceOf(VqtuneError)
        const { kind, message } = outcome as VqtuneError
        expect(kind).toBe('config')
        expect(message).not.toMatch(/[\p{Cc}\u2028\u2029]/u)
      }),
      { numRuns: 1_500 },
    )
  })
})

describe('who may write the file', () => {
  const KEY = '[boot]\nwait-ms = 1\n'

  test('own files that nobody else may write are obeyed, also behind a link', async () => {
    const system = systemWith({ [ETC]: KEY, '/srv/real.toml': '[boot]\nlimit-ms = 5000\n' })
    mkdirSync(system.paths.etcConfigDir)
    symlinkSync('../../../srv/real.toml', `${system.paths.etcConfigDir}/link.toml`)
    expect((await loadSettings(asRunningGuest(system))).boot).toEqual({ waitMs: 1, limitMs: 5000 })
  })

  test.each([
    [0o664, 0o755, 'refused: it is group- or world-writable (mode 0664); run chmod go-w'],
    [0o646, 0o755, 'refused: it is group- or world-writable (mode 0646); run chmod go-w'],
    [
      0o644,
      0o775,
      'refused: its directory DIR is group- or world-writable (mode 0775); run chmod go-w on it',
    ],
  ])('file mode %o in directory mode %o', async (fileMode, directoryMode, expected) => {
    const system = systemWith({ [ETC]: KEY })
    const directory = system.paths.etcConfig.replace(/\/[^/]*$/, '')
    chmodSync(system.paths.etcConfig, fileMode)
    chmodSync(directory, directoryMode)
    const { problems } = await readConfig(asRunningGuest(system))
    expect(problems).toEqual([
      { file: system.paths.etcConfig, line: undefined, text: expected.replace('DIR', directory) },
    ])
  })

  test('a link into a directory that others may write is refused, a sticky one is not', async () => {
    const system = systemWith({ '/shared/real.toml': KEY })
    const shared = `${system.paths.root}/shared`
    mkdirSync(system.paths.etcConfigDir, { recursive: true })
    symlinkSync(`${shared}/real.toml`, system.paths.etcConfig)
    chmodSync(shared, 0o777)
    const { problems } = await readConfig(asRunningGuest(system))
    expect(problems[0]?.text).toBe(
      `refused: its directory ${shared} is group- or world-writable (mode 0777); run chmod go-w on it`,
    )
    chmodSync(shared, 0o1777)
    expect((await loadSettings(asRunningGuest(system))).boot.waitMs).toBe(1)
  })

  test('a file of somebody else is refused; in a captured tree owners mean nothing', async () => {
    const system = systemWith({ [ETC]: KEY })
    const linkStat: typeof system.linkStat = (path) => {
      const facts = system.linkStat(path)
      return facts?.kind === 'file' ? { ...facts, uid: 4242 } : facts
    }
    const { problems } = await readConfig(asRunningGuest(system, { linkStat }))
    expect(problems[0]?.text).toMatch(/^refused: it belongs to user 4242, not to root/)
    chmodSync(system.paths.etcConfig, 0o666)
    expect((await loadSettings(system)).boot.waitMs).toBe(1)
  })

  test.each([
    ['EACCES', 'permission denied'],
    ['EIO', 'EIO: from the disk'],
  ])('a directory that cannot be read is named: %s', async (code, reason) => {
    const system = systemWith({ [ETC]: KEY })
    const list = () => {
      throw Object.assign(new Error(`${code}: from the disk`), { code })
    }
    const { problems, settings } = await readConfig(Object.assign(Object.create(system), { list }))
    expect(problems).toEqual([
      { file: system.paths.etcConfigDir, line: undefined, text: `cannot be read: ${reason}` },
    ])
    expect(settings).toEqual(DEFAULT_SETTINGS)
  })

  test('a file that may not be read is named', async () => {
    const system = systemWith({ [ETC]: KEY })
    const readText = () => {
      throw Object.assign(new Error('EACCES: permission denied, open'), { code: 'EACCES' })
    }
    const { problems } = await readConfig(asRunningGuest(system, { readText }))
    expect(problems[0]?.text).toBe('cannot be read: permission denied')
  })
})
