/** What is printed at once; what less shows is in test/cli/pager.test.ts, on a terminal. */
import { PassThrough } from 'node:stream'
import { beforeEach, expect, it, vi } from 'vitest'
import { showInPages } from '../../../src/system/pager'

const started = vi.hoisted(() => ({ calls: [] as unknown[][], text: '', fails: false }))
vi.mock('../../../src/system/child', () => ({
  startChild: (...call: unknown[]) => {
    started.calls.push(call)
    const stdin = new PassThrough().on('data', (data) => {
      started.text += String(data)
    })
    const ended = new Promise((resolve, reject) => {
      stdin.once('end', () => (started.fails ? reject(new Error('cannot start')) : resolve({ code: 0 })))
    })
    return { process: { stdin }, ended }
  },
}))
vi.mock('../../../src/system/system', async (original) => ({
  ...(await original<typeof import('../../../src/system/system')>()),
  openSystem: () => ({ findTool: (tool: string) => (tool === 'less' ? installed : undefined) }),
}))
let installed: string | undefined

/** What is printed, on a terminal of 10 rows and 20 columns. */
async function shown(text: string): Promise<string> {
  const parts: string[] = []
  await showInPages(text, (part) => void parts.push(part))
  return parts.join('')
}

beforeEach(() => {
  Object.assign(started, { calls: [], text: '', fails: false })
  Object.assign(process.stdout, { rows: 10, columns: 20 })
  installed = '/usr/bin/less'
})

it('a text that fits the terminal with the prompt is printed', async () => {
  const nine = 'x\n'.repeat(8)
  expect(await shown(nine)).toBe(nine)
  expect(await shown('')).toBe('')
  expect(started.calls).toEqual([])
})

it('a longer one is for less, without its ways to run programs and with nothing of the caller', async () => {
  vi.stubEnv('PAGER', '/tmp/evil')
  vi.stubEnv('LESSOPEN', '|/tmp/evil %s')
  vi.stubEnv('TERM', 'xterm')
  const ten = 'x\n'.repeat(9)
  expect(await shown(ten)).toBe('')
  expect(started.text).toBe(ten)
  const [[file, args, options] = []] = started.calls
  expect([file, args]).toEqual(['/usr/bin/less', ['--RAW-CONTROL-CHARS', '--no-init']])
  expect(options).toMatchObject({ env: { LESSSECURE: '1', LESSHISTFILE: '-', TERM: 'xterm' } })
  expect(JSON.stringify(options)).not.toContain('evil')
  vi.unstubAllEnvs()
})

it('lines that are wider than the terminal take more rows', async () => {
  await shown(`${'x'.repeat(160)}\n`)
  expect(started.calls).toEqual([])
  await shown(`${'x'.repeat(161)}\n`)
  expect(started.calls).toHaveLength(1)
})

it('without less, and where it does not start, it is printed', async () => {
  const long = 'x\n'.repeat(100)
  installed = undefined
  expect(await shown(long)).toBe(long)
  installed = '/usr/bin/less'
  started.fails = true
  expect(await shown(long)).toBe(long)
})

it('Ctrl-C is left to less, and only as long as it runs', async () => {
  const before = process.listenerCount('SIGINT')
  const showing = shown('x\n'.repeat(100))
  expect(process.listenerCount('SIGINT')).toBe(before + 1)
  await showing
  expect(process.listenerCount('SIGINT')).toBe(before)
})
