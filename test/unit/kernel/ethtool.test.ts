import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { classifyRefusal, errorText, parseChannels, readChannels } from '../../../src/kernel/ethtool'
import { capturedGuest, guestFile, guestFiles, guestNames } from '../../support/captured-guest'

const result = (stderr: string, code = 1, stdout = '') => ({ code, stdout, stderr })

// Printed by ethtool 4.19 and others that use the ioctl; later versions print n/a for the unused rows.
const OLD_TEXT = `Channel parameters for eth0:
Pre-set maximums:
RX:		0
TX:		0
Other:		0
Combined:	4
Current hardware settings:
RX:		0
TX:		0
Other:		0
Combined:	2

`

describe('parseChannels', () => {
  it('reads maximum and current, whether unused rows say 0 or n/a', () => {
    expect(parseChannels(OLD_TEXT)).toEqual({ maximum: 4, current: 2 })
    expect(parseChannels(OLD_TEXT.replaceAll(/:\t\t0/g, ':\t\tn/a'))).toEqual({ maximum: 4, current: 2 })
  })

  it.each([
    '',
    'garbage',
    'Combined:\t4\n',
    'Combined:\tn/a\nCombined:\tn/a\n',
    OLD_TEXT + OLD_TEXT,
    OLD_TEXT.replace('4', '-4'),
  ])('refuses %j', (text) => {
    expect(parseChannels(text)).toBeUndefined()
  })

  it('takes whole numbers as they stand, and nothing else', () => {
    const cell = fc.oneof(
      fc.string({ unit: 'binary' }).filter((text) => !text.includes('\n')),
      fc.nat().map(String),
      fc.constantFrom('n/a', '4 ', '-4'),
    )
    fc.assert(
      fc.property(cell, (text) => {
        const count = /^[ \t]*(\d{1,5})[ \t\r]*$/.exec(text)?.[1]
        expect(parseChannels(`Combined:\t${text}\nCombined:\t${text}`)).toEqual(
          count === undefined ? undefined : { maximum: Number(count), current: Number(count) },
        )
      }),
      { numRuns: 2000 },
    )
  })

  it('reads what ethtool printed in every captured guest', () => {
    const printed = guestNames().flatMap((guest) => {
      const files = guestFiles(guest, 'ethtool')
      return files
        .filter((file) => /^e.*\.l$/.test(file) && !files.includes(`${file}.code`))
        .map((file) => [`${guest}: ${file}`, guestFile(guest, `ethtool/${file}`)] as const)
    })
    expect(printed.length).toBeGreaterThan(10)
    for (const [file, text] of printed) {
      const channels = parseChannels(text)
      expect(channels?.maximum, file).toBeGreaterThanOrEqual(1)
      expect(channels?.current, file).toBeGreaterThanOrEqual(1)
    }
  })
})

const VERSIONS = fileURLToPath(new URL('../../fixtures/ethtool', import.meta.url))
const CODES = {
  'set-no-device': 'vanished',
  'set-non-root': 'permission',
  'set-unsupported': 'unsupported',
  'set-over-max': 'refused',
  'set-zero': 'refused',
  'set-xdp': 'refused',
} as const
const versions = readdirSync(VERSIONS).filter((name) => /^\d/.test(name))

it('has recordings of many versions', () => {
  expect(versions).toEqual(expect.arrayContaining(['4.8', '4.19', '5.8', '5.9', '6.1', '6.14.2', '7.2']))
})

// Each directory's SOURCE says where it comes from; some old versions have only a part.
describe.each(versions)('ethtool %s', (version) => {
  const path = (file: string): string => `${VERSIONS}/${version}/${file}`
  const read = (file: string): string => (existsSync(path(file)) ? readFileSync(path(file), 'utf8') : '')

  it('prints channels that are read', () => {
    expect(parseChannels(read('show.txt'))?.maximum).toBe(4)
    if (existsSync(path('show-changed.txt'))) {
      expect(parseChannels(read('show-changed.txt'))).toEqual({ maximum: 4, current: 3 })
    }
  })

  it.each(Object.entries(CODES).filter(([name]) => existsSync(path(`${name}.code`))))(
    '%s is %s, with words of the kernel',
    (name, code) => {
      const result = {
        code: Number(read(`${name}.code`)),
        stdout: read(`${name}.txt`),
        stderr: read(`${name}.err.txt`),
      }
      expect(result.code).not.toBe(0)
      expect(classifyRefusal(result)).toEqual({ code, text: expect.stringMatching(/^[^:]{5,}$/) })
    },
  )
})

describe('a refused -L', () => {
  it.each([
    [
      'netlink error: requested channel count exceeds maximum (offset 36)\nnetlink error: Invalid argument\n',
      'refused',
      'requested channel count exceeds maximum',
    ],
    ['netlink error: Invalid argument\n', 'refused', 'Invalid argument'],
    ['Cannot set device channel parameters: Invalid argument\n', 'refused', 'Invalid argument'],
    ['netlink error: Operation not permitted\n', 'permission', 'Operation not permitted'],
    [
      'Cannot set device channel parameters: Operation not permitted\n',
      'permission',
      'Operation not permitted',
    ],
    [
      'netlink error: no device matches name (offset 24)\nnetlink error: No such device\n',
      'vanished',
      'no device matches name',
    ],
    ['netlink error: Operation not supported\n', 'unsupported', 'Operation not supported'],
    [
      'netlink error: requested channel counts are too low for existing indirection table settings\n',
      'rss-table',
      'requested channel counts are too low for existing indirection table settings',
    ],
    [
      'netlink error: requested channel counts are too low for existing zerocopy AF_XDP sockets\n',
      'af-xdp',
      'requested channel counts are too low for existing zerocopy AF_XDP sockets',
    ],
    [
      'netlink error: requested channel counts are too low for existing ntuple filter settings\n',
      'flow-rules',
      'requested channel counts are too low for existing ntuple filter settings',
    ],
    [
      'netlink error: requested channel counts are too low for existing memory provider setting (2)\n',
      'memory-provider',
      'requested channel counts are too low for existing memory provider setting (2)',
    ],
    [
      'netlink error: requested channel counts are too low for existing indirection table (3)\n',
      'rss-table',
      'requested channel counts are too low for existing indirection table (3)',
    ],
  ])('%j is %s', (stderr, code, text) => {
    expect(classifyRefusal(result(stderr))).toEqual({ code, text })
  })

  it('without any text still says something', () => {
    expect(errorText(result('', 7))).toBe('exit status 7')
  })
})

describe('readChannels', () => {
  it('asks once and reads the maximum', async () => {
    const { system, calls } = capturedGuest('hotplug-drift')
    expect(await readChannels(system, 'enp0s8')).toEqual({ current: 2, maximum: 4 })
    expect(calls).toEqual(['ethtool -l enp0s8'])
  })

  it('tells a device without the setting from a fault', async () => {
    const { system } = capturedGuest('hotplug-drift')
    expect(await readChannels(system, 'lo')).toBeUndefined()
    const garbage = { ...system, run: async () => result('', 0, 'Segmentation fault') }
    await expect(readChannels(garbage, 'eth0')).rejects.toMatchObject({ kind: 'tool-failed' })
    const gone = { ...system, run: async () => result('netlink error: no device matches name (offset 24)\n') }
    await expect(readChannels(gone, 'eth0')).rejects.toMatchObject({ kind: 'vanished' })
    const broken = { ...system, run: async () => result('netlink error: Input/output error\n') }
    await expect(readChannels(broken, 'eth0')).rejects.toMatchObject({ kind: 'tool-failed' })
  })
})
