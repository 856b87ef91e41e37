import { expect, it } from 'vitest'
import { parseHistogram } from '../../../../src/hypervisor/zerocopy/histogram'
import { judge } from '../../../../src/hypervisor/zerocopy/probe'
import { recorded } from '../recorded'

it('judges real histograms', () => {
  expect(judge(parseHistogram(recorded('hist-works.txt')), 200)).toMatchObject({ verdict: 'works' })
  expect(judge(parseHistogram(recorded('hist-copied.txt')), 200)).toMatchObject({
    verdict: 'copied',
    zeroCopied: 0,
  })
  const none = parseHistogram(recorded('hist-not-tried.txt'))
  expect(judge(none, 5)).toMatchObject({ verdict: 'not-tried' })
  expect(judge(none, 0)).toMatchObject({ verdict: 'no-traffic' })
  expect(judge(new Map([[64, 5]]), 5)).toMatchObject({ verdict: 'unreadable' })
})
