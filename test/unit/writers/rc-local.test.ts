import { expect, test } from 'vitest'
import { rcLocal } from '../../../src/writers/rc-local'
import { foundBy, testFixture } from '../../support/writers'

test.each([
  [undefined, 'it is not executable, so it is not run'],
  ['rc-local.service', 'rc-local.service is masked'],
])('what does not run says why; %s masked', (mask, why) => {
  const masked = mask === undefined ? {} : { [`/etc/systemd/system/${mask}`]: '' }
  const files = { '/etc/rc.d/rc.local': '#!/bin/sh\nethtool -L ens3 combined 2\n', ...masked }
  expect(foundBy(rcLocal, files)).toEqual([
    {
      writer: 'rc.local',
      where: '/etc/rc.d/rc.local:2',
      what: `runs ethtool -L ens3 combined 2 at each boot (${why})`,
      tunable: 'channels',
      matches: 'maybe',
      remedy: 'remove line 2 of /etc/rc.d/rc.local, or run chmod -x /etc/rc.d/rc.local',
      value: '2',
    },
  ])
})

test.each(['/etc/rc.local', '/etc/init.d/boot.local', '/etc/init.d/after.local'])(
  '%s is one, too',
  (path) => {
    expect(foundBy(rcLocal, { [path]: 'ethtool -L ens3 combined 2\n' })).toMatchObject([
      { where: `${path}:1` },
    ])
  },
)

testFixture(rcLocal)
