import { expect, test } from 'vitest'
import { huawei } from '../../../src/writers/huawei'
import { foundBy, testFixture } from '../../support/writers'

test('an init script that no runlevel starts is a possibility, and says how it is switched off', () => {
  const found = foundBy(huawei, { '/etc/init.d/multi-queue-hw': '' })
  expect(found.map(({ tunable, matches, value }) => [tunable, matches, value])).toEqual([
    ['channels', 'maybe', 'max'],
    ['irq-affinity', 'maybe', undefined],
    ['xps', 'maybe', undefined],
  ])
  expect(found[0]).toMatchObject({
    where: '/etc/init.d/multi-queue-hw',
    what: "Huawei's multi-queue-hw sets channels to the maximum, interrupts and XPS at boot (what starts it was not found)",
    remedy: 'chkconfig multi-queue-hw off, or systemctl disable multi-queue-hw.service',
  })
})

testFixture(huawei)
