import { symlinkSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type VendorTool, vendorFindings } from '../../../src/writers/vendor'
import { processFiles, systemWith } from '../../support/systems'

const UNIT = '/usr/lib/systemd/system/q.service'
const TEXT = '[Service]\nExecStart=/opt/q\n'

/** In a guest with these files: how surely, where, and why. */
function found(files: Readonly<Record<string, string>>, more: Partial<VendorTool> = {}) {
  const system = systemWith(files)
  const { root } = system.paths
  return vendorFindings(system, {
    writer: { name: 'q', title: 'Q', find: () => [] },
    files: [`${root}/opt/q`, `${root}/opt/q2`],
    what: 'Q sets',
    writes: [{ tunable: 'channels', value: 'max' }, { tunable: 'xps' }],
    units: ['q0.service', 'q.service'],
    processes: [{ name: 'qd' }],
    remedy: 'remove Q',
    ...more,
  })
}
const brief = (files: Readonly<Record<string, string>>, more: Partial<VendorTool> = {}) => {
  const [one] = found(files, more)
  return one && `${one.matches} ${one.where}: ${one.what}`
}

test('one finding for each setting; none without a file or a process', () => {
  expect(found({ '/opt/q2': '', '/opt/q': '' })).toEqual([
    {
      writer: 'q',
      where: '/opt/q',
      what: 'Q sets (what starts it was not found)',
      tunable: 'channels',
      matches: 'maybe',
      remedy: 'remove Q',
      value: 'max',
    },
    {
      writer: 'q',
      where: '/opt/q',
      what: 'Q sets (what starts it was not found)',
      tunable: 'xps',
      matches: 'maybe',
      remedy: 'remove Q',
    },
  ])
  expect(found({ [UNIT]: TEXT })).toEqual([])
})

describe('what starts it', () => {
  const wants = { '/etc/systemd/system/multi-user.target.wants/q.service': '' }
  const running = processFiles(900, 'qd')

  test.each([
    [running, 'yes /opt/q2: Q sets; runs as pid 900'],
    [{ [UNIT]: TEXT, ...wants }, 'yes /opt/q2: Q sets; q.service is enabled'],
    [{ [UNIT]: TEXT, ...wants, ...running }, 'yes /opt/q2: Q sets; runs as pid 900'],
    [{ [UNIT]: TEXT }, 'maybe /opt/q2: Q sets (what starts it was not found)'],
    [{ '/etc/rc3.d/S20q': '' }, 'yes /opt/q2: Q sets; init script q is enabled'],
    [{ '/etc/rc3.d/K20q': '' }, 'maybe /opt/q2: Q sets (what starts it was not found)'],
    [{ '/etc/systemd/system/q.service': '' }, 'maybe /opt/q2: Q sets (q.service is masked)'],
    [
      { '/etc/systemd/system/q.service': '', '/etc/rc3.d/S20q': '' },
      'maybe /opt/q2: Q sets (q.service is masked)',
    ],
  ])('%j', (files, expected) => {
    expect(brief({ '/opt/q2': '', ...files })).toBe(expected)
  })

  test('a process without a file is named', () => {
    expect(brief(running)).toBe('yes pid 900: Q sets; runs as pid 900')
  })

  test('switched off by its configuration, it is a possibility, though it runs', () => {
    expect(brief({ '/opt/q': '', ...running }, { off: 'q = no' })).toBe('maybe /opt/q: Q sets (q = no)')
  })
})

test('a link to the file counts, one that leads nowhere does not', () => {
  const system = systemWith({ '/opt/real': '' })
  const { root } = system.paths
  symlinkSync('real', `${root}/opt/link`)
  symlinkSync('gone', `${root}/opt/broken`)
  const tool = (name: string): VendorTool => ({
    ...{ writer: { name: 'q', title: 'Q', find: () => [] }, files: [`${root}/opt/${name}`], what: 'Q sets' },
    ...{ writes: [{ tunable: 'rps' }], units: [], processes: [], remedy: 'remove Q' },
  })
  expect(vendorFindings(system, tool('link'))).toMatchObject([{ where: '/opt/link' }])
  expect(vendorFindings(system, tool('broken'))).toEqual([])
})
