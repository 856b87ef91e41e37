import { existsSync, mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openEndpoint } from '../../../src/daemon/endpoint'

interface Answer {
  readonly status: number | undefined
  readonly type: string | undefined
  readonly body: string
}

function ask(
  where: { socketPath: string } | { host: string; port: number },
  { path = '/metrics', method = 'GET', accept = '*/*' } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    request({ ...where, path, method, headers: { accept }, agent: false }, (response) => {
      let body = ''
      response.setEncoding('utf8').on('data', (part: string) => {
        body += part
      })
      response.on('end', () =>
        resolve({ status: response.statusCode, type: response.headers['content-type'], body }),
      )
    })
      .on('error', reject)
      .end()
  })
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

describe('openEndpoint', () => {
  const directory = mkdtempSync(join(tmpdir(), 'vqtune-endpoint-'))

  it('answers on 127.0.0.1 in the format that is asked for, and nothing but reads of /metrics', async () => {
    const where = { host: '127.0.0.1', port: await freePort() } as const
    const endpoint = await openEndpoint({ kind: 'tcp', ...where }, (format) => `${format}\n`)
    expect(await ask(where)).toEqual({
      status: 200,
      type: 'text/plain; version=0.0.4; charset=utf-8',
      body: 'text\n',
    })
    expect(await ask(where, { accept: 'application/openmetrics-text; version=1.0.0' })).toEqual({
      status: 200,
      type: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
      body: 'openmetrics\n',
    })
    expect(await ask(where, { method: 'HEAD' })).toMatchObject({ status: 200, body: '' })
    expect(await ask(where, { method: 'POST' })).toMatchObject({ status: 405, body: '' })
    expect(await ask(where, { path: '/' })).toMatchObject({ status: 404, body: '' })
    await endpoint.close()
    await expect(ask(where)).rejects.toThrow('ECONNREFUSED')
  })

  it('takes the place of a socket that was left behind; others cannot connect', async () => {
    const path = join(directory, 'metrics.sock')
    const first = await openEndpoint({ kind: 'unix', path }, () => 'first\n')
    const second = await openEndpoint({ kind: 'unix', path }, () => 'second\n')
    expect((await ask({ socketPath: path })).body).toBe('second\n')
    expect(statSync(path).mode & 0o777).toBe(0o660)
    await Promise.all([first.close(), second.close()])
    expect(existsSync(path)).toBe(false)
  })

  it('removes nothing but a socket', async () => {
    const path = join(directory, 'precious')
    writeFileSync(path, 'data')
    await expect(openEndpoint({ kind: 'unix', path }, () => '')).rejects.toThrow(
      /^metrics\.listen .*precious: .*EADDRINUSE/,
    )
    expect(readFileSync(path, 'utf8')).toBe('data')
  })
})
