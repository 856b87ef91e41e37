import { symlinkSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import {
  allowed,
  isGuest,
  parseOpenFilesLimit,
  parseVectors,
  readOpenFiles,
  readProcess,
  readQemuProcess,
} from '../../../../src/hypervisor/qemu/process'
import type { System } from '../../../../src/system/system'
import { systemFailing, systemWith } from '../../../support/systems'
import { recorded } from '../recorded'

const MAC = '52:54:00:00:00:01'

describe('the process of a guest', () => {
  /** The recorded process as number 812, with these descriptors. */
  function hypervisor(pidFile: string, ...descriptors: string[]): System {
    const system = systemWith({
      '/run/libvirt/qemu/web01.pid': pidFile,
      '/run/libvirt/qemu/web02.pid': pidFile,
      '/proc/812/cmdline': recorded('cmdline'),
      '/proc/812/limits': recorded('limits'),
      '/proc/812/fd/0': '',
    })
    for (const [i, target] of descriptors.entries())
      symlinkSync(target, `${system.paths.proc}/812/fd/${i + 1}`)
    return system
  }
  /** As for a user who may not look at it, or when it ends meanwhile. */
  const deny = (system: System, errno: string, what: 'readText' | 'list'): System =>
    Object.assign(Object.create(system), {
      [what]: (path: string) =>
        path.startsWith(`${system.paths.proc}/812`) ? systemFailing(errno)[what](path) : system[what](path),
    })

  it('is found by its pid file: descriptors, their limit, vectors', () => {
    const system = hypervisor('812\n', '/dev/vhost-net', '/dev/net/tun', '/dev/vhost-net')
    expect(readQemuProcess(system, 'web01')).toEqual({
      pid: 812,
      openFiles: { limit: 20_000, used: 4 },
      vhostFds: 2,
      vectors: new Map([[MAC, 10]]),
      lockedKib: 8192,
    })
  })

  it('is not that of another guest, nor of a number that nobody has', () => {
    expect(readQemuProcess(hypervisor('812\n'), 'web02')).toBeUndefined()
    expect(readQemuProcess(hypervisor('812\n'), 'web03')).toBeUndefined()
    for (const pidFile of ['', '813', '-812', '8.12e2', '0x32c', '812 813', '0'])
      expect(readQemuProcess(hypervisor(pidFile), 'web01'), pidFile).toBeUndefined()
  })

  it('is any QEMU by its number, with its arguments', () => {
    const system = systemWith({
      '/proc/7/cmdline': 'qemu\0-S\0',
      '/proc/8/cmdline': '',
      '/proc/9/cmdline': 'qemu',
    })
    expect(readProcess(system, 7)).toMatchObject({
      args: ['qemu', '-S'],
      process: { pid: 7, openFiles: undefined, lockedKib: undefined },
    })
    expect(readProcess(system, 9)?.args).toEqual(['qemu'])
    expect([readProcess(system, 6), readProcess(system, 8)]).toEqual([undefined, undefined])
  })

  it('tells what a user may see of it', () => {
    const system = hypervisor('812', '/dev/vhost-net')
    expect(readQemuProcess(deny(system, 'EACCES', 'list'), 'web01')).toMatchObject({
      openFiles: { limit: 20_000, used: undefined },
      vhostFds: undefined,
    })
    for (const errno of ['EACCES', 'EPERM', 'ESRCH'])
      expect(readQemuProcess(deny(system, errno, 'readText'), 'web01')).toBeUndefined()
    expect(readOpenFiles(deny(system, 'EACCES', 'readText'), 812)).toBeUndefined()
    expect(() => allowed(() => systemFailing('EIO').list('/'))).toThrow('EIO')
    expect(() =>
      allowed(() => {
        throw 'not an error'
      }),
    ).toThrow('not an error')
  })
})

describe('/proc/PID/limits', () => {
  const line = (soft: string) =>
    `Max open files            ${soft.padEnd(20)} 524288               files     \n`

  it('has the soft limit in the first column', () => {
    expect(parseOpenFilesLimit(recorded('limits'))).toBe(20_000)
    expect(parseOpenFilesLimit(line('unlimited'))).toBe(Number.POSITIVE_INFINITY)
  })

  it('says nothing when damaged or cut off', () => {
    for (const text of ['', 'Max open files', 'Max open files   \n', line('-1'), line('1e3')])
      expect(parseOpenFilesLimit(text), text).toBeUndefined()
  })
})

describe('the command line', () => {
  it.each([
    ['guest=web01,debug-threads=on', 'web01', true],
    ['guest=web01', 'web01', true],
    ['guest=web01,debug-threads=on', 'web0', false],
    ['guest=a,,b,debug-threads=on', 'a,b', true],
    ['guest=a,,b,debug-threads=on', 'a', false],
    ['guest=a,,,debug-threads=on', 'a,', true],
    ['guest=a,,,debug-threads=on', 'a', false],
    ['web01', 'web01', false],
  ])('-name %s is %s: %s', (name, domain, expected) => {
    expect(isGuest(`/usr/bin/qemu-system-x86_64\0-name\0${name}\0-S\0`, domain)).toBe(expected)
  })

  it('without a name, or cut off after -name, is nobody', () => {
    expect(isGuest(recorded('cmdline'), 'web01')).toBe(true)
    for (const cmdline of ['', '/bin/sh\0guest=web01\0', '/usr/bin/qemu\0-name'])
      expect(isGuest(cmdline, 'web01')).toBe(false)
  })

  it('has vectors of virtio-net devices by MAC, in JSON and in keys with values', () => {
    const vectors = (...args: string[]) => [...parseVectors(args.join('\0'))]
    expect(vectors(recorded('cmdline'))).toEqual([[MAC, 10]])
    expect(vectors('-device', 'virtio-net-pci,mq=on,vectors=18,netdev=h,mac=52:54:00:AA:BB:CC')).toEqual([
      ['52:54:00:aa:bb:cc', 18],
    ])
    for (const device of ['virtio-net-pci,netdev=h', `virtio-net-pci,mac=${MAC}`, 'virtio-net-pci,vectors=4'])
      expect(vectors('-device', device), device).toEqual([])
    expect(vectors('-device', `e1000e,vectors=4,mac=${MAC}`)).toEqual([])
    expect(vectors('-netdev', `virtio-net,vectors=4,mac=${MAC}`)).toEqual([])
  })
})
