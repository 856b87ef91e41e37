import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import {
  globMatcher,
  isUndecided,
  matchesNic,
  type NicMatch,
  needsIdentification,
} from '../../../src/config/match'

const NIC = {
  name: 'ens3',
  altnames: ['enp0s3', 'wan'],
  mac: '52:54:00:ab:cd:01',
  busAddress: '0000:00:03.0',
  virtio: 'virtio2',
}

describe('matchesNic', () => {
  test.each<[NicMatch, boolean]>([
    [{}, true],
    [{ name: 'ens*' }, true],
    [{ name: 'wan' }, true],
    [{ name: 'enp?s3' }, true],
    [{ name: 'en' }, false],
    [{ mac: '52:54:00:AB:*' }, true],
    [{ mac: '52:54:01:*' }, false],
    [{ pci: '0000:00:03.0' }, true],
    [{ pci: '00:03.0' }, true],
    [{ pci: '00:04.0' }, false],
    [{ virtio: 'virtio2' }, true],
    [{ virtio: 'virtio20' }, false],
    [{ name: 'ens*', virtio: 'virtio2' }, true],
    [{ name: 'ens*', virtio: 'virtio3' }, false],
  ])('%j: %s', (match, expected) => {
    expect(matchesNic(match, NIC)).toBe(expected)
  })
})

describe('a rule whose NIC is not fully known', () => {
  const names = {
    name: 'eth0',
    altnames: [],
    mac: '52:54:00:00:00:01',
    busAddress: '0000:00:03.0',
    virtio: 'virtio0',
  }
  const sysfs = { ...names, isIdentified: false, isMacPermanent: true }
  const port = { ...sysfs, isMacPermanent: false }

  test('is undecided where an altname or another address could make it fit', () => {
    expect(isUndecided({ name: 'enp1s0' }, sysfs)).toBe(true)
    expect(isUndecided({ mac: '52:54:00:00:00:09' }, port)).toBe(true)
    expect(isUndecided({ mac: '52:54:00:00:00:09', virtio: 'virtio0' }, port)).toBe(true)
    expect(isUndecided({ name: 'enp1s0', mac: names.mac }, sysfs)).toBe(true)
  })

  test('is decided where it fits already, cannot fit, or ip was asked', () => {
    expect(isUndecided({ name: 'eth*' }, sysfs)).toBe(false)
    expect(isUndecided({ name: 'enp1s0', virtio: 'virtio9' }, sysfs)).toBe(false)
    expect(isUndecided({ name: 'enp1s0', mac: '52:54:00:00:00:09' }, sysfs)).toBe(false)
    expect(isUndecided({ mac: '52:54:00:00:00:09' }, sysfs)).toBe(false)
    expect(isUndecided({ name: 'enp1s0' }, { ...sysfs, isIdentified: true })).toBe(false)
    expect(isUndecided({}, port)).toBe(false)
  })

  test('is what ip is asked for', () => {
    const rule = (match: object) => [{ match }]
    expect(needsIdentification(rule({ name: 'a' }), [sysfs])).toBe(true)
    expect(needsIdentification(rule({ mac: 'a' }), [sysfs, port])).toBe(true)
    expect(needsIdentification(rule({ mac: 'a' }), [sysfs])).toBe(false)
    expect(needsIdentification(rule({ virtio: 'virtio1' }), [port])).toBe(false)
  })
})

describe('globMatcher', () => {
  test.each([
    ['*', '', true],
    ['eth[0-3]', 'eth2', true],
    ['eth[0-3]', 'eth4', false],
    ['eth[!0-3]', 'eth4', true],
    ['eth[^0]', 'eth0', false],
    ['a[]]', 'a]', true],
    ['a[-x]', 'a-', true],
    ['a.b', 'axb', false],
    ['a+(b)', 'a+(b)', true],
    ['a\\*', 'a*', true],
    ['a\\*', 'ab', false],
    ['a[\\]', 'a\\', true],
    ['veth-1', 'veth-1', true],
  ])('%s on %s: %s', (glob, text, expected) => {
    expect(globMatcher(glob)(text)).toBe(expected)
  })

  test.each(['', 'a[', 'a[z-a]', 'a\\'])('%j is malformed', (glob) => {
    expect(() => globMatcher(glob)).toThrow(SyntaxError)
  })

  test('many stars stay fast on a long name', () => {
    const matches = globMatcher(`${'*a'.repeat(20)}*b`)
    // What tries all ways to share out the letters does not end at all.
    const run = () =>
      runInNewContext('matches(name)', { matches, name: 'a'.repeat(127) }, { timeout: 50_000 })
    expect(run()).toBe(false)
  })
})
