import { expect, it } from 'vitest'
import { bareDomain } from '../../../../src/hypervisor/libvirt/domain'
import { readHostDevices } from '../../../../src/hypervisor/network/host-devices'
import { systemWith, withPrograms } from '../../../support/systems'

const plain = bareDomain('g', 'u')
const withVdpa = { ...plain, devices: { ...plain.devices, vdpa: 1 } }
const ip = [{ stdout: '[{"ifname":"br0","linkinfo":{"info_kind":"bridge"}}]' }]
const vdpa = [{ stdout: '{"config":{"vdpa-a":{"max_vq_pairs":8}}}' }]
const BOUND = { '/sys/bus/vdpa/devices/vdpa-a/vhost-vdpa-3/dev': '511:3\n' }

it('where there is no guest, nothing is asked', async () => {
  expect(await readHostDevices(withPrograms(systemWith(BOUND), {}), [])).toEqual({
    links: undefined,
    vdpaPairs: new Map(),
  })
})

it('links are asked for any guest, vDPA devices only for one that has such a NIC', async () => {
  const system = () => withPrograms(systemWith(BOUND), { ip, vdpa })
  const seen = await readHostDevices(system(), [plain])
  expect([...(seen.links ?? [])].map(([name]) => name)).toEqual(['br0'])
  expect(seen.vdpaPairs).toEqual(new Map())
  expect((await readHostDevices(system(), [plain, withVdpa])).vdpaPairs).toEqual(
    new Map([['/dev/vhost-vdpa-3', 8]]),
  )
})

it('without iproute2 links are not to be seen; a failing one is an error', async () => {
  expect((await readHostDevices(systemWith({}), [plain])).links).toBeUndefined()
  const failing = withPrograms(systemWith({}), { ip: [{ code: 255, stderr: 'no\n' }] })
  await expect(readHostDevices(failing, [plain])).rejects.toThrow('ip link: no')
})
