import { expect, it } from 'vitest'
import { measureCommand } from '../../../src/trial/measure'
import { systemWith } from '../../support/systems'

const NET_DEV = '  eth0: 1 2 0 0 0 0 0 0 3 4 0 0 0 0 0 0\n'
const guest = () => systemWith({ '/proc/net/dev': NET_DEV, '/proc/stat': 'cpu  1 2 3 4 5 6 7 8\n' })

it.each([
  ['exits with 3', ['sh', '-c', 'echo why >&2; exit 3'], /^sh: why$/],
  ['is not there', ['vqtune-no-such-program'], /^vqtune-no-such-program: .*ENOENT/],
  // Of those that Node throws.
  ['cannot be started', ['echo', 'x'.repeat(200_000)], /^echo: .*E2BIG/],
])('a command that %s is a failure in one line', async (_, command, message) => {
  const measured = measureCommand(guest(), 'eth0', command, new AbortController().signal)
  await expect(measured).rejects.toMatchObject({
    kind: 'tool-failed',
    message: expect.stringMatching(message),
  })
})
