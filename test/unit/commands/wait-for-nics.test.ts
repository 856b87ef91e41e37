import { expect, it } from 'vitest'
import { insideContainer, waitForNics } from '../../../src/commands/wait-for-nics'
import { openSystem } from '../../../src/system/system'
import { makeTree } from '../../support/tree'

const host = (entries: Record<string, string>) => openSystem(makeTree(entries))

it('waits for NICs that are pending only as long as allowed', async () => {
  const interfaceOfNobody = {
    'sys/bus/virtio/devices/virtio2/device': '0x0001\n',
    'sys/bus/virtio/devices/virtio2/driver': '-> ../../../../bus/virtio/drivers/virtio_net',
    'sys/bus/virtio/devices/virtio2/net/eth0/ifindex': '3\n',
  }
  const pending = await waitForNics(host(interfaceOfNobody), 120, new AbortController().signal)
  expect(pending).toHaveLength(1)
})

it('knows a container by the marks that container managers leave', () => {
  expect(insideContainer(host({ 'run/.containerenv': '' }))).toBe(true)
  expect(insideContainer(host({ 'run/x': '' }))).toBe(false)
})
