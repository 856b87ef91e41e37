import { expect, test } from 'vitest'
import { dispatcher } from '../../../src/writers/network-manager-dispatcher'
import { foundBy, testFixture } from '../../support/writers'

const SCRIPT = '#!/bin/sh\nethtool -L ens3 combined 2\n'

test.each([
  [undefined, 'it is not executable, so NetworkManager does not run it'],
  ['NetworkManager-dispatcher.service', 'NetworkManager-dispatcher.service is masked'],
])('what does not run says why; %s masked', (mask, why) => {
  const masked = mask === undefined ? {} : { [`/etc/systemd/system/${mask}`]: '' }
  expect(foundBy(dispatcher, { '/etc/NetworkManager/dispatcher.d/q': SCRIPT, ...masked })).toMatchObject([
    {
      what: `runs ethtool -L ens3 combined 2 when a connection changes (${why})`,
      remedy:
        'remove line 2 of /etc/NetworkManager/dispatcher.d/q, or run chmod -x /etc/NetworkManager/dispatcher.d/q',
    },
  ])
})

test('a script of the same name hides one of its own directory only, and an empty one hides it, too', () => {
  const found = (files: Readonly<Record<string, string>>) =>
    foundBy(dispatcher, files).map(({ where }) => where)
  const vendor = '/usr/lib/NetworkManager/dispatcher.d'
  expect(found({ '/etc/NetworkManager/dispatcher.d/q': SCRIPT, [`${vendor}/pre-up.d/q`]: SCRIPT })).toEqual([
    '/etc/NetworkManager/dispatcher.d/q:2',
    `${vendor}/pre-up.d/q:2`,
  ])
  expect(found({ '/etc/NetworkManager/dispatcher.d/q': '\n', [`${vendor}/q`]: SCRIPT })).toEqual([])
})

test.each(['$1', '$DEVICE_IFACE', '$DEVICE_IP_IFACE', '$IFACE'])('%s is any NIC', (variable) => {
  const text = `ethtool -L "${variable}" combined 2\n`
  expect(foundBy(dispatcher, { '/etc/NetworkManager/dispatcher.d/no-wait.d/q': text })).toMatchObject([
    { what: expect.stringContaining(`runs ethtool -L ${variable} combined 2 when`), value: '2' },
  ])
})

testFixture(dispatcher)
