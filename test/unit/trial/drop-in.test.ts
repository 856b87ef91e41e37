import { basename } from 'node:path'
import { expect, test } from 'vitest'
import { parseFragment } from '../../../src/config/parse'
import { dropInName, dropInText } from '../../../src/trial/drop-in'

test.each([
  ['ens3', '50-trial-ens3.toml'],
  ['enp0s8.100', '50-trial-enp0s8.100.toml'],
  ['..', '50-trial-...toml'],
  ['../../cron.d/x', '50-trial-..-..-cron.d-x.toml'],
  ['a\nb\0c', '50-trial-a-b-c.toml'],
  ['\u202e', '50-trial--.toml'],
])('the file for a NIC named %j stays in its directory', (nic, file) => {
  expect(dropInName(nic)).toBe(file)
  expect(basename(dropInName(nic))).toBe(file)
})

test('it fixes the count by MAC and lifts a cap; the reason adds no line to it', async () => {
  const text = dropInText(
    { mac: '52:54:00:12:34:56' },
    { channels: 4, switches: {} },
    ['channels'],
    '4 channels move more\n[defaults]\nenabled = false',
  )
  expect(await parseFragment('x.toml', text)).toMatchObject({
    ok: true,
    located: { fragment: { nic: [{ match: { mac: '52:54:00:12:34:56' }, channels: 4, cap: 'none' }] } },
  })
  expect(text).not.toMatch(/^\[defaults\]/m)
})

test('what was not varied is not fixed; words and sizes are written as the configuration has them', async () => {
  const switches = { 'rx-ring': 256, 'tx-ring': 'max', rps: 'spread', 'threaded-napi': 'off' }
  const text = dropInText({ mac: '52:54:00:12:34:56' }, { channels: 4, switches }, ['rings', 'rps'], 'why')
  expect(await parseFragment('x.toml', text)).toMatchObject({
    ok: true,
    located: { fragment: { nic: [{ match: { mac: '52:54:00:12:34:56' }, ...switches }] } },
  })
  expect(text).not.toMatch(/^(channels|cap) =/m)
})
