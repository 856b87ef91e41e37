import { expect, test } from 'vitest'
import { katalyst } from '../../../src/writers/katalyst'
import { processFiles } from '../../support/systems'
import { foundBy, testFixture } from '../../support/writers'

test.each(['katalyst-agent', 'irqbalance-ng'])('%s may move interrupts and set RPS', (name) => {
  const remedy = 'disable IRQ tuning in the configuration of katalyst (EnableIrqTuning: false)'
  expect(foundBy(katalyst, processFiles(900, name))).toEqual([
    {
      writer: 'katalyst',
      where: 'pid 900',
      what: `${name} runs; with its IRQ tuning enabled it sets the affinity of interrupts of NICs`,
      tunable: 'irq-affinity',
      matches: 'maybe',
      remedy,
    },
    {
      writer: 'katalyst',
      where: 'pid 900',
      what: `${name} runs; with its IRQ tuning enabled it sets RPS of NICs`,
      tunable: 'rps',
      matches: 'maybe',
      remedy,
    },
  ])
})

testFixture(katalyst)
