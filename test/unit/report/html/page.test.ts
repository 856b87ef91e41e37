import { expect, test } from 'vitest'
import { judgeConditions } from '../../../../src/report/conditions'
import { reportPage } from '../../../../src/report/html/page'
import { BUSY, NIC } from '../../../support/report'

test('the page needs nothing else and takes hostile names as text', () => {
  const hostile = `"><script>alert(1)</script>&'\u0007`
  const nic = {
    ...NIC,
    name: hostile,
    queues: [
      {
        queue: 0,
        cpus: [0],
        rxInterrupts: 10,
        txInterrupts: 5,
        byCpu: [{ cpu: 0, interrupts: 15 }],
        rxPackets: 1,
        txPackets: 1,
        txKicks: 1,
      },
    ],
  }
  const report = { ...BUSY, nics: [nic] }
  const conclusion = { id: 'few-flows', text: hostile, evidence: hostile, next: hostile } as const
  const judged = { ...nic, conditions: judgeConditions(report, nic, 4), conclusions: [conclusion] }
  const page = reportPage(report, [judged], { machine: '<b>', cpu: '&' }, '2026-01-01T00:00:00Z')
  for (const bad of ['<script', '<b>', '\u0007']) expect(page).not.toContain(bad)
  expect(page).toContain('&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;&amp;&#39;\ufffd')
  expect(page).not.toMatch(/https?:|url\(|@import|<link|<img| src=/)
  expect(page).toContain("default-src 'none'")
  expect(page.match(/<svg role="img"/g)).toHaveLength(2)
  // In scale: 10 of 15 interrupts, then the other 5.
  expect(page).toContain('class="rx" x="0.00%" width="66.67%"')
  expect(page).toContain('class="tx" x="66.67%" width="33.33%"')
  expect(page).toContain('<tr><th scope="row">queue 0</th><td style="--heat-share:0.50">15</td></tr>')
})
