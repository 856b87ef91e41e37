/** What programs are given, and what they may give back. Real ones, of this system. */
import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import { openSystem } from '../../../src/system/system'

describe('a program that is run', () => {
  const system = openSystem()

  test('gets a PATH of the system, the C locale, and nothing of the caller', async () => {
    process.env.VQTUNE_SECRET = 'x'
    try {
      const { stdout } = await system.run('env', [])
      expect(stdout.trim().split('\n').sort()).toEqual(['LC_ALL=C', 'PATH=/usr/sbin:/usr/bin:/sbin:/bin'])
    } finally {
      delete process.env.VQTUNE_SECRET
    }
  })

  test.each(['1', '2'])(
    'and prints more than 16 MiB on stream %s is a failure in one line',
    async (stream) => {
      const print = (mebibytes: number) =>
        system.run('sh', ['-c', `head -c ${mebibytes}M /dev/zero | tr '\\0' x >&${stream}`])
      expect(await print(15)).toMatchObject({ code: 0 })
      await expect(print(17)).rejects.toMatchObject({
        kind: 'tool-failed',
        message: `/usr/bin/sh: printed more than 16 MiB on ${stream === '1' ? 'stdout' : 'stderr'}`,
      })
    },
  )

  test('and never ends is given up', async () => {
    await expect(system.run('sleep', ['infinity'], { timeoutMs: 200 })).rejects.toMatchObject({
      kind: 'timeout',
    })
  })

  test('and is given up ends with what it started', async () => {
    const pidFile = `${mkdtempSync(join(tmpdir(), 'vqtune-run-'))}/pid`
    const script = `sleep 60 & echo $! >${pidFile}; wait`
    await expect(system.run('sh', ['-c', script], { timeoutMs: 500 })).rejects.toMatchObject({
      kind: 'timeout',
    })
    const pid = readFileSync(pidFile, 'utf8').trim()
    const state = () => /^State:\t(.)/m.exec(system.readText(`/proc/${pid}/status`) ?? '')?.[1]
    await vi.waitFor(() => expect([undefined, 'Z']).toContain(state()))
  })

  test('and leaves something running that keeps its output open is not waited for', async () => {
    const result = await system.run('sh', ['-c', 'sleep 60 & echo $!'])
    expect(result).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+\n$/) })
    process.kill(Number(result.stdout), 'SIGKILL')
  })

  test.each([
    ['by itself', undefined, true],
    ['at our terminal when it may ask for a password', true, false],
  ] as const)('is in a process group %s', async (_, atTerminal, isAlone) => {
    // Field 5 of stat(5): the group.
    const { stdout } = await system.run('cut', ['-d ', '-f1,5', '/proc/self/stat'], {
      atTerminal: atTerminal ?? false,
    })
    const [pid, group] = stdout.trim().split(' ')
    expect(pid === group).toBe(isAlone)
  })

  test('and cannot be started is a failure in one line', async () => {
    await expect(system.run('echo', ['x'.repeat(200_000)])).rejects.toMatchObject({
      kind: 'tool-failed',
      message: '/usr/bin/echo: cannot be started (E2BIG)',
    })
  })
})
