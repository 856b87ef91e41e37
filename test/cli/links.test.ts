/** Hyperlinks on a terminal, which `script` provides. */
import { mkdtempSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { expect, it } from 'vitest'
import { BUNDLE } from '../support/bundle'

// Below /var: files that only a user has are not linked.
const FILE = join(mkdtempSync('/var/tmp/vqtune-links-'), 'vqtune.toml')
writeFileSync(FILE, 'nonsense = 1\n')
const CHECK = [process.execPath, BUNDLE, 'config', 'check', '--no-pager', '--config', FILE]
const LINK = `\u001b]8;;file://${hostname()}${FILE}\u001b\\${FILE}\u001b]8;;\u001b\\`

async function onTerminal(env: Record<string, string>, ...more: readonly string[]): Promise<string> {
  const { stdout } = await execa('script', ['-qefc', [...CHECK, ...more].join(' '), '/dev/null'], {
    reject: false,
    timeout: 600_000,
    stdin: 'ignore',
    env: { PATH: '/usr/bin:/bin', ...env },
    extendEnv: false,
  })
  expect(stdout).toContain(FILE)
  return stdout
}

it('a file is a hyperlink where the terminal can open it, and nowhere else', async () => {
  expect(await onTerminal({ TERM: 'xterm-256color' })).toContain(LINK)
  for (const env of [{ TERM: 'linux' }, { TERM: 'dumb' }, { TERM: 'xterm', NO_COLOR: '1' }])
    expect(await onTerminal(env)).not.toContain('\u001b]8')
  expect(await onTerminal({ TERM: 'xterm' }, '--json')).not.toContain('\u001b]8')
  const piped = await execa(CHECK[0] as string, CHECK.slice(1), {
    reject: false,
    env: { TERM: 'xterm-256color' },
  })
  expect(piped.stdout).toContain(FILE)
  expect(piped.stdout).not.toContain('\u001b]8')
})
