import { expect, test } from 'vitest'
import { VqtuneError } from '../../../src/errors'
import type { Step } from '../../../src/model'
import {
  askedJson,
  convergenceJson,
  printJson,
  skipJson,
  stepsJson,
  vcpusJson,
} from '../../../src/output/json'
import type { Convergence } from '../../../src/planner/reconcile'
import { expectSchema } from '../../support/schema'
import { guestOf } from '../../support/simulated-kernel'

const STEP: Step = {
  ...{ nic: 'eth2', ifindex: 2, tunable: 'channels', key: 'combined', label: 'channels' },
  ...{ file: undefined, old: '2', new: '4', reason: 'why' },
}
const DONE: Convergence = {
  ...{ guest: guestOf([0, 1], []), skips: [], missing: [], failure: undefined, notes: [] },
  outcomes: [{ step: STEP, result: 'done', why: undefined, at: '2027-01-01T00:00:00Z' }],
  ledger: { version: 2, bootId: 'boot', entries: [] },
}
const LOSS = { nic: 'eth2', from: 2, channels: 4, why: 'no carrier', failure: undefined }

test('it begins with the version, is indented and ends its line', () => {
  expect(printJson({ a: [1] })).toBe('{\n  "version": 1,\n  "a": [\n    1\n  ]\n}\n')
})

test('vCPUs are lists as the kernel writes them', () => {
  expect(vcpusJson(guestOf([0, 1, 2, 5], [], [5]))).toEqual({ online: '0-2,5', isolated: '5' })
})

test('what is not known is null, not left out', () => {
  expect(stepsJson([STEP])).toEqual([{ ...STEP, file: null }])
  const skip = { nic: 'eth2', tunable: undefined, code: 'held', why: 'x' } as const
  expect(skipJson(skip)).toEqual({ ...skip, tunable: null })
})

test('irqbalance that was not asked is null', () => {
  expect(askedJson(undefined)).toBeNull()
  const asked = { pid: undefined, nics: [], added: [], released: [], problem: undefined }
  expect(askedJson(asked)).toBeNull()
  expect(askedJson({ ...asked, pid: 812, problem: 'it does not answer' })).toMatchObject({
    pid: 812,
    problem: 'it does not answer',
  })
})

test('a convergence is one unless something failed, or a change was taken back', () => {
  const read = (json: object) => JSON.parse(printJson(json))
  const done = read(convergenceJson(DONE))
  expectSchema('apply', done)
  expect(done).toMatchObject({
    converged: true,
    outcomes: [{ tunable: 'channels', new: '4', result: 'done', why: null, file: null }],
    ...{ missing: [], reverted: [], irqbalance: null, failure: null },
  })
  const lost = read(convergenceJson(DONE, [LOSS]))
  expectSchema('apply', lost)
  expect(lost).toMatchObject({ converged: false, reverted: [{ ...LOSS, failure: null }] })
  const failed = read(
    convergenceJson({ ...DONE, missing: [STEP], failure: new VqtuneError('tool-failed', 'EIO') }),
  )
  expectSchema('apply', failed)
  expect(failed).toMatchObject({
    converged: false,
    missing: [{ nic: 'eth2' }],
    failure: { kind: 'tool-failed', message: 'EIO' },
  })
})
