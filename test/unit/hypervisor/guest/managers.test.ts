import { expect, it } from 'vitest'
import { MANAGERS } from '../../../../src/hypervisor/guest/managers'

it('each manager has a setting with the number, and a way to power the guest off', () => {
  for (const [id, { title, setting, restart }] of Object.entries(MANAGERS)) {
    expect(title, id).not.toBe('')
    expect(setting(6), id).toMatch(/queue/i)
    expect(restart, id).not.toBe('')
  }
  expect(MANAGERS.opennebula.setting(6)).toContain('VIRTIO_QUEUES = "6"')
  expect(MANAGERS.cloudstack.setting(6)).toContain('nic.multiqueue.number = 6')
  expect(MANAGERS.ovirt.setting(6)).toContain('queues = 6')
})
