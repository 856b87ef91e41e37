/** `vqtune config set` and `config unset` on captured guests: what is written, what is refused, and that a refusal changes nothing. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { capturedRoot, vqtune } from '../support/bundle'
import { expectSchema } from '../support/schema'

function guest() {
  const root = capturedRoot('two-nics')
  const directory = `${root}/etc/vqtune/conf.d`
  mkdirSync(directory, { recursive: true })
  const file = `${directory}/70-set.toml`
  return {
    ...{ root, file, directory },
    config: (...args: string[]) => vqtune(['config', ...args, '--root', root]),
    status: async () => (await vqtune(['status', '--root', root])).stdout,
    text: () => (existsSync(file) ? readFileSync(file, 'utf8') : undefined),
  }
}

describe.concurrent('config set', () => {
  it('shows the difference, writes the drop-in, and the plan follows', async () => {
    const { config, status, text, file } = guest()
    const dry = await config('set', 'cap', '3', '--dry-run')
    expect(dry).toMatchObject({ code: 0, stdout: expect.stringContaining('+cap = 3\n'), stderr: '' })
    expect(text()).toBeUndefined()
    const set = await config('set', 'cap', '3')
    expect(set).toMatchObject({ code: 0, stdout: `${dry.stdout}wrote ${file}\n`, stderr: '' })
    expect(await status()).toContain('enp0s8: 4 channels, target 3 (configuration)')
    // For one NIC, whatever is said for all.
    expect(await config('set', 'cap', 'none', '--nic', 'enp0s8')).toMatchObject({ code: 0, stderr: '' })
    expect(text()).toMatch(/^\[\[nic\]\]\nmatch = \{ mac = "52:54:00:77:00:00" \}\ncap = "none"$/m)
    expect(await status()).toContain('enp0s8: 4 channels (one per vCPU)')
    expect((await config('set', 'cap', 'none', '--nic', 'enp0s8')).stdout).toBe(
      `${file} is like this already\n`,
    )
    expect((await config('unset', 'cap', '--nic', 'enp0s8')).code).toBe(0)
    expect(await config('unset', 'cap')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/\nremoved .*\n$/),
    })
    expect(text()).toBeUndefined()
  })

  it('says in JSON what it would write, what it wrote, and whether that has an effect', async () => {
    const { config, file } = guest()
    const json = async (...args: string[]) => {
      const { stdout, stderr, code } = await config(...args, '--json')
      expect({ stderr, code }).toEqual({ stderr: '', code: 0 })
      return JSON.parse(stdout)
    }
    const dry = await json('set', 'cap', '3', '--dry-run')
    expectSchema('config-set', dry)
    expect(dry).toMatchObject({ file, written: false, effective: true })
    expect(dry.diff).toContain('+cap = 3\n')
    expect(await json('set', 'cap', '3')).toEqual({ ...dry, written: true })
    expect(await json('set', 'cap', '3')).toMatchObject({ diff: '', written: false, effective: false })
    const removed = await json('unset', 'cap')
    expectSchema('config-unset', removed)
    expect(removed).toMatchObject({ written: true, effective: true })
  })

  it('says when a later file wins', async () => {
    const { config, directory } = guest()
    writeFileSync(
      `${directory}/90-fleet.toml`,
      '[guard]\nenabled = true\n[[nic]]\nmatch = { name = "*" }\ncap = 1\n',
    )
    const noEffect = (key: string) =>
      `vqtune: ${key}: no effect, since it was so before or a later file sets it: vqtune config check\n`
    expect((await config('set', 'guard.enabled', 'false')).stderr).toBe(noEffect('guard.enabled'))
    expect((await config('set', 'cap', '2', '--nic', 'enp0s8')).stderr).toBe(noEffect('cap'))
    expect((await config('set', 'guard.window-seconds', '61')).stderr).toBe('')
  })

  it.each([
    [
      ['set', 'cap', '300'],
      /^vqtune: \S+\/70-set\.toml:4: defaults\.cap = 300: allowed is 1 to 256, or "none"\n$/,
    ],
    [
      ['set', 'cap', '9', '--nic', 'nosuch'],
      /^vqtune: nosuch: no such virtio-net NIC; there are enp0s8, enp0s9\n$/,
    ],
    [
      ['set', 'guard.enable', 'true'],
      /^vqtune: config set: guard\.enable: unknown key, did you mean guard\.enabled\?\n$/,
    ],
    [
      ['unset', 'guard.enabled', '--nic', 'enp0s8'],
      /^vqtune: config unset: guard\.enabled: unknown key for one NIC, /,
    ],
    [['set', 'daemon.check-cron', 'now'], /allowed is a cron expression/],
    [['set', 'cap', '1', '--config', '/dev/null'], /--config names another file/],
    [['set', 'cap'], /<value> is missing/],
  ])('%j: one line, status 2, nothing written', async (args, message) => {
    const { config, directory } = guest()
    const { code, stdout, stderr } = await config(...args)
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).toMatch(message)
    expect(readdirSync(directory)).toEqual([])
  })

  it('does not build upon a configuration that is broken', async () => {
    const { config, directory } = guest()
    writeFileSync(`${directory}/10-x.toml`, 'nonsense = 1\n')
    expect(await config('set', 'cap', '2')).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining('10-x.toml:1: nonsense: unknown key'),
    })
    expect(readdirSync(directory)).toEqual(['10-x.toml'])
  })
})
