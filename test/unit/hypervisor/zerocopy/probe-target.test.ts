import { expect, it } from 'vitest'
import type { VhostModule } from '../../../../src/hypervisor/zerocopy/module'
import {
  argumentFetches,
  probeTarget,
  successArgument,
} from '../../../../src/hypervisor/zerocopy/probe-target'
import { systemWith } from '../../../support/systems'

it('knows where the success argument is', () => {
  expect(['4.18.0-553.el8', '5.10.0', '5.12.0', '5.14.0-427.el9', '6.12.1'].map(successArgument)).toEqual([
    2, 2, 3, 3, 3,
  ])
  expect(argumentFetches(3, 'x64')).toEqual(['$arg3:u8', '%dx:u8'])
  expect(['', '5', 'x.y', '6'].map(successArgument)).toEqual([2, 2, 2, 3])
  expect(argumentFetches(2, 'riscv64')).toEqual(['$arg2:u8'])
})

it('finds the function of this kernel, of the module or built in', () => {
  const module = (state: VhostModule['state']): VhostModule => ({
    ...{ state, parameter: 'present', running: true, users: undefined, configured: undefined },
  })
  const kernel = (symbols: string, release?: string) =>
    systemWith({
      '/proc/kallsyms': symbols,
      ...(release === undefined ? {} : { '/proc/sys/kernel/osrelease': release }),
    })
  const older = '0000000000000000 t vhost_zerocopy_callback\t[vhost_net]\n'
  const newer = '0000000000000000 t vhost_zerocopy_complete\n'
  expect(probeTarget(kernel(older, '5.10.0-28-amd64\n'), module('loaded'))).toMatchObject({
    location: 'vhost_net:vhost_zerocopy_callback',
    fetches: expect.arrayContaining(['$arg2:u8']),
  })
  expect(probeTarget(kernel(newer, '6.12.1\n'), module('builtin'))).toMatchObject({
    location: 'vhost_zerocopy_complete',
    fetches: expect.arrayContaining(['$arg3:u8']),
  })
  expect(probeTarget(kernel(older), module('loaded')).fetches[0]).toBe('$arg2:u8')
  for (const symbols of ['', '0 t vhost_zerocopy_callback.cold\n', '0 t x_vhost_zerocopy_complete\n'])
    expect(() => probeTarget(kernel(symbols), module('loaded'))).toThrow(
      "this kernel's vhost_net has no zero copy",
    )
  expect(() => probeTarget(systemWith({}), module('loaded'))).toThrow('has no zero copy')
  for (const state of ['unloaded', 'absent'] as const)
    expect(() => probeTarget(kernel(older), module(state))).toThrow('vhost_net is not loaded')
})
