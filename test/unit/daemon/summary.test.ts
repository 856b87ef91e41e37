import { describe, expect, it } from 'vitest'
import type { PassResult } from '../../../src/daemon/reconcile-loop'
import { statusLine } from '../../../src/daemon/summary'
import type { Skip, Step } from '../../../src/model'
import { quietPass } from '../../support/quiet-pass'
import { guestOf, nicOf } from '../../support/simulated-kernel'

describe('statusLine', () => {
  const online = [0, 1, 2, 3]
  const guest = guestOf(online, [
    nicOf({ ifindex: 2, maximum: 4 }, online),
    nicOf({ ifindex: 3, maximum: 4 }, online),
  ])
  const pass = (result: Partial<PassResult>): PassResult => quietPass(guest, result)
  const skip = (nic: string, tunable: Skip['tunable'], code: Skip['code']): Skip => ({
    nic,
    tunable,
    code,
    why: '',
  })
  const step: Step = {
    ...{ tunable: 'channels', nic: 'eth2', ifindex: 2, key: 'combined', label: 'channels' },
    ...{ file: undefined, old: '2', new: '4', reason: '' },
  }
  const up = [{ name: 'udev', state: 'up', why: null }] as const

  it.each([
    ['converged', {}],
    // What cannot be tuned at all is no reason to worry.
    ['converged', { skips: [skip('eth2', 'xps', 'no-xps')] }],
    ['1 change pending', { missing: [step] }],
    ['skipped: eth3', { skips: [skip('eth3', undefined, 'held')] }],
    [
      'host maximum unknown: eth2, eth3',
      { skips: [skip('eth2', 'channels', 'unknown-maximum'), skip('eth3', 'channels', 'unknown-maximum')] },
    ],
    [
      'not working: /run/vqtune/lock: cannot open the lock (EROFS)',
      { problem: '/run/vqtune/lock: cannot open the lock (EROFS)' },
    ],
    [
      '1 change pending; skipped: eth3; host maximum unknown: eth2',
      {
        missing: [step],
        skips: [skip('eth3', undefined, 'held'), skip('eth2', 'channels', 'unknown-maximum')],
      },
    ],
  ])('%s', (text, result) => {
    expect(statusLine(pass(result), up, true)).toBe(`2 NICs, 4 vCPUs; ${text}`)
  })

  it('tells of sources and of the configuration beside that', () => {
    expect(statusLine(undefined, up, true)).toBe('waiting for the first check of the guest')
    const down = { name: 'ethtool', state: 'down', why: 'ethtool is not installed' } as const
    expect(statusLine(pass({}), [...up, down], false)).toBe(
      '2 NICs, 4 vCPUs; converged; no events from ethtool; configuration reload failed',
    )
  })
})
