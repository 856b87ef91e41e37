/** The script that the package ships, run by a shell as irqbalance does: with a device and a number. */
import { spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { afterAll, expect, it } from 'vitest'
import { makeTree } from '../../support/tree'

const vectors = (device: string, count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`${device}/msi_irqs/${25 + i}`, 'msix\n']))

const ROOT = makeTree({
  'nic/virtio1/net/eth0/queues/rx-0/': '',
  ...vectors('nic', 9),
  'single/virtio2/net/eth1/queues/rx-0/': '',
  ...vectors('single', 3),
  'disk/virtio3/block/vda/': '',
  ...vectors('disk', 5),
  'intx/virtio4/net/eth2/queues/rx-0/': '',
  'other/net/eth3/queues/rx-0/': '',
  ...vectors('other', 9),
})
afterAll(() => rmSync(ROOT, { recursive: true }))

it.each([
  ['nic', 'ban=true\n', 0],
  ['single', '', 1],
  ['disk', '', 1],
  ['intx', '', 1],
  ['other', '', 1],
  ['nothing', '', 1],
])('%s', (device, stdout, status) => {
  const run = spawnSync('sh', ['packaging/irqbalance-policy', `${ROOT}/${device}`, '26'], {
    encoding: 'utf8',
  })
  expect(run).toMatchObject({ stdout, stderr: '', status })
})
