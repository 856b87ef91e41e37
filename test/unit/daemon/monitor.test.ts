import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Monitor } from '../../../src/daemon/monitor'
import { openSystem } from '../../../src/system/system'
import { until } from '../../support/until'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'vqtune-monitor-'))
  mkdirSync(`${root}/usr/bin`, { recursive: true })
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

describe('Monitor', () => {
  function install(script: string): void {
    writeFileSync(`${root}/usr/bin/monitor`, `#!/bin/sh\n${script}\n`)
    chmodSync(`${root}/usr/bin/monitor`, 0o755)
  }
  function watch(): { monitor: Monitor; told: string[] } {
    const told: string[] = []
    const monitor = new Monitor(
      openSystem(root),
      { name: 'm', tool: 'monitor', args: ['-x'], pauseMs: 20 },
      {
        onLine: (line) => void told.push(`line ${line}`),
        onDown: (why) => void told.push(`down ${why}`),
        onUp: (first) => void (first || told.push('up')),
      },
    )
    monitor.start()
    return { monitor, told }
  }

  it('hands on lines as they come and ends the program when stopped', async () => {
    install('echo "$1"; echo; echo two; exec sleep infinity')
    const { monitor, told } = watch()
    await until(() => told.length === 2)
    expect(told).toEqual(['line -x', 'line two'])
    expect(monitor.view).toEqual({ name: 'm', state: 'up', why: null })
    await monitor.stop()
    expect(told).toHaveLength(2)
  })

  it('tells one outage once, however often the program fails, and its end', async () => {
    const starts = `${root}/starts`
    install(`echo >>${starts}; echo broken >&2; exit 3`)
    const { monitor, told } = watch()
    await until(() => existsSync(starts) && readFileSync(starts, 'utf8').length > 3)
    expect(told).toEqual(['down monitor ended (exit status 3): broken'])
    install('echo back; exec sleep infinity')
    await until(() => told.length === 3)
    expect(told.slice(1)).toEqual(['up', 'line back'])
    await monitor.stop()
  })

  it('tells of a missing program, and starts it once it is there', async () => {
    const { monitor, told } = watch()
    await until(() => told.length > 0)
    expect(told).toEqual(['down monitor is not installed'])
    expect(monitor.view).toEqual({ name: 'm', state: 'down', why: 'monitor is not installed' })
    install('echo here; exec sleep infinity')
    await until(() => monitor.view.state === 'up')
    await monitor.stop()
  })

  it('tells of a program that was killed', async () => {
    install('kill -9 $$')
    const { monitor, told } = watch()
    await until(() => told.length > 0)
    expect(told).toEqual(['down monitor ended (signal SIGKILL)'])
    await monitor.stop()
  })

  it('starts a program again later and later', async () => {
    const starts = `${root}/starts`
    install(`date +%s%3N >>${starts}; exit 1`)
    const { monitor } = watch()
    const times = () =>
      existsSync(starts) ? readFileSync(starts, 'utf8').trim().split('\n').map(Number) : []
    await until(() => times().length >= 5)
    await monitor.stop()
    const [a = 0, b = 0, c = 0, d = 0, e = 0] = times()
    // 20, 40, 80 and 160 ms, and what starting takes.
    expect([b - a >= 20, c - b >= 40, d - c >= 80, e - d >= 160]).toEqual([true, true, true, true])
  })

  it('hands on a line that comes in parts as one, and nothing of one that has no end', async () => {
    install('printf one; sleep 0.2; echo -two; printf three; exec sleep infinity')
    const { monitor, told } = watch()
    await until(() => told.length > 0)
    expect(told).toEqual(['line one-two'])
    await monitor.stop()
    expect(told).toHaveLength(1)
  })

  it('tells only the first line of what the program complains of', async () => {
    install('echo one >&2; echo two >&2; exit 1')
    const { monitor, told } = watch()
    await until(() => told.length > 0)
    expect(told).toEqual(['down monitor ended (exit status 1): one'])
    await monitor.stop()
  })

  it('stopped, does not wait for what its program left running', async () => {
    install('sleep 60 & echo $!; exec sleep 60')
    const { monitor, told } = watch()
    await until(() => told.length === 1)
    await monitor.stop()
    process.kill(Number(told[0]?.slice('line '.length)), 'SIGKILL')
  })

  it('stopped, kills a program that does not end', async () => {
    install("trap '' TERM; echo $$; while :; do sleep 0.1; done")
    const { monitor, told } = watch()
    await until(() => told.length === 1)
    await monitor.stop()
    const state = () => openSystem().readText(`/proc/${told[0]?.slice('line '.length)}/status`)
    await until(() => (state() ?? 'State:\tZ').includes('State:\tZ'))
  })
})
