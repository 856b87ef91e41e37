/** What programs are given, and what they may give back. Real ones, of this system. */
import { describe, expect, test } from 'vitest'
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
        message: expect.stringMatching(/^\S+\/sh: std(out|err) maxBuffer length exceeded$/),
      })
    },
  )

  test('and never ends is given up', async () => {
    await expect(system.run('sleep', ['infinity'], { timeoutMs: 200 })).rejects.toMatchObject({
      kind: 'timeout',
    })
  })
})
