/** Long text on a terminal, which `script` provides. */
import { execa } from 'execa'
import { describe, expect, it } from 'vitest'
import { BUNDLE } from '../support/bundle'

const GUEST = 'test/fixtures/guests/bond.tar.gz'

/** With what less asks for a key. */
const PROMPT = /(?:^|[\r\n]):$/
/** Terminals are told to clear the rest of the line behind it. */
const CLEAR_LINE = '\u001b[K'

/** What the terminal shows, with what is typed into it once less asks: what comes before it would be thrown away. */
async function onTerminal(rows: number, keys: string, ...args: readonly string[]): Promise<string> {
  const command = [process.execPath, BUNDLE, ...args, '--root', GUEST].join(' ')
  const terminal = execa('script', ['-qefc', `stty rows ${rows} cols 80; exec ${command}`, '/dev/null'], {
    reject: false,
    timeout: 600_000,
    env: { TERM: 'xterm', NO_COLOR: '1', PATH: '/usr/bin:/bin' },
    extendEnv: false,
  })
  let shown = ''
  let isTyped = keys === ''
  terminal.stdout.on('data', (text) => {
    shown += String(text)
    if (isTyped || !PROMPT.test(shown.replaceAll(CLEAR_LINE, ''))) return
    isTyped = true
    terminal.stdin.write(keys)
  })
  const { stdout, exitCode } = await terminal
  expect([exitCode, isTyped]).toEqual([0, true])
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
