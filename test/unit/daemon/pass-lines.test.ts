import { describe, expect, it } from 'vitest'
import { type PassEvents, passLines } from '../../../src/daemon/pass-lines'
import type { DriftRecord } from '../../../src/drift/history'
import type { Step } from '../../../src/model'
import type { StepOutcome } from '../../../src/planner/reconcile'

const record = (more: Partial<DriftRecord>): DriftRecord => ({
  ...{ at: '2026-03-01T10:00:00.000Z', kind: 'channels', nic: 'eth0', old: '4', new: '2' },
  ...{ writer: 'unknown', evidence: 'no known writer', action: 'repaired', why: '' },
  ...more,
})
const queues = (count: number, what: string) =>
  Array.from({ length: count }, (_, i) => `queue ${i} ${what}`).join(', ')
const moved = (more: Partial<DriftRecord> = {}) =>
  record({ kind: 'irq-affinity', old: queues(4, 'rx CPU 0,2'), new: queues(4, 'rx CPU 3'), ...more })
const masks = (more: Partial<DriftRecord> = {}) =>
  record({ kind: 'xps', old: queues(2, 'xps CPU 0'), new: queues(2, 'xps CPU none'), ...more })
const BY_ETHTOOL = {
  writer: 'ethtool',
  evidence: 'ethtool -L eth0 combined 2 (pid 812) was running when the change was noticed',
}
const BY_IRQBALANCE = { writer: 'irqbalance', evidence: 'irqbalance (pid 345) runs and moves interrupts' }
const BY_KERNEL = { writer: 'kernel', evidence: 'virtio_net lays out affinity and XPS anew' }

const channels = (
  old: number,
  to: number,
  nic = 'eth0',
  reason = 'one queue pair for each of 4 vCPUs',
): Step => ({
  ...{ tunable: 'channels', nic, ifindex: 2, key: 'combined', label: 'channels', file: undefined },
  ...{ old: String(old), new: String(to), reason },
})
const interrupt = (irq: number, nic = 'eth0'): Step => ({
  ...{ tunable: 'irq-affinity', nic, ifindex: 2, key: `queue ${irq} rx`, label: `queue 0 rx IRQ ${irq}` },
  ...{ file: undefined, old: '0', new: '1' },
  reason: `IRQ ${irq} belongs to CPU 1`,
})
const mask = (queue: number, nic = 'eth0'): Step => ({
  ...{ tunable: 'xps', nic, ifindex: 2, key: `queue ${queue}`, label: `queue ${queue} XPS`, file: undefined },
  ...{ old: '0', new: '1', reason: `CPU 1 transmits through queue ${queue}` },
})
const times = (count: number, step: (i: number) => Step): Step[] =>
  Array.from({ length: count }, (_, i) => step(i))
const did = (steps: readonly Step[], result: StepOutcome['result'] = 'done'): StepOutcome[] =>
  steps.map((step) => ({ step, result, why: result === 'done' ? undefined : 'EIO', at: '' }))

function lines(events: Partial<PassEvents>): string[] {
  const all = passLines({ drifts: [], outcomes: [], missing: [], backoffs: [], ...events })
  return all.map(({ level, text }) => `${level} ${text}`)
}

describe('what was written', () => {
  it.each<[string, Partial<PassEvents>]>([
    [
      'eth0: 8 interrupts put back on their vCPUs (moved by irqbalance)',
      { drifts: [moved(BY_IRQBALANCE)], outcomes: did(times(8, interrupt)) },
    ],
    [
      'eth0: 1 interrupt put back on its vCPU (moved by an unknown writer)',
      { drifts: [moved()], outcomes: did([interrupt(26)]) },
    ],
    [
      'eth0: channels 2 -> 4, 8 interrupts and 4 XPS masks set (changed by ethtool -L eth0 combined 2, PID 812)',
      {
        drifts: [record(BY_ETHTOOL)],
        outcomes: did([channels(2, 4), ...times(8, interrupt), ...times(4, mask)]),
      },
    ],
    [
      'eth0: channels 2 -> 4 (changed by an unknown writer)',
      { drifts: [record({})], outcomes: did([channels(2, 4)]) },
    ],
    [
      'eth0: channels 2 -> 4 (changed by tuned, PID 500: ethtool -L eth0 combined 2)',
      {
        drifts: [
          record({
            writer: 'tuned',
            evidence:
              'ethtool -L eth0 combined 2 (pid 812, started by tuned 500) was running when the change was noticed',
          }),
        ],
        outcomes: did([channels(2, 4)]),
      },
    ],
    [
      'eth0: channels 2 -> 4 (changed by ethtool -L eth0 combined 2, PID 812, run by alice)',
      {
        drifts: [
          record({
            writer: 'ethtool',
            evidence:
              'ethtool -L eth0 combined 2 (pid 812, user alice, login uid 1000, terminal pts0) is in the audit log',
          }),
        ],
        outcomes: did([channels(2, 4)]),
      },
    ],
    [
      'eth0: channels 2 -> 4 (changed by tuned: ethtool -L eth0 combined 2, PID 812)',
      {
        drifts: [
          record({
            writer: 'tuned',
            evidence:
              'ethtool -L eth0 combined 2 (pid 812, started by tuned 500) is in the audit log; tuned (x) y',
          }),
        ],
        outcomes: did([channels(2, 4)]),
      },
    ],
    [
      'eth0: 1 interrupt put back on its vCPU (moved by /bin/sh x.sh, PID 812, started by cron)',
      {
        drifts: [
          moved({
            writer: 'set_irq_affinit',
            evidence: '/bin/sh x.sh (pid 812, started by cron 7) was running when the change was noticed',
          }),
        ],
        outcomes: did([interrupt(26)]),
      },
    ],
    [
      'eth0: 1 interrupt and 2 XPS masks restored (interrupts moved by irqbalance; XPS masks changed by an unknown writer)',
      { drifts: [moved(BY_IRQBALANCE), masks()], outcomes: did([interrupt(26), ...times(2, mask)]) },
    ],
    [
      'eth0: 2 XPS masks restored (changed by an unknown writer)',
      { drifts: [masks()], outcomes: did(times(2, mask)) },
    ],
    [
      'eth0: 1 interrupt and 1 XPS mask set (moved by irqbalance)',
      { drifts: [moved(BY_IRQBALANCE)], outcomes: did([interrupt(26), mask(0)]) },
    ],
    // One script that sets both, seen in two looks.
    [
      'eth0: channels 2 -> 4, 1 interrupt set (changed by an unknown writer)',
      { drifts: [record({}), moved(), moved()], outcomes: did([channels(2, 4), interrupt(26)]) },
    ],
    // Set again by the other one within the pass: what counts is where it began and where it ended.
    [
      'eth0: channels 2 -> 4 (changed by an unknown writer)',
      { drifts: [record({}), record({ new: '3' })], outcomes: did([channels(2, 4), channels(3, 4)]) },
    ],
    [
      'eth0: 1 interrupt put back on its vCPU (moved by irqbalance)',
      { drifts: [moved(BY_IRQBALANCE)], outcomes: did([interrupt(26), interrupt(26)]) },
    ],
  ])('%s', (text, events) => {
    expect(lines(events)).toEqual([`info ${text}`])
  })

  it('by nobody else is told with its reason, and many different reasons with none', () => {
    expect(lines({ outcomes: did([channels(2, 4), ...times(2, interrupt)]) })).toEqual([
      'info eth0: channels 2 -> 4, 2 interrupts set (one queue pair for each of 4 vCPUs)',
    ])
    expect(lines({ outcomes: did([mask(3)]) })).toEqual([
      'info eth0: 1 XPS mask set (CPU 1 transmits through queue 3)',
    ])
    expect(lines({ outcomes: did(times(2, interrupt)) })).toEqual(['info eth0: 2 interrupts set'])
  })

  it('after a vCPU came is told with that reason; what the kernel rewrote with it follows from it', () => {
    expect(
      lines({
        drifts: [
          record({ kind: 'vcpus', nic: null, old: '0-2', new: '0-3', ...BY_KERNEL }),
          moved(BY_KERNEL),
          moved(BY_IRQBALANCE),
        ],
        outcomes: did([channels(3, 4), interrupt(26)]),
      }),
    ).toEqual([
      'info vCPUs 0-2 -> 0-3',
      'info eth0: channels 3 -> 4, 1 interrupt set (one queue pair for each of 4 vCPUs; moved by irqbalance)',
    ])
  })

  it('to several NICs is one line each', () => {
    expect(
      lines({
        drifts: [record(BY_ETHTOOL), moved({ nic: 'eth1', ...BY_IRQBALANCE })],
        outcomes: did([
          ...[channels(2, 4), ...times(8, interrupt), ...times(4, mask)],
          ...times(8, (i) => interrupt(i, 'eth1')),
          channels(1, 4, 'eth2'),
        ]),
      }),
    ).toEqual([
      'info eth0: channels 2 -> 4, 8 interrupts and 4 XPS masks set (changed by ethtool -L eth0 combined 2, PID 812)',
      'info eth1: 8 interrupts put back on their vCPUs (moved by irqbalance)',
      'info eth2: channels 1 -> 4 (one queue pair for each of 4 vCPUs)',
    ])
  })

  it('but did not take, failed or was refused is no news: its failure is told once, elsewhere', () => {
    expect(lines({ outcomes: did([channels(2, 4), channels(2, 4)]), missing: [channels(2, 4)] })).toEqual([])
    expect(lines({ outcomes: did([channels(2, 4)], 'failed'), missing: [channels(2, 4)] })).toEqual([])
    expect(lines({ outcomes: did([channels(2, 4)], 'refused') })).toEqual([])
    // Of others of the same NIC, and of the same setting of another one, this says nothing.
    expect(
      lines({
        outcomes: did([...times(3, interrupt), channels(1, 4, 'eth1')]),
        missing: [interrupt(1), channels(1, 4)],
      }),
    ).toEqual([
      'info eth0: 2 interrupts set',
      'info eth1: channels 1 -> 4 (one queue pair for each of 4 vCPUs)',
    ])
  })
})

describe('what was found and not repaired', () => {
  it.each<[string, Partial<DriftRecord>[]]>([
    [
      'warn eth0: channels 4 -> 2 (changed by ethtool -L eth0 combined 2, PID 812); not changed: on-conflict = "report"',
      [{ ...BY_ETHTOOL, action: 'reported', why: 'on-conflict = "report"' }],
    ],
    [
      'warn eth0: 4 interrupts (moved by irqbalance); not changed: on-conflict = "yield"',
      [{ ...moved(BY_IRQBALANCE), action: 'yielded', why: 'on-conflict = "yield"' }],
    ],
    [
      'warn eth0: channels 4 -> 2 (changed by an unknown writer); not repaired: did not stay after 3 writes',
      [{ action: 'failed', why: 'did not stay after 3 writes' }],
    ],
    [
      'info eth0: channels 4 -> 2 (applied by another vqtune process); as desired',
      [{ writer: 'vqtune', evidence: 'applied by another vqtune process', action: 'accepted' }],
    ],
    [
      'info eth0: channels 4 -> 2 (changed by an unknown writer); not changed: rolled back by an administrator',
      [{ action: 'accepted', why: 'rolled back by an administrator' }],
    ],
    [
      'info eth0: 4 interrupts and 2 XPS masks (virtio_net lays out affinity and XPS anew); as desired',
      [
        { ...moved(BY_KERNEL), action: 'accepted' },
        { ...masks(BY_KERNEL), action: 'accepted' },
      ],
    ],
    [
      'info eth0: channels 4 -> 2, 4 interrupts (channels changed by an unknown writer; interrupts moved by irqbalance); as desired',
      [{ action: 'accepted' }, { ...moved(BY_IRQBALANCE), action: 'accepted' }],
    ],
    // Repaired by somebody else in this very moment.
    ['info eth0: channels 4 -> 2 (changed by an unknown writer); as desired', [{ action: 'repaired' }]],
  ])('%s', (line, drifts) => {
    expect(lines({ drifts: drifts.map(record) })).toEqual([line])
  })

  it('and has a kind that is new here is told all the same', () => {
    expect(
      lines({ drifts: [record({ kind: 'offloads' as DriftRecord['kind'], action: 'accepted' })] }),
    ).toEqual(['info eth0: offloads 4 -> 2'])
  })

  it('or not all of it is a warning with the failure, for whoever tells failures to know of', () => {
    const failed = record({ ...BY_IRQBALANCE, kind: 'irq-affinity', action: 'failed', why: 'eth0: EIO' })
    const outcomes = [...did(times(2, interrupt)), ...did([interrupt(9)], 'failed')]
    const [line] = passLines({ drifts: [failed], outcomes, missing: [interrupt(9)], backoffs: [] })
    expect(line).toMatchObject({
      level: 'warn',
      text: 'eth0: 2 interrupts put back on their vCPUs (moved by irqbalance); incomplete: eth0: EIO',
      failures: ['eth0: EIO'],
    })
  })

  it('since the writer insists is one warning with the evidence', () => {
    const backoff = { nic: 'eth0', otherWriter: 'irqbalance', reversals: 3, awaySeconds: 3600, earlier: 0 }
    const drifts = [moved({ ...BY_IRQBALANCE, action: 'backed-off', why: 'reversed 3 times' })]
    expect(lines({ drifts, backoffs: [{ ...backoff, evidence: BY_IRQBALANCE.evidence }] })).toEqual([
      'warn eth0: irqbalance reversed its settings 3 times (irqbalance (pid 345) runs and moves interrupts); suspended for 3600 s',
    ])
    expect(lines({ backoffs: [{ ...backoff, otherWriter: 'unknown', evidence: 'none' }] })).toEqual([
      'warn eth0: an unknown writer reversed its settings 3 times (none); suspended for 3600 s',
    ])
    expect(lines({ backoffs: [{ ...backoff, earlier: 2, evidence: 'x' }] })).toEqual([
      'warn eth0: irqbalance reversed its settings 3 times, again after 2 suspensions, each time set back (x); suspended for 3600 s',
    ])
  })
})

describe('what changed in the guest', () => {
  it.each<[string, Partial<DriftRecord>[], Step[]]>([
    ['vCPUs 0-3 -> 0-2', [{ kind: 'vcpus', nic: null, old: '0-3', new: '0-2' }], []],
    [
      'eth0: added; channels 1 -> 4 (one queue pair for each of 4 vCPUs)',
      [{ kind: 'nic-added', old: 'none', new: '1 channels' }],
      [channels(1, 4)],
    ],
    [
      'eth0: added; as desired',
      [{ kind: 'nic-added', old: 'none', new: '4 channels', action: 'accepted' }],
      [],
    ],
    [
      'eth0: added; not changed: enabled = false in the configuration',
      [{ kind: 'nic-added', action: 'accepted', why: 'enabled = false in the configuration' }],
      [],
    ],
    ['eth0: removed', [{ kind: 'nic-removed', old: '4 channels', new: 'none', action: 'accepted' }], []],
    [
      'eth0: added; the host exposes 4 queue pairs instead of 2; channels 2 -> 4 (the host exposes 4 queue pairs)',
      [{ kind: 'nic-added' }, { kind: 'maximum', old: '2', new: '4' }],
      [channels(2, 4, 'eth0', 'the host exposes 4 queue pairs')],
    ],
    ['eth0: an XDP program was attached', [{ kind: 'xdp-attached', action: 'accepted' }], []],
    [
      'eth0: its XDP program was detached; channels 2 -> 4 (one queue pair for each of 4 vCPUs)',
      [{ kind: 'xdp-detached' }],
      [channels(2, 4)],
    ],
  ])('%s', (text, drifts, steps) => {
    expect(lines({ drifts: drifts.map(record), outcomes: did(steps) })).toEqual([`info ${text}`])
  })
})

it('nothing is said of nothing', () => {
  expect(lines({})).toEqual([])
})

it('the fields of a line hold every record, every write and the back-off of its NIC, and no other', () => {
  const mine = moved(BY_IRQBALANCE)
  const backoff = { nic: 'eth0', otherWriter: 'x', evidence: 'y', reversals: 3, awaySeconds: 60, earlier: 0 }
  const [first, second] = passLines({
    drifts: [mine, record({ nic: 'eth1' })],
    outcomes: [...did([interrupt(26), channels(2, 4, 'eth1')]), ...did([mask(1)], 'failed')],
    missing: [mask(1)],
    backoffs: [backoff],
  })
  expect(first?.fields).toEqual({
    nic: 'eth0',
    drifts: [mine],
    writes: [
      {
        ...{ tunable: 'irq-affinity', key: 'irq-affinity queue 26 rx', old: '0', new: '1' },
        ...{ reason: 'IRQ 26 belongs to CPU 1', result: 'done', why: undefined },
      },
      {
        ...{ tunable: 'xps', key: 'xps queue 1', old: '0', new: '1' },
        ...{ reason: 'CPU 1 transmits through queue 1', result: 'failed', why: 'EIO' },
      },
    ],
    backoff,
  })
  expect(second?.fields).toMatchObject({
    nic: 'eth1',
    writes: [{ tunable: 'channels', key: 'channels combined' }],
  })
  expect(second?.fields).not.toHaveProperty('backoff')
})
