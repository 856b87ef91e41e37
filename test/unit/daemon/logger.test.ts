import { closeSync, fstatSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, it, vi } from 'vitest'
import { createLogger } from '../../../src/daemon/logger'

const directory = mkdtempSync(join(tmpdir(), 'vqtune-log-'))
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(directory, { recursive: true, force: true })
})

it('writes JSON with priorities to the journal, with the time elsewhere, and nothing below its level', () => {
  const path = join(directory, 'log')
  const fd = openSync(path, 'w')
  const { dev, ino } = fstatSync(fd)
  vi.stubEnv('JOURNAL_STREAM', `${dev}:${ino}`)
  createLogger('info', fd).warn({ nic: 'eth0' }, 'one')
  vi.stubEnv('JOURNAL_STREAM', `${dev}:${ino + 1}`)
  const plain = createLogger('info', fd)
  plain.debug('hidden')
  plain.info('two')
  closeSync(fd)
  const [journal = '', other = '', end] = readFileSync(path, 'utf8').split('\n')
  expect(journal.slice(0, 3)).toBe('<4>')
  expect(JSON.parse(journal.slice(3))).toEqual({ level: 'warn', nic: 'eth0', msg: 'one' })
  expect(JSON.parse(other)).toEqual({ level: 'info', time: expect.stringMatching(/^\d{4}-.*Z$/), msg: 'two' })
  expect(end).toBe('')
})
