import { describe, expect, it } from 'vitest'
import {
  parseUsers,
  planReload,
  readVhostModule,
  reloadModule,
  type VhostModule,
} from '../../../../src/hypervisor/zerocopy/module'
import type { ToolResult } from '../../../../src/system/system'
import { type Answers, systemWith, withPrograms } from '../../../support/systems'

describe('module', () => {
  const loaded = 'vhost_net 36864 3 - Live 0xffff\nvhost 57344 2 vhost_vsock,vhost_net, Live 0xffff\n'

  it('tells loaded, removed, built-in and unloaded apart', async () => {
    expect(parseUsers(loaded)).toBe(3)
    const parameter = { '/sys/module/vhost_net/parameters/experimental_zcopytx': '1\n' }
    expect(await readVhostModule(systemWith({ '/proc/modules': loaded, ...parameter }))).toMatchObject({
      state: 'loaded',
      parameter: 'present',
      running: true,
      users: 3,
    })
    expect(
      await readVhostModule(systemWith({ '/proc/modules': loaded, '/sys/module/vhost_net/refcnt': '3' })),
    ).toMatchObject({ state: 'loaded', parameter: 'removed', running: undefined })
    expect(await readVhostModule(systemWith({ '/proc/modules': '', ...parameter }))).toMatchObject({
      state: 'builtin',
    })
    expect(await readVhostModule(systemWith({ '/proc/modules': '' }))).toMatchObject({
      state: 'unloaded',
      parameter: 'unknown',
    })
  })

  it('asks modinfo about a module that is not loaded', async () => {
    const read = async (answer: Partial<ToolResult>) => {
      const { state, parameter } = await readVhostModule(withPrograms(systemWith({}), { modinfo: [answer] }))
      return [state, parameter]
    }
    const stdout = 'experimental_zcopytx:Enable Zero Copy TX; 1 -Enable; 0 - Disable (int)\n'
    expect(await read({ stdout })).toEqual(['unloaded', 'present'])
    expect(await read({ stdout: `x:${stdout}` })).toEqual(['unloaded', 'removed'])
    expect(await read({ code: 1, stderr: 'modinfo: ERROR: Module vhost_net not found.\n' })).toEqual([
      'absent',
      'unknown',
    ])
  })

  it('is used as often as its own line says', () => {
    for (const text of [
      '',
      'vhost 57344 2 vhost_net, Live 0x0\n',
      'vhost_net 36864',
      'vhost_net 36864 - - Live',
    ])
      expect(parseUsers(text), text).toBeUndefined()
  })

  it('is loaded again only when nothing uses it', () => {
    const module: VhostModule = {
      state: 'loaded',
      parameter: 'present',
      running: false,
      users: 0,
      configured: undefined,
    }
    expect(planReload(module, true).kind).toBe('reload')
    expect(planReload(module, false).kind).toBe('none')
    expect(planReload({ ...module, users: 2 }, true)).toMatchObject({
      kind: 'later',
      why: expect.stringContaining('2 open descriptors'),
    })
    for (const [wanted, written] of [
      [true, 1],
      [false, 0],
    ] as const)
      expect(planReload({ ...module, state: 'builtin', users: undefined }, wanted)).toMatchObject({
        kind: 'later',
        steps: [`add vhost_net.experimental_zcopytx=${written} to the kernel command line`, 'reboot'],
      })
    expect(
      planReload({ ...module, state: 'unloaded', users: undefined, running: undefined }, true).kind,
    ).toBe('none')
    expect(planReload({ ...module, state: 'absent', users: undefined, running: undefined }, false).kind).toBe(
      'none',
    )
  })
})

describe('loading the module again', () => {
  const idle = 'vhost_net 36864 0 - Live 0xffff\n'
  const on = { '/proc/modules': idle, '/sys/module/vhost_net/parameters/experimental_zcopytx': '1\n' }
  const inUse = { code: 1, stderr: 'rmmod: ERROR: Module vhost_net is in use\nmore\n' }
  const reload = (files: Readonly<Record<string, string>>, answers: Answers, wanted = true) =>
    reloadModule(withPrograms(systemWith(files), answers), wanted)

  it('is done when the new setting runs', async () => {
    expect(await reload(on, { rmmod: [{}], modprobe: [{}] })).toBeUndefined()
    // Somebody else unloaded it first.
    const { '/proc/modules': _, ...gone } = on
    expect(await reload(gone, { rmmod: [inUse], modprobe: [{}] })).toBeUndefined()
  })

  it('is not done when it came into use', async () => {
    expect(await reload(on, { rmmod: [inUse] })).toBe('rmmod: ERROR: Module vhost_net is in use')
    expect(await reload(on, { rmmod: [{ code: 3 }] })).toBe('rmmod vhost_net: exit code 3')
  })

  it('fails when it does not come back, or not as asked', async () => {
    const fatal = 'modprobe: FATAL: Module vhost_net not found in directory /lib/modules/6.1.0\n'
    await expect(reload(on, { rmmod: [{}], modprobe: [{ code: 1, stderr: fatal }] })).rejects.toThrow(
      /^modprobe vhost_net: modprobe: FATAL: Module vhost_net not found in directory \S+$/,
    )
    await expect(reload(on, { rmmod: [{}], modprobe: [{ code: 1 }] })).rejects.toThrow(
      'modprobe vhost_net: exit code 1',
    )
    const off = { ...on, '/sys/module/vhost_net/parameters/experimental_zcopytx': '0\n' }
    for (const [files, wanted, is] of [
      [on, false, 'on'],
      [off, true, 'off'],
      [{ '/proc/modules': idle }, true, 'missing'],
    ] as const)
      await expect(reload(files, { rmmod: [{}], modprobe: [{}] }, wanted)).rejects.toMatchObject({
        kind: 'not-converged',
        message: `vhost_net was reloaded, but experimental_zcopytx is ${is}`,
      })
  })
})
