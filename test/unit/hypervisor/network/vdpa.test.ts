import { expect, it } from 'vitest'
import { parseVdpaConfig, readVdpaPairs } from '../../../../src/hypervisor/network/vdpa'
import type { System } from '../../../../src/system/system'
import { systemWith } from '../../../support/systems'

/** As iproute2's vdpa/vdpa.c prints it; no device was at hand. The third is a disk. */
const CONFIG = JSON.stringify({
  config: {
    'vdpa-a': { mac: '52:54:00:00:00:01', link: 'up', link_announce: false, max_vq_pairs: 8, mtu: 1500 },
    'vdpa-b': { mac: '52:54:00:00:00:02', link: 'up', link_announce: false, mtu: 1500 },
    blk0: { capacity: 262_144 },
  },
})

const BOUND = {
  '/usr/sbin/vdpa': '',
  '/sys/bus/vdpa/devices/vdpa-a/vhost-vdpa-3/dev': '511:3\n',
  '/sys/bus/vdpa/devices/vdpa-b/vhost-vdpa-0/dev': '511:0\n',
  // For a network interface of the hypervisor itself.
  '/sys/bus/vdpa/devices/vdpa-c/virtio7/device': '0x0001\n',
}

/** A hypervisor with these files, on which vdpa answers that. */
function answering(files: Record<string, string>, code: number, stdout: string) {
  const asked: string[][] = []
  const run = async (...[tool, args]: Parameters<System['run']>) => {
    asked.push([tool, ...args])
    return { code, stdout, stderr: '' }
  }
  const system = Object.assign(Object.create(systemWith(files)) as System, {
    run,
    findTool: (tool: string) => (`/usr/sbin/${tool}` in files ? `/usr/sbin/${tool}` : undefined),
  })
  return { system, asked }
}

it('queue pairs by the character device that XML names, in one question', async () => {
  const { system, asked } = answering(BOUND, 0, CONFIG)
  expect(await readVdpaPairs(system)).toEqual(
    new Map([
      ['/dev/vhost-vdpa-3', 8],
      ['/dev/vhost-vdpa-0', 1],
    ]),
  )
  expect(asked).toEqual([['vdpa', '-j', 'dev', 'config', 'show']])
})

it('nothing is asked without such a device or without the program', async () => {
  const { '/usr/sbin/vdpa': program, ...withoutProgram } = BOUND
  for (const files of [withoutProgram, { '/usr/sbin/vdpa': program }]) {
    const { system, asked } = answering(files, 0, CONFIG)
    expect(await readVdpaPairs(system)).toEqual(new Map())
    expect(asked).toEqual([])
  }
})

it('a kernel that does not answer, or of another device only, tells nothing', async () => {
  expect(await readVdpaPairs(answering(BOUND, 255, '').system)).toEqual(new Map())
  expect(await readVdpaPairs(answering(BOUND, 0, '{"config":{"x":{"mac":"a"}}}').system)).toEqual(new Map())
})

it('counts that are none are left out, and other output is an error', () => {
  expect(parseVdpaConfig('{"config":{"a":{"max_vq_pairs":"4"},"b":{"max_vq_pairs":0},"c":null}}')).toEqual(
    new Map(),
  )
  for (const text of ['', 'vdpa: no device', '[]', 'null', '{"config":1}', '{"config":null}'])
    expect(() => parseVdpaConfig(text)).toThrow(/did not print the JSON of iproute2/)
})
