import { describe, expect, it } from 'vitest'
import { readCpus } from '../../../src/kernel/cpus'
import { isolatedAtNextBoot, isolatedByTuned, isolatedCores } from '../../../src/kernel/tuned-isolation'
import { systemFailing, systemWith } from '../../support/systems'

const BOOT = 'TUNED_BOOT_CMDLINE="skew_tick=1 isolcpus=managed_irq,domain,2-3 nohz_full=1-3 rcu_nocbs=0-3"\n'

describe('what tuned isolates at the next boot', () => {
  it('is in the variables of the active profile and in its boot parameters, and the source is named', () => {
    const system = systemWith({
      '/sys/devices/system/cpu/online': '0-3\n',
      '/etc/tuned/active_profile': 'realtime-virtual-guest\n',
      '/etc/tuned/realtime-virtual-guest-variables.conf': '# isolated_cores=1\nisolated_cores=3\n',
      '/etc/tuned/cpu-partitioning-variables.conf': 'isolated_cores=0\n',
      '/etc/tuned/bootcmdline': `# by tuned\n${BOOT}TUNED_BOOT_INITRD_ADD=""\n`,
    })
    const { root } = system.paths
    expect(isolatedByTuned(system)).toEqual([
      { source: `${root}/etc/tuned/realtime-virtual-guest-variables.conf`, cpus: [3] },
      { source: `${root}/etc/tuned/bootcmdline`, cpus: [1, 2, 3] },
    ])
    expect(readCpus(system)).toEqual({
      online: [0, 1, 2, 3],
      isolated: [1, 2, 3],
      isolatedBy: ['/etc/tuned/realtime-virtual-guest-variables.conf', '/etc/tuned/bootcmdline'],
    })
  })

  it('is nothing without an active profile, or where that cannot be read', () => {
    expect(isolatedByTuned(systemWith({ '/etc/tuned/bootcmdline': BOOT }))).toEqual([])
    expect(isolatedByTuned(systemFailing('EACCES'))).toEqual([])
    const odd = { '/etc/tuned/active_profile': '../x .y\n', '/etc/tuned/bootcmdline': BOOT }
    expect(isolatedByTuned(systemWith(odd))).toEqual([])
    expect(isolatedByTuned(systemWith({ '/etc/tuned/active_profile': 'virtual-guest\n' }))).toEqual([])
  })

  it.each([
    ['isolated_cores=2,4-5', [2, 4, 5]],
    ['  isolated_cores = 2-3 \nisolated_cores=1', [1]],
    [`isolated_cores=\${f:calc_isolated_cores:1}`, []],
    ['isolated_cores=\n', []],
    ['', []],
  ])('isolated_cores: %j', (text, cpus) => expect(isolatedCores(text)).toEqual(cpus))

  it.each([
    [BOOT, [1, 2, 3]],
    ['TUNED_BOOT_CMDLINE=""\n', []],
    [`${BOOT}TUNED_BOOT_CMDLINE=\n`, []],
    ['TUNED_BOOT_CMDLINE="isolcpus=x quiet"', []],
    ['x', []],
  ])('bootcmdline: %j', (text, cpus) => expect(isolatedAtNextBoot(text)).toEqual(cpus))
})
