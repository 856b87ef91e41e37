import { expect, it } from 'vitest'
import { parseOptions, readOptions } from '../../../src/irqbalance/options'
import { systemWith } from '../../support/systems'

it('are taken in each way that getopt_long takes them', () => {
  const told = parseOptions(
    [
      '/usr/sbin/irqbalance',
      '--foreground',
      '--banirq=24',
      '-i25',
      '--banirq',
      '26',
      '-i',
      '27',
      '--banmod=virtio-pci',
      '-mxhci',
      '--policyscript',
      '/a',
      '-l/etc/policy',
    ],
    'HOME=/\0IRQBALANCE_BANNED_CPULIST=2-3\0',
  )
  expect(told).toEqual({
    bannedIrqs: new Set([24, 25, 26, 27]),
    bannedModules: ['virtio-pci', 'xhci'],
    policyScript: '/etc/policy',
    bannedCpus: '2-3',
  })
})

it('that are none, or nonsense, say nothing', () => {
  const nothing = {
    bannedIrqs: new Set(),
    bannedModules: [],
    policyScript: undefined,
    bannedCpus: undefined,
  }
  expect(parseOptions([])).toEqual(nothing)
  const empty = 'IRQBALANCE_BANNED_CPULIST=\0IRQBALANCE_BANNED_CPUS=00000000,00000000'
  expect(parseOptions(['x', '--banirq=x', '--banmod=', '--policyscript=', '-i'], empty)).toEqual(nothing)
  expect(parseOptions(['x'], 'IRQBALANCE_BANNED_CPUS=c').bannedCpus).toBe('c')
})

it('of which the last counts where only one can', () => {
  expect(parseOptions(['x', '--policyscript=/a', '-l', '/b', '--policyscript=']).policyScript).toBe('/b')
})

it('a list of banned CPUs counts before the mask of older versions; a mask of nothing bans nothing', () => {
  const cpus = (...entries: string[]) => parseOptions(['x'], entries.join('\0')).bannedCpus
  expect(cpus('IRQBALANCE_BANNED_CPUS=c', 'IRQBALANCE_BANNED_CPULIST=2-3')).toBe('2-3')
  expect(cpus('IRQBALANCE_BANNED_CPULIST=', 'IRQBALANCE_BANNED_CPUS=00000000,0000000c')).toBe(
    '00000000,0000000c',
  )
  expect(cpus('XIRQBALANCE_BANNED_CPUS=c', 'IRQBALANCE_BANNED_CPUSX=c')).toBeUndefined()
})

it('are read of a process; without its environment, which is root’s alone, only its arguments', () => {
  const system = systemWith({
    '/proc/812/cmdline': '/usr/sbin/irqbalance\0--banirq=24\0',
    '/proc/812/environ': 'HOME=/\0IRQBALANCE_BANNED_CPULIST=1\0',
  })
  expect(readOptions(system, 812)).toMatchObject({ bannedIrqs: new Set([24]), bannedCpus: '1' })
  const denied = Object.assign(Object.create(system), {
    readText: (path: string) => {
      if (path.endsWith('/environ')) throw Object.assign(new Error('EACCES'), { code: 'EACCES' })
      return system.readText(path)
    },
  })
  expect(readOptions(denied, 812)).toMatchObject({ bannedIrqs: new Set([24]), bannedCpus: undefined })
  expect(readOptions(system, 9)).toMatchObject({ bannedIrqs: new Set(), bannedCpus: undefined })
})
