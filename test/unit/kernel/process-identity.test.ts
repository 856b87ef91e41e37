import { expect, it } from 'vitest'
import {
  isRunning,
  isSameProcess,
  ownProcess,
  parseStartTicks,
  startTicksOf,
} from '../../../src/kernel/process-identity'
import { openSystem } from '../../../src/system/system'
import { systemFailing, systemWith } from '../../support/systems'

it('the start is field 22, whatever the process calls itself', () => {
  const stat = (name: string) => `812 (${name}) S ${Array.from({ length: 49 }, (_, i) => i + 4).join(' ')}\n`
  for (const name of ['vqtune', 'a b) S 1', '((', '\n', '']) expect(parseStartTicks(stat(name))).toBe('22')
  for (const text of ['', '812 (x', stat('x').slice(0, 30)]) expect(parseStartTicks(text)).toBeUndefined()
})

it('a process is its PID and start: another one with the same PID is another one', () => {
  const a = { pid: 7, startTicks: '100' }
  expect(isSameProcess(a, { pid: 7, startTicks: '100' })).toBe(true)
  expect(isSameProcess(a, { pid: 7, startTicks: '101' })).toBe(false)
  expect(isSameProcess(a, { pid: 8, startTicks: '100' })).toBe(false)
})

it('it runs as long as the kernel shows it with the same start', () => {
  const fields = Array.from({ length: 18 }, () => '0').join(' ')
  const system = systemWith({ '/proc/7/stat': `7 (x) S ${fields} 100 0\n` })
  expect(startTicksOf(system, 7)).toBe('100')
  expect(isRunning(system, { pid: 7, startTicks: '100' })).toBe(true)
  expect(isRunning(system, { pid: 7, startTicks: '99' })).toBe(false)
  expect(isRunning(system, { pid: 8, startTicks: '100' })).toBe(false)
})

it('one that ended while it was read does not run', () => {
  expect(startTicksOf(systemFailing('ESRCH'), 7)).toBeUndefined()
  expect(isRunning(systemFailing('ESRCH'), { pid: 7, startTicks: '100' })).toBe(false)
})

it('this process knows itself, but for a tree without it', () => {
  const own = ownProcess(openSystem())
  expect(own).toEqual({ pid: process.pid, startTicks: expect.stringMatching(/^[1-9]\d*$/) })
  expect(isRunning(openSystem(), own)).toBe(true)
  expect(ownProcess(systemWith({}))).toEqual({ pid: process.pid, startTicks: '' })
})
