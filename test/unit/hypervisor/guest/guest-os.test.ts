import { expect, it } from 'vitest'
import { mayWantXdpQueues, stepsInGuest } from '../../../../src/hypervisor/guest/guest-os'

const os = (family: 'linux' | 'windows' | 'freebsd' | 'other') => ({ family, name: 'Minix', certain: true })

it('in Linux, and in what may be Linux, vqtune puts the queues to use', () => {
  expect(stepsInGuest(os('linux'), 4)).toBe('inside the guest: vqtune apply')
  expect(stepsInGuest(undefined, 4)).toBe('inside the guest, if it runs Linux: vqtune apply')
})

it('in Windows it is RSS of the adapter, with the number', () => {
  const steps = stepsInGuest(os('windows'), 4).split('\n')
  expect(steps).toHaveLength(4)
  expect(steps[1]).toBe('  Enable-NetAdapterRss -Name NAME')
  expect(steps[2]).toBe('  Set-NetAdapterRss -Name NAME -NumberOfReceiveQueues 4')
})

it('in FreeBSD they are tunables of vtnet(4), with the number', () => {
  const steps = stepsInGuest(os('freebsd'), 16)
  expect(steps).toContain('\n  hw.vtnet.mq_disable=0\n  hw.vtnet.mq_max_pairs=16\n')
  expect(steps).toContain('sysctl dev.vtnet')
})

it('of another system only its name is known', () => {
  expect(stepsInGuest(os('other'), 4)).toMatch(/^by the means of Minix, .*vqtune is for Linux guests$/)
})

it('vqtune is proposed for nothing but Linux, and only there are queues for XDP', () => {
  for (const family of ['windows', 'freebsd', 'other'] as const) {
    expect(stepsInGuest(os(family), 4)).not.toContain('vqtune apply')
    expect(mayWantXdpQueues(os(family))).toBe(false)
  }
  expect([undefined, os('linux')].map(mayWantXdpQueues)).toEqual([true, true])
})
