import { describe, expect, it } from 'vitest'
import { countPossibleCpus, keptFreeAtBoot, readCpus } from '../../../src/kernel/cpus'
import { systemWith } from '../../support/systems'

const ONLINE = { '/sys/devices/system/cpu/online': '0-3\n' }
const isolated = (files: Readonly<Record<string, string>>) =>
  readCpus(systemWith({ ...ONLINE, ...files })).isolated

describe('possible CPUs', () => {
  it('are those that the kernel has room for, or those online if it does not say', () => {
    const cpus = { online: [0, 1], isolated: [] }
    const count = (text: string) =>
      countPossibleCpus(systemWith({ '/sys/devices/system/cpu/possible': text }), cpus)
    expect(count('0-7\n')).toBe(8)
    expect(count('0\n')).toBe(1)
    expect(count('x\n')).toBe(2)
    expect(countPossibleCpus(systemWith({}), cpus)).toBe(2)
  })
})

describe('CPUs that are kept free of interrupts', () => {
  it('are those of isolcpus= and nohz_full=, as sysfs has them', () => {
    const cpu = '/sys/devices/system/cpu'
    expect(isolated({})).toEqual([])
    expect(isolated({ [`${cpu}/isolated`]: '1\n', [`${cpu}/nohz_full`]: '2,9\n' })).toEqual([1, 2])
    expect(isolated({ [`${cpu}/nohz_full`]: ' (null)\n' })).toEqual([])
  })

  it('are those of isolated cpuset partitions, by one file or by the partitions', () => {
    const top = '/sys/fs/cgroup'
    expect(isolated({ [`${top}/cpuset.cpus.isolated`]: '2-3\n' })).toEqual([2, 3])
    const partitions = {
      [`${top}/rt.slice/cpuset.cpus.partition`]: 'root\n',
      [`${top}/rt.slice/a/cpuset.cpus.partition`]: 'isolated\n',
      [`${top}/rt.slice/a/cpuset.cpus.effective`]: '3\n',
      [`${top}/b/cpuset.cpus.partition`]: 'isolated invalid (Cpu list in cpuset.cpus not exclusive)\n',
      [`${top}/b/cpuset.cpus.effective`]: '0-3\n',
      [`${top}/c/cpuset.cpus.partition`]: 'isolated\n',
    }
    expect(isolated(partitions)).toEqual([3])
    // The file of newer kernels says it all.
    expect(isolated({ ...partitions, [`${top}/cpuset.cpus.isolated`]: '\n' })).toEqual([])
  })

  it('are those that the kernel command line keeps free without showing it', () => {
    expect(isolated({ '/proc/cmdline': 'quiet isolcpus=managed_irq,2 irqaffinity=0-2\n' })).toEqual([2, 3])
    const free = (line: string) => keptFreeAtBoot(line, [0, 1, 2, 3])
    expect(free('isolcpus=managed_irq,domain,2-3')).toEqual([2, 3])
    expect(free('isolcpus=1')).toEqual([1])
    expect(free('irqaffinity=0')).toEqual([1, 2, 3])
    // The last one counts; what is no list says nothing.
    expect(free('irqaffinity=0 irqaffinity=0-3')).toEqual([])
    expect(free('isolcpus=x irqaffinity= noirqaffinity=0')).toEqual([])
    expect(free('irqaffinity=x')).toEqual([])
    expect(isolated({ '/proc/cmdline': '' })).toEqual([])
  })
})
