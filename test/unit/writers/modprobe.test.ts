import { expect, test } from 'vitest'
import { modprobe } from '../../../src/writers/modprobe'
import { foundBy, testFixture } from '../../support/writers'

test('the line is named, and what takes it out', () => {
  const files = { '/usr/lib/modprobe.d/q.conf': '\ninstall virtio_net ethtool -L ens3 combined 2\n' }
  expect(foundBy(modprobe, files)).toEqual([
    {
      writer: 'modprobe',
      where: '/usr/lib/modprobe.d/q.conf:2',
      what: 'runs ethtool -L ens3 combined 2 when a module is loaded',
      tunable: 'channels',
      matches: 'yes',
      remedy: 'remove line 2 of /usr/lib/modprobe.d/q.conf',
      value: '2',
    },
  ])
})

test.each([
  // The kernel's names have _, and patterns are allowed; see modprobe.d(5).
  ['virtio-net', 'yes'],
  ['virtio*', 'yes'],
  ['virtio_pci', 'maybe'],
])('of the module %s: %s', (module, matches) => {
  const files = { '/etc/modprobe.d/q.conf': `install ${module} ethtool -L ens3 combined 2\n` }
  expect(foundBy(modprobe, files)).toMatchObject([{ matches }])
})

test('a file of /etc hides that of the same name', () => {
  const text = 'install virtio_net ethtool -L ens3 combined 2\n'
  expect(foundBy(modprobe, { '/etc/modprobe.d/q.conf': '', '/usr/lib/modprobe.d/q.conf': text })).toEqual([])
})

testFixture(modprobe)
