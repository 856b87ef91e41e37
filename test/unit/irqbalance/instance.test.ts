import { rmSync, writeFileSync } from 'node:fs'
import { beforeEach, expect, it } from 'vitest'
import { findInstance } from '../../../src/irqbalance/instance'
import type { System } from '../../../src/system/system'
import { startIrqbalance } from '../../support/fake-irqbalance'
import { processFiles, systemFailing, systemWith } from '../../support/systems'

let system: System
let root: string
beforeEach(() => {
  system = systemWith({ '/proc/net/unix': 'Num RefCount Protocol Flags Type St Inode Path\n' })
  root = system.paths.root
})

it('none is running, or nothing can be looked at: there is none', () => {
  expect(findInstance(system)).toBeUndefined()
  expect(findInstance(systemFailing('EMFILE'))).toBeUndefined()
})

it('the running one has a socket of its PID, and a start', async () => {
  const { socket } = await startIrqbalance(root)
  expect(findInstance(system)).toEqual({ pid: 812, startTicks: '81277', socket })
})

it('its start is unknown where its process is not to be seen', async () => {
  const { socket } = await startIrqbalance(root, { isVisible: false })
  expect(findInstance(system)).toEqual({ pid: 812, startTicks: '', socket })
})

it('of several sockets that of a living process counts, whatever its number', async () => {
  await startIrqbalance(root, { pid: 812 })
  await startIrqbalance(root, { pid: 900 })
  rmSync(`${root}/proc/812`, { recursive: true })
  expect(findInstance(system)).toMatchObject({ pid: 900 })
  rmSync(`${root}/proc/900`, { recursive: true })
  expect(findInstance(system)).toMatchObject({ pid: 812 })
})

it('other files in its directory are no sockets of it', () => {
  const path = (name: string) => ({ [`/run/irqbalance/${name}`]: '' })
  const names = ['irqbalance.sock', 'irqbalancex1.sock', 'irqbalance1.sock.old', 'irqbalance12345678901.sock']
  expect(findInstance(systemWith(Object.assign({}, ...names.map(path))))).toBeUndefined()
})

it('a socket that belongs to somebody else is not trusted', async () => {
  const { socket } = await startIrqbalance(root)
  const foreign: System = Object.assign(Object.create(system) as System, {
    linkStat: (path: string) => {
      const facts = system.linkStat(path)
      return path === socket && facts !== undefined ? { ...facts, uid: 1234 } : facts
    },
  })
  expect(findInstance(foreign)).toEqual({
    pid: 812,
    why: expect.stringMatching(/irqbalance812\.sock: refused: it belongs to user 1234, not to root/),
  })
})

it('1.6 bound its socket with a slash too many, and would crash when it is asked', async () => {
  await startIrqbalance(root)
  const bound = (path: string) =>
    writeFileSync(`${root}/proc/net/unix`, `0: 00000002 00000000 00010000 0001 01 14 ${path}\n`)
  bound('/run/irqbalance//irqbalance812.sock')
  expect(findInstance(system)).toEqual({ pid: 812, why: expect.stringMatching(/^it is older than 1\.7/) })
  bound('/run/irqbalance/irqbalance812.sock')
  expect(findInstance(system)).toHaveProperty('socket')
})

it('one without a socket is told by its process, if that is root’s', () => {
  const without = systemWith(processFiles(77, 'irqbalance'))
  expect(findInstance(without)).toEqual({
    pid: 77,
    why: 'PID 77 has no socket in /run/irqbalance: it is older than 1.7, or was built without one',
  })
  expect(findInstance(systemWith(processFiles(77, 'irqbalance', { uid: 1000 })))).toBeUndefined()
})
