import { beforeEach, describe, expect, it } from 'vitest'
import { DaemonLog } from '../../../src/daemon/daemon-log'
import type { Logger } from '../../../src/daemon/logger'
import { renderMetrics } from '../../../src/daemon/prometheus'
import type { DriftRecord } from '../../../src/drift/history'
import type { Step } from '../../../src/model'

const said: { level: string; text: string; fields: object }[] = []
let daemonLog: DaemonLog
beforeEach(() => {
  said.length = 0
  const at = (level: string) => (fields: object, text: string) => void said.push({ level, text, fields })
  const log = { debug: at('debug'), info: at('info'), warn: at('warn') }
  daemonLog = new DaemonLog(log as unknown as Logger, [])
})
const news = (): string[] =>
  said.splice(0).flatMap(({ level, text }) => (level === 'debug' ? [] : [`${level} ${text}`]))

const drift = (more: Partial<DriftRecord> = {}): DriftRecord => ({
  ...{ at: '2026-03-01T10:00:00.000Z', kind: 'channels', nic: 'eth0', old: '4', new: '2' },
  ...{ writer: 'unknown', evidence: 'none known', action: 'repaired', why: '' },
  ...more,
})
const step: Step = {
  ...{ tunable: 'channels', nic: 'eth0', ifindex: 2, key: 'combined', label: 'channels' },
  ...{ file: undefined, old: '2', new: '4', reason: 'the host exposes 4' },
}
const done = { step, result: 'done', why: undefined, at: '' } as const
const metrics = (): string => renderMetrics(daemonLog.counters.families(['eth0']))

describe('a pass', () => {
  it('is one line for each NIC when it is over, and its details are at debug meanwhile', () => {
    daemonLog.write(done)
    daemonLog.write({ ...done, result: 'refused', why: 'an XDP program is attached' })
    daemonLog.drift(drift())
    daemonLog.drift(drift({ kind: 'vcpus', nic: null, old: '0-1', new: '0-3', writer: 'kernel', why: 'x' }))
    expect(said.splice(0).map(({ level, text }) => `${level} ${text}`)).toEqual([
      'debug eth0: channels 2 -> 4 (the host exposes 4): done',
      'debug eth0: channels 2 -> 4 (the host exposes 4): refused: an XDP program is attached',
      'debug eth0: channels 4 -> 2 by an unknown writer (none known); repaired',
      'debug vcpus 0-1 -> 0-3 by kernel (none known); repaired: x',
    ])
    daemonLog.endPass([])
    expect(news()).toEqual([
      'info vCPUs 0-1 -> 0-3',
      'info eth0: channels 2 -> 4 (changed by an unknown writer)',
    ])
    daemonLog.endPass([])
    expect(news()).toEqual([])
    expect(metrics()).toContain('vqtune_writes_total{result="done"} 1')
    expect(metrics()).toContain('vqtune_nic_drift_total{nic="eth0",kind="channels"} 1')
  })

  it('that repairs nothing and finds nothing says nothing', () => {
    daemonLog.write(done)
    daemonLog.endPass([step])
    expect(news()).toEqual([])
  })

  it('with another writer that insists is one warning', () => {
    const verdict = { action: 'back-off', reversals: 3, awaySeconds: 60, earlier: 0 } as const
    daemonLog.conflict('eth0', { name: 'tuned', evidence: 'its profile' }, verdict)
    daemonLog.drift(drift({ writer: 'tuned', action: 'backed-off', why: 'reversed 3 times' }))
    daemonLog.endPass([step])
    expect(news()).toEqual([
      'warn eth0: tuned reversed its settings 3 times (its profile); suspended for 60 s',
    ])
    expect(metrics()).toContain('vqtune_conflict_backoffs_total{nic="eth0"} 1')
  })

  it('that fails says so once: with the NIC that drifted, or alone', () => {
    daemonLog.problem('reconcile', 'eth0: EIO')
    daemonLog.drift(drift({ action: 'failed', why: 'eth0: EIO' }))
    expect(news()).toEqual([])
    daemonLog.endPass([step])
    expect(news()).toEqual([
      'warn eth0: channels 4 -> 2 (changed by an unknown writer); not repaired: eth0: EIO',
    ])
    // Tried again, in vain.
    daemonLog.problem('reconcile', 'eth0: EIO')
    daemonLog.endPass([step])
    expect(news()).toEqual([])
    daemonLog.problem('reconcile', 'busy')
    daemonLog.drift(drift({ action: 'failed', why: 'the reconcile could not begin' }))
    daemonLog.endPass([])
    expect(news()).toEqual([
      'warn eth0: channels 4 -> 2 (changed by an unknown writer); not repaired: the reconcile could not begin',
      'warn busy',
    ])
    expect(daemonLog.currentProblems).toEqual(['busy'])
    daemonLog.problem('reconcile', undefined)
    expect(news()).toEqual(['info resolved: busy'])
    expect(daemonLog.currentProblems).toEqual([])
    expect(metrics()).toContain('vqtune_reconcile_failures_total 3')
  })
})

it('a problem is told when it begins, when it is another one, and when it is over', () => {
  const tell = (text: string | undefined) => {
    daemonLog.problem('textfile', text)
    return news()
  }
  expect(tell(undefined)).toEqual([])
  expect(tell('EROFS')).toEqual(['warn EROFS'])
  expect(tell('EROFS')).toEqual([])
  expect(tell('ENOSPC')).toEqual(['warn ENOSPC'])
  expect(tell(undefined)).toEqual(['info resolved: ENOSPC'])
  expect(metrics()).toContain('vqtune_reconcile_failures_total 0')
})

it('connectivity that was lost is a warning, counted when the channels before are back', () => {
  const lost = { nic: 'eth0', from: 4, channels: 2, why: 'the carrier was lost', failure: undefined }
  daemonLog.reverted(lost)
  daemonLog.reverted({ ...lost, failure: 'busy' })
  expect(news().map((line) => line.split(' ').slice(0, 2).join(' '))).toEqual(['warn eth0:', 'warn eth0:'])
  expect(metrics()).toContain('vqtune_confirm_reverts_total{nic="eth0"} 1')
})

it('a step back of the guard is a warning, its other verdicts are not', () => {
  const judged = { nic: 'eth0', from: 4, to: 2, why: 'worse' }
  daemonLog.verdict({ ...judged, verdict: 'guard-reduced' })
  daemonLog.verdict({ ...judged, verdict: 'kept' })
  expect(news()).toEqual([
    'warn eth0: reduced by the guard, 4 -> 2 channels: worse; 4 is not tried again until conditions change, or vqtune apply eth0',
    'info eth0: 2 -> 4 channels kept by the guard: worse',
  ])
  expect(metrics()).toContain('vqtune_guard_reductions_total{nic="eth0"} 1')
})

it('so is a return of the guard to earlier values', () => {
  const values = ['queue 0', 'queue 1'].map((key) => ({ key, old: '', new: '1' }))
  const judged = { nic: 'eth0', changed: [{ tunable: 'rps', values }], why: 'worse' }
  const before = news().length
  daemonLog.settingsVerdict({ ...judged, verdict: 'guard-reduced' })
  daemonLog.settingsVerdict({ ...judged, verdict: 'not-judged' })
  expect(news().slice(before)).toEqual([
    'warn eth0: 2 RPS masks taken back by the guard: worse; not tried again until conditions change, or vqtune apply eth0',
    'info eth0: 2 RPS masks not judged by the guard: worse',
  ])
  expect(metrics()).toContain('vqtune_guard_reductions_total{nic="eth0"} 1')
})

it('the newest drift is kept for status', () => {
  for (let i = 0; i < 7; i++) daemonLog.drift(drift({ old: String(i) }))
  expect(daemonLog.recentDrift.map(({ old }) => old)).toEqual(['2', '3', '4', '5', '6'])
})
