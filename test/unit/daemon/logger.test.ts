import { closeSync, fstatSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { createLogger, type DaemonLogger } from '../../../src/daemon/logger'

let path: string
let fd: number
beforeEach(() => {
  path = join(mkdtempSync(join(tmpdir(), 'vqtune-log-')), 'log')
  fd = openSync(path, 'w')
})
afterEach(() => {
  vi.unstubAllEnvs()
  closeSync(fd)
  rmSync(join(path, '..'), { recursive: true, force: true })
})

/** As systemd tells that standard output is its journal's. */
const connectToJournal = (): void => {
  const { dev, ino } = fstatSync(fd)
  vi.stubEnv('JOURNAL_STREAM', `${dev}:${ino}`)
}
const written = (): string[] => readFileSync(path, 'utf8').split('\n')
const INFO = { logLevel: 'info', logFormat: 'text' } as const

function logAll({ log }: DaemonLogger): void {
  log.debug({ nic: 'eth0' }, 'zero')
  log.info({ nic: 'eth0' }, 'one')
  log.warn('two')
  log.error('three')
}

it('writes text with priorities to the journal', () => {
  connectToJournal()
  logAll(createLogger({ ...INFO, logLevel: 'debug' }, false, fd))
  expect(written()).toEqual(['<7>zero', '<6>one', '<4>two', '<3>three', ''])
})

it('writes text with time and level elsewhere, and nothing below its level', () => {
  logAll(createLogger(INFO, false, fd))
  const lines = written()
  for (const line of lines.slice(0, -1)) expect(Date.parse(line.split(' ')[0] ?? '')).toBeGreaterThan(0)
  expect(lines.map((line) => line.replace(/^\S+Z /, ''))).toEqual([
    'info: one',
    'warn: two',
    'error: three',
    '',
  ])
})

it('writes JSON where it is configured, with the time only outside of the journal', () => {
  createLogger({ ...INFO, logFormat: 'json' }, false, fd).log.info('two')
  connectToJournal()
  createLogger({ ...INFO, logFormat: 'json' }, false, fd).log.warn({ nic: 'eth0' }, 'one')
  const [other = '', journal = '', end] = written()
  expect(journal.slice(0, 3)).toBe('<4>')
  expect(JSON.parse(journal.slice(3))).toEqual({ level: 'warn', nic: 'eth0', msg: 'one' })
  expect(JSON.parse(other)).toEqual({ level: 'info', time: expect.stringMatching(/^\d{4}-.*Z$/), msg: 'two' })
  expect(end).toBe('')
})

it('is one line, also for a stack, and names cannot steer a terminal or forge a line', () => {
  connectToJournal()
  const { log, configure } = createLogger(INFO, false, fd)
  log.error('Error: x\n    at y (z.ts:1:2)\n    at w\n')
  log.info('<0>wall\u001b[2J\n<0>forged')
  configure({ ...INFO, logFormat: 'json' })
  log.info('wall\u009b2J\n<0>forged')
  expect(written()).toEqual([
    '<3>Error: x at y (z.ts:1:2) at w ',
    '<6><0>wall\\u001b[2J <0>forged',
    '<6>{"level":"info","msg":"wall\\u009b2J\\n<0>forged"}',
    '',
  ])
})

it('takes level and format of a configuration that is read again, but for the level of --verbose', () => {
  connectToJournal()
  const logger = createLogger(INFO, false, fd)
  logger.configure({ logLevel: 'error', logFormat: 'json' })
  logAll(logger)
  const verbose = createLogger(INFO, true, fd)
  verbose.configure({ logLevel: 'error', logFormat: 'text' })
  logAll(verbose)
  expect(written()).toEqual([
    '<3>{"level":"error","msg":"three"}',
    ...['<7>zero', '<6>one', '<4>two', '<3>three', ''],
  ])
})
