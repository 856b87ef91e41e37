import { expect, test } from 'vitest'
import { helperOf } from '../../../../src/writers/shell/helpers'

test.each([
  ['/usr/sbin/set_irq_affinity.sh', ['irq-affinity']],
  ['set_irq_affinity', ['irq-affinity']],
  ['set_irq_affinity_bynode.sh', ['irq-affinity']],
  ['/opt/intel/set_xps_rps', ['xps', 'rps']],
  ['xps_rps_all.sh', ['xps', 'rps']],
  ['mlnx_tune', ['irq-affinity']],
  ['/usr/bin/google_set_multiqueue', ['channels', 'irq-affinity', 'xps']],
  ['/sbin/ecs_mq_rps_rfs', ['channels', 'irq-affinity', 'rps', 'rfs']],
  ['multi-queue-hw', ['channels', 'irq-affinity', 'xps']],
  ['net_smp_affinity.sh', ['irq-affinity']],
  ['/opt/scylladb/scripts/perftune.py', ['irq-affinity', 'xps', 'rps', 'rfs']],
  ['scylla_prepare', ['irq-affinity', 'xps', 'rps', 'rfs']],
])('%s writes %j', (program, writes) => {
  expect(helperOf(program)?.writes).toEqual(writes)
})

test.each(['my_set_irq_affinity', 'set_irq_affinity.sh.old', 'perftune.pyc', 'mlnx_tune/x', ''])(
  '%j is another program',
  (program) => {
    expect(helperOf(program)).toBeUndefined()
  },
)

test('of some, a NIC is an argument', () => {
  expect(helperOf('set_irq_affinity.sh')?.takesNames).toBe(true)
  expect(helperOf('perftune.py')?.takesNames).toBe(false)
})
