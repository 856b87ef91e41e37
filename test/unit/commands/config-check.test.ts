import { describe, expect, test } from 'vitest'
import { run } from '../../../src/commands/config-check'
import type { System } from '../../../src/system/system'
import { guestWith } from '../../support/captured-guest'
import { expectSchema } from '../../support/schema'
import { systemWith } from '../../support/systems'
import { ETC, VENDOR } from '../config/tree'

async function check(system: System, json = false): Promise<{ code: number; out: string }> {
  const lines: string[] = []
  const code = await run({
    system,
    positionals: [],
    options: { json },
    configFile: undefined,
    out: (text) => lines.push(text),
    warn: () => undefined,
    color: false,
    signal: new AbortController().signal,
  })
  return { code, out: lines.join('').replaceAll(system.paths.root, '') }
}

/** A captured guest with one NIC, enp0s8, and these files. */
const withNic = (files: Readonly<Record<string, string>>) => guestWith('debian-6.12-4cpu-4q', files)

describe('vqtune config check', () => {
  test('lists every problem of every file and exits with 2', async () => {
    const system = systemWith({ [VENDOR]: '[boot]\nwait-ms = true\n', [ETC]: '[gaurd]\n' })
    expect(await check(system)).toEqual({
      code: 2,
      out: `${VENDOR}:2: boot.wait-ms = true: allowed is 0 to 60000\n${ETC}:1: gaurd: unknown key, did you mean guard?\n2 problems\n`,
    })
    const json = JSON.parse((await check(system, true)).out)
    expectSchema('config-check', json)
    expect(json).toMatchObject({
      problems: [
        { file: VENDOR, line: 2, text: 'boot.wait-ms = true: allowed is 0 to 60000' },
        { file: ETC, line: 1 },
      ],
      nics: [],
    })
  })

  test('works where there is no guest to look at', async () => {
    const { code, out } = await check(systemWith({}))
    expect(code).toBe(0)
    expect(out).toMatch(/^no configuration file: built-in defaults\nno problems\n.+\n$/)
    const json = JSON.parse((await check(systemWith({}), true)).out)
    expect(json.unobserved).toMatch(/online: no list of online CPUs$/)
    expectSchema('config-check', json)
  })

  test('shows what applies to each NIC and which table says so', async () => {
    const system = withNic({
      [VENDOR]: '[defaults]\ncap = 3\n',
      [ETC]: '# first\n[[nic]]\nmatch = { name = "enp*" }\nchannels = 4\n',
    })
    const { code, out } = await check(system)
    expect(code).toBe(0)
    expect(out).toContain(`read ${VENDOR}, ${ETC}\nno problems\n`)
    expect(out).toMatch(new RegExp(`^\\S+ +cap +3 +${VENDOR}:1$`, 'm'))
    expect(out).toMatch(new RegExp(`^\\S+ +channels +4 +${ETC}:2$`, 'm'))
    expect(out).toMatch(/^\S+ +xps +true +built-in$/m)
    expect(out).toContain('channels = 4 is more than cap = 3 from another table: the cap wins')
    const [nic] = JSON.parse((await check(system, true)).out).nics
    expect(nic).toMatchObject({ settings: { cap: 3, channels: 4 }, from: { cap: `${VENDOR}:1` } })
  })

  test('tells of RFS that does nothing, and who can change that', async () => {
    const wanted = { [ETC]: '[defaults]\nrfs = "spread"\n' }
    const sysctl = '/proc/sys/net/core/rps_sock_flow_entries'
    const without = await check(withNic({ ...wanted, [sysctl]: '0\n' }))
    expect(without.code).toBe(0)
    expect(without.out).toContain(
      `enp0s8: rfs = "spread" (${ETC}:1): net.core.rps_sock_flow_entries is 0, so RFS does nothing`,
    )
    expect(without.out).toContain('sysctl -w net.core.rps_sock_flow_entries=32768')
    for (const files of [{ ...wanted, [sysctl]: '32768\n' }, { [sysctl]: '0\n' }])
      expect((await check(withNic(files))).out).not.toContain('RFS')
  })

  test('tells of rules that match no NIC, and of files whose names keep them from being read', async () => {
    const system = withNic({
      [ETC]: '[defaults]\ncap = 3\n[[nic]]\nmatch = { name = "ens*" }\ncap = 2\n',
      '/etc/vqtune/conf.d/50-site.conf': '[defaults]\ncap = 1\n',
      '/etc/vqtune/conf.d/.50-site.toml.swp': '',
    })
    const notes = [
      '/etc/vqtune/conf.d/50-site.conf: not read: drop-ins end in .toml',
      `${ETC}:3: this rule matches no NIC of this guest`,
    ]
    const { code, out } = await check(system)
    expect(code).toBe(0)
    expect(out.endsWith(`\n${notes.join('\n')}\n`)).toBe(true)
    const json = JSON.parse((await check(system, true)).out)
    expectSchema('config-check', json)
    expect(json.notes).toEqual(notes)
  })
})
