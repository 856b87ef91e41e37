import { expect, test } from 'vitest'
import { alibaba } from '../../../src/writers/alibaba'
import { foundBy, testFixture } from '../../support/writers'

test('a script that nothing starts is a possibility, and says how it is switched off', () => {
  const [channels, ...more] = foundBy(alibaba, { '/usr/sbin/ecs_mq_rps_rfs': '' })
  expect(channels).toEqual({
    writer: 'alibaba-ecs-mq',
    where: '/usr/sbin/ecs_mq_rps_rfs',
    what: "Alibaba's ecs_mq sets channels to the maximum, interrupts, RPS and RFS at boot, and stops irqbalance (what starts it was not found)",
    tunable: 'channels',
    matches: 'maybe',
    remedy:
      'systemctl disable ecs_mq.service, and mask its rule: ln -s /dev/null /etc/udev/rules.d/62-ecs-mq.rules',
    value: 'max',
  })
  expect(more.map(({ tunable, value }) => [tunable, value])).toEqual([
    ['irq-affinity', undefined],
    ['rps', undefined],
    ['rfs', undefined],
  ])
})

testFixture(alibaba)
