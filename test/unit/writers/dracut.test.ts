import { expect, test } from 'vitest'
import { dracut } from '../../../src/writers/dracut'
import { foundBy, NIC, testFixture } from '../../support/writers'

test('what runs in the initramfs is taken out of it by a new one', () => {
  const path = '/etc/dracut/hooks/pre-udev/q.sh'
  expect(foundBy(dracut, { [path]: '#!/bin/sh\nethtool -L ens3 combined 2\n' })).toEqual([
    {
      writer: 'dracut',
      where: `${path}:2`,
      what: 'runs ethtool -L ens3 combined 2 in the initramfs',
      tunable: 'channels',
      matches: 'maybe',
      remedy: `remove line 2 of ${path}, then run dracut --force`,
      value: '2',
    },
  ])
})

test.each([
  ['irqaffinity=0-1', 'irqaffinity=0-1'],
  // The kernel takes the last one.
  ['irqaffinity=0 irqaffinity=2', 'irqaffinity=2'],
  ['irqaffinity= xirqaffinity=1 quiet', undefined],
  ['', undefined],
])('of the kernel command line %j, %s counts', (text, word) => {
  expect(foundBy(dracut, { '/proc/cmdline': `${text}\n` }).map(({ what }) => what)).toEqual(
    word === undefined ? [] : [`${word} keeps interrupts on these CPUs until something sets them`],
  )
})

test('a NIC without queues has no interrupts that irqaffinity= could be for', () => {
  expect(foundBy(dracut, { '/proc/cmdline': 'irqaffinity=0' }, { ...NIC, queues: [] })).toEqual([])
})

testFixture(dracut)
