import { expect, test } from 'vitest'
import { google } from '../../../src/writers/google'
import { processFiles } from '../../support/systems'
import { foundBy, testFixture } from '../../support/writers'

const RUNNING = processFiles(900, 'google_guest_ag')

test('an agent without its script is named by its process', () => {
  const [channels] = foundBy(google, RUNNING)
  expect(channels).toMatchObject({
    where: 'pid 900',
    what: "Google's guest agent runs it at boot: channels, interrupts and XPS by the number of vCPUs; runs as pid 900",
    value: 'vcpus',
    remedy: 'set set_multiqueue = false in [InstanceSetup] of /etc/default/instance_configs.cfg',
  })
})

test.each([
  ['[InstanceSetup]\nset_multiqueue = false\n', 'maybe'],
  ['[InstanceSetup]\nset_multiqueue = No\n', 'maybe'],
  ['[InstanceSetup]\nset_multiqueue = true\n', 'yes'],
  ['[InstanceSetup]\nset_multiqueue = false\nset_multiqueue = true\n', 'yes'],
  ['[Daemons]\nset_multiqueue = false\n', 'yes'],
])('its switch %j: %s', (text, matches) => {
  const found = foundBy(google, { ...RUNNING, '/etc/default/instance_configs.cfg': text })
  expect(new Set(found.map((one) => one.matches))).toEqual(new Set([matches]))
})

test('switched off, the line that says so is named', () => {
  const text = '# mine\n[InstanceSetup]\nset_multiqueue = false\n'
  const [channels] = foundBy(google, { ...RUNNING, '/etc/default/instance_configs.cfg': text })
  expect(channels?.what).toMatch(/ \(set_multiqueue = false in \/etc\/default\/instance_configs\.cfg:3\)$/)
})

testFixture(google)
