import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { run } from '../../../src/commands/drift'
import {
  appendHistory,
  type DriftRecord,
  historyPath,
  parseHistory,
  parseSince,
  readHistory,
  readNewestHistory,
} from '../../../src/drift/history'
import { VqtuneError } from '../../../src/errors'
import { openSystem, type System } from '../../../src/system/system'
import { expectSchema } from '../../support/schema'
import { systemFailing } from '../../support/systems'

let root: string
let system: System
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'vqtune-history-'))
  system = openSystem(root)
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

const record = (old: string, at = '2026-03-01T10:00:00.000Z'): DriftRecord => ({
  at,
  kind: 'channels',
  nic: 'eth0',
  old,
  new: '2',
  writer: 'unknown',
  evidence: 'no known writer of this setting is active in the guest',
  action: 'repaired',
  why: '',
})

describe('history', () => {
  it('is empty when there is none, and keeps order', () => {
    expect(readHistory(system)).toEqual({ records: [], damaged: 0 })
    appendHistory(system, record('4'), 16)
    appendHistory(system, record('3'), 16)
    expect(readHistory(system).records.map(({ old }) => old)).toEqual(['4', '3'])
  })

  it('loses only the torn line', () => {
    appendHistory(system, record('4'), 16)
    appendFileSync(historyPath(system), '{"at":"2026-03-01T10:0')
    expect(readHistory(system)).toMatchObject({ records: [{ old: '4' }], damaged: 1 })
    appendHistory(system, record('3'), 16)
    expect(readHistory(system)).toMatchObject({ records: [{ old: '4' }, { old: '3' }], damaged: 1 })
  })

  it('stays below its limit and keeps the newest', () => {
    for (let i = 0; i < 400; i++) appendHistory(system, record(String(i)), 16)
    expect(statSync(historyPath(system)).size).toBeLessThanOrEqual(16 * 1024)
    const { records, damaged } = readHistory(system)
    expect(damaged).toBe(0)
    expect(records.at(-1)?.old).toBe('399')
    expect(records.length).toBeGreaterThan(20)
    const numbers = records.map(({ old }) => Number(old))
    expect(numbers).toEqual(numbers.map((_, i) => (numbers[0] ?? 0) + i))
  })

  it('cuts a file that is far above its limit, as of another configuration, without reading all of it', () => {
    appendHistory(system, record('4'), 16)
    const line = readFileSync(historyPath(system))
    // A hole, which takes no room on the disk and which no string could hold.
    truncateSync(historyPath(system), 2 ** 30)
    appendFileSync(historyPath(system), Buffer.concat([Buffer.from('\n'), line]))
    expect(readNewestHistory(system)).toEqual([record('4')])
    appendHistory(system, record('3'), 16)
    expect(readHistory(system).records.map(({ old }) => old)).toEqual(['4', '3'])
    expect(statSync(historyPath(system)).size).toBeLessThanOrEqual(8 * 1024)
  })

  it('takes no line of another form', () => {
    const wrong = [
      {},
      { ...record('4'), at: 'noon' },
      { ...record('4'), kind: 'colour' },
      { ...record('4'), kind: ['xps'] },
      { ...record('4'), action: 'sung' },
      { ...record('4'), action: ['repaired'] },
      7,
      null,
    ]
    expect(parseHistory(wrong.map((value) => JSON.stringify(value)).join('\n'))).toEqual({
      records: [],
      damaged: wrong.length,
    })
  })

  it('says which file cannot be written', () => {
    mkdirSync(`${root}/var`)
    writeFileSync(`${root}/var/lib`, 'in the way')
    expect(() => appendHistory(system, record('4'), 16)).toThrow(VqtuneError)
    expect(() => appendHistory(system, record('4'), 16)).toThrow(
      /drift\.jsonl: cannot write the drift history/,
    )
  })
})

describe('parseSince', () => {
  const now = Date.parse('2026-03-02T00:00:00Z')
  it.each([
    ['90m', now - 5_400_000],
    ['7d', now - 604_800_000],
    ['2026-03-01T10:00Z', Date.parse('2026-03-01T10:00:00Z')],
    ['2026-03-01 10:00:05', Date.parse('2026-03-01T10:00:05')],
    ['2026-03-01', Date.parse('2026-03-01T00:00')],
    ['yesterday', undefined],
    ['2026-13-01', undefined],
    ['5', undefined],
  ])('%s', (text, expected) => expect(parseSince(text, now)).toBe(expected))
})

describe('vqtune drift', () => {
  const drift = (options: Record<string, string | boolean>) => {
    let out = ''
    const warnings: string[] = []
    const code = run({
      system,
      positionals: [],
      options,
      configFile: undefined,
      out: (text) => {
        out += text
      },
      warn: (line) => void warnings.push(line),
      color: false,
      signal: new AbortController().signal,
    })
    return { code, out, warnings }
  }

  it('prints a table, JSON, or that there is nothing', () => {
    expect(drift({}).out).toBe('no drift recorded\n')
    appendHistory(system, record('4'), 16)
    appendHistory(system, record('8', '2026-03-05T10:00:00.000Z'), 16)
    expect(drift({}).out).toMatch(
      /TIME +NIC +DRIFT +OLD +NEW +WRITER +ACTION\n2026-03-01 .* eth0 +channels +4 +2 +unknown +repaired\n/,
    )
    const { version, drift: chosen } = JSON.parse(drift({ json: true, since: '2026-03-03' }).out)
    expectSchema('drift', JSON.parse(drift({ json: true }).out))
    expect({ version, chosen }).toEqual({ version: 1, chosen: [record('8', '2026-03-05T10:00:00.000Z')] })
  })

  it('refuses a time that is none, and tells of damage', () => {
    expect(() => drift({ since: 'soon' })).toThrow(/--since soon: not a time/)
    appendHistory(system, record('4'), 16)
    appendFileSync(historyPath(system), 'torn')
    expect(drift({}).warnings).toEqual([`${historyPath(system)}: 1 damaged line skipped`])
    expect(readFileSync(historyPath(system), 'utf8')).toContain('torn')
  })
})

it('a history that cannot be read or written is an error with the reason', () => {
  const path = '/t/var/lib/vqtune/drift.jsonl'
  for (const [errno, kind] of [
    ['EACCES', 'permission'],
    ['EIO', 'state'],
  ] as const) {
    const expected = { kind, message: `${path}: cannot read the drift history (${errno})` }
    expect(() => readHistory(systemFailing(errno))).toThrow(expect.objectContaining(expected))
  }
  for (const [errno, kind] of [
    ['EACCES', 'permission'],
    ['EROFS', 'permission'],
    ['ENOSPC', 'state'],
  ] as const) {
    // Beyond its limit the file is replaced by a part of it.
    const failing = Object.assign(Object.create(system), { replaceFile: systemFailing(errno).replaceFile })
    const expected = { kind, message: `${historyPath(system)}: cannot write the drift history (${errno})` }
    expect(() => appendHistory(failing, record('4'), 0)).toThrow(expect.objectContaining(expected))
  }
})
