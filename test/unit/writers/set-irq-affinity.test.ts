import { expect, test } from 'vitest'
import { setIrqAffinity } from '../../../src/writers/set-irq-affinity'
import { processFiles } from '../../support/systems'
import { foundBy, testFixture } from '../../support/writers'

const running = (...args: string[]) =>
  foundBy(setIrqAffinity, processFiles(900, 'set_irq_affinit', { cmdline: [...args, ''].join('\0') }))

test.each([
  [['/bin/bash', '/opt/set_irq_affinity.sh', 'ens3'], ['yes']],
  [['/bin/bash', '/opt/set_irq_affinity.sh', 'eth0', 'enp0s3'], ['yes']],
  [['/bin/bash', '/opt/set_irq_affinity.sh', 'ens30'], []],
  [['/bin/bash', '/opt/set_irq_affinity_cpulist.sh', '0-3', 'ens3'], ['yes']],
  [['/bin/bash', '/opt/set_irq_affinity.sh', 'all'], ['maybe']],
  [['bash', 'set_irq_affinity_v2.sh'], ['maybe']],
])('%j: %j', (args, expected) => {
  expect(running(...args).map(({ matches }) => matches)).toEqual(expected)
})

test('its command line is shown, on one line and not at any length', () => {
  expect(running('bash', '/opt/set_irq_affinity.sh', 'ens3', 'x\ny')).toEqual([
    {
      writer: 'set_irq_affinity',
      where: 'pid 900',
      what: 'runs: bash /opt/set_irq_affinity.sh ens3 x\\u000ay',
      tunable: 'irq-affinity',
      matches: 'yes',
      remedy: 'remove it from what starts it',
    },
  ])
  expect(running('bash', 'set_irq_affinity.sh', 'x'.repeat(200))[0]?.what).toHaveLength(86)
})

testFixture(setIrqAffinity)
