/** What a person reads of `vqtune status`: lines that fit a terminal, what to do next, and a look that repeats. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { BUNDLE, capturedRoot, vqtune } from '../support/bundle'
import { guestNames } from '../support/captured-guest'
import { until } from '../support/until'

/** Not the one whose names are longer than common ones: a column is as wide as what is in it. */
const GUESTS = guestNames().filter((name) => name !== 'failover')

describe.concurrent('status', () => {
  it.each(GUESTS)('%s: the table of NICs fits 80 columns', async (name) => {
    const { stdout, code } = await vqtune(['status', '--root', capturedRoot(name)])
    expect(code).toBe(0)
    const table = /^NIC +LINK[\s\S]*?\n\n/m.exec(stdout)?.[0]
    expect(table !== undefined || stdout.startsWith('no virtio-net NIC')).toBe(true)
    expect((table ?? '').split('\n').filter((line) => line.length > 80)).toEqual([])
  })

  it('says what to run next, and nothing where there is nothing to do', async () => {
    const next = async (name: string) =>
      (await vqtune(['status', '--root', capturedRoot(name)])).stdout.match(/^next: .*$/gm)
    expect(await next('hotplug-drift')).toEqual([
      'next: vqtune plan, what would change and why; vqtune apply, to change it',
    ])
    expect(await next('two-nics')).toEqual([
      'next: vqtune explain enp0s9, why the host offers no more, and the remedy',
    ])
    expect(await next('debian-6.12-4cpu-4q')).toBeNull()
  })
})

describe.concurrent('status --watch', () => {
  const watching = (...args: string[]) => {
    const child = spawn(process.execPath, [BUNDLE, 'status', '--watch', '1', ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const seen = { out: '', err: '' }
    child.stdout.on('data', (text) => {
      seen.out += text
    })
    child.stderr.on('data', (text) => {
      seen.err += text
    })
    return { child, seen }
  }

  it('looks again and again, and ends well when interrupted', async () => {
    const { child, seen } = watching('--root', capturedRoot('two-nics'))
    await until(() => (seen.out.match(/^every 1 s, /gm) ?? []).length === 3)
    const ended = once(child, 'exit')
    child.kill('SIGINT')
    expect(await ended).toEqual([0, null])
    expect(seen.err).toBe('')
    const looks = seen.out.split(/^every 1 s, .*\n\n/m).slice(1)
    expect(looks.length).toBeGreaterThanOrEqual(3)
    expect(new Set(looks.map((look) => look.trim())).size).toBe(1)
    expect(looks[0]).toContain('enp0s8: 4 channels (one per vCPU), every queue private\n')
    // Not a terminal.
    expect(seen.out).not.toContain('\x1b')
  })

  it('what the first look cannot do ends it', async () => {
    expect(
      await vqtune(['status', '--watch', '1', 'nosuch', '--root', capturedRoot('two-nics')]),
    ).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining('nosuch'),
    })
  })

  it.each([
    [['--watch', '0'], /--watch 0: must be 1 to 3600/],
    [['--watch', 'x'], /--watch x: must be 1 to 3600/],
    [['--watch', '2', '--json'], /--watch shows text/],
  ])('%j is a usage error', async (args, message) => {
    const { code, stdout, stderr } = await vqtune(['status', ...args, '--root', capturedRoot('two-nics')])
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).toMatch(message)
  })
})
