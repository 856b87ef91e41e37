/** Long text on a terminal, which `script` provides. */
import { execa } from 'execa'
import { describe, expect, it } from 'vitest'
import { BUNDLE } from '../support/bundle'

const GUEST = 'test/fixtures/guests/bond.tar.gz'

/** What the terminal shows, with what is typed into it. */
async function onTerminal(rows: number, keys: string, ...args: readonly string[]): Promise<string> {
  const command = [process.execPath, BUNDLE, ...args, '--root', GUEST].join(' ')
  const { stdout, exitCode } = await execa(
    'script',
    ['-qefc', `stty rows ${rows} cols 80; exec ${command}`, '/dev/null'],
    {
      reject: false,
      input: keys,
      env: { TERM: 'xterm', NO_COLOR: '1', PATH: '/usr/bin:/bin' },
      extendEnv: false,
    },
  )
  expect(exitCode).toBe(0)
  return stdout.replaceAll('\r', '')
}

describe.concurrent('a text that is longer than the terminal', () => {
  it('is shown a page at a time: the end comes when it is asked for', async () => {
    const first = await onTerminal(10, 'q', 'explain', 'enp0s8')
    expect(first).toContain('virtio-net')
    expect(first).not.toContain('Next: ')
    expect(await onTerminal(10, 'Gq', 'explain', 'enp0s8')).toContain('Next: ')
  })

  it('is printed with --no-pager', async () => {
    const text = await onTerminal(10, '', 'explain', 'enp0s8', '--no-pager')
    expect(text.split('\n').length).toBeGreaterThan(10)
    expect(text).toContain('Next: ')
  })

  it('is printed where it fits', async () => {
    const text = await onTerminal(2_000, '', 'explain', 'enp0s8')
    expect(text).toContain(await onTerminal(10, '', 'explain', 'enp0s8', '--no-pager'))
  })

  it('starts no shell and no editor', async () => {
    expect(await onTerminal(10, '!id\nq', 'explain', 'enp0s8')).toContain('Command not available')
  })
})
