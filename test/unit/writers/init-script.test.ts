import { expect, test } from 'vitest'
import { initScript } from '../../../src/writers/init-script'
import { foundBy, testFixture } from '../../support/writers'

test.each([
  [undefined, 'no runlevel starts it'],
  ['q.service', 'q.service is masked'],
])('what does not run says why; %s masked', (mask, why) => {
  const masked = mask === undefined ? {} : { [`/etc/systemd/system/${mask}`]: '' }
  const files = { '/etc/init.d/q': '#!/bin/sh\nethtool -L ens3 combined 2\n', ...masked }
  expect(foundBy(initScript, files)).toMatchObject([
    {
      what: `runs ethtool -L ens3 combined 2 at each boot (${why})`,
      remedy: 'chkconfig q off, or systemctl mask q.service',
    },
  ])
})

test.each([
  ['/etc/rc3.d/S20q', 'yes'],
  ['/etc/rc.d/rcS.d/S01q', 'yes'],
  // It stops it there, is for another, or the guest does not boot to it.
  ['/etc/rc3.d/K20q', 'maybe'],
  ['/etc/rc3.d/S20qq', 'maybe'],
  ['/etc/rc6.d/S20q', 'maybe'],
])('with %s: %s', (link, matches) => {
  const files = { '/etc/init.d/q': 'ethtool -L ens3 combined 2\n', [link]: '' }
  expect(foundBy(initScript, files)).toMatchObject([{ matches }])
})

testFixture(initScript)
