import { expect, it } from 'vitest'
import { readDaemon } from '../../../../src/hypervisor/libvirt/daemon'
import { processFiles, systemWith } from '../../../support/systems'

const daemonOf = (files: Record<string, string>) => readDaemon(systemWith(files))

it('the modular daemon before the monolithic one, each with its open files', async () => {
  const libvirtd = processFiles(40, 'libvirtd')
  expect(await daemonOf(libvirtd)).toEqual({ unit: 'libvirtd', pid: 40, openFiles: undefined })
  const files = {
    ...libvirtd,
    ...processFiles(42, 'virtqemud'),
    '/proc/42/limits':
      'Limit Soft Limit Hard Limit Units\nMax open files            8192      524288    files\n',
    '/proc/42/fd/0': '',
  }
  expect(await daemonOf(files)).toEqual({ unit: 'virtqemud', pid: 42, openFiles: { limit: 8192, used: 1 } })
})

it("the daemon of a user's session is not the one that runs the guests", async () => {
  expect(await daemonOf(processFiles(42, 'virtqemud', { uid: 1000 }))).toBeUndefined()
})

it('one that waits for a client is known by its socket', async () => {
  const idle = { pid: undefined, openFiles: undefined }
  expect(await daemonOf({ '/run/libvirt/virtqemud-sock': '' })).toEqual({ unit: 'virtqemud', ...idle })
  expect(await daemonOf({ '/run/libvirt/libvirt-sock': '' })).toEqual({ unit: 'libvirtd', ...idle })
  expect(await daemonOf({})).toBeUndefined()
})
