import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import {
  confirmedOf,
  isOf,
  missingProblem,
  type Request,
  readRequest,
  readStanding,
  removeRequest,
  requestPath,
  writeRequest,
} from '../../../src/irqbalance/record'
import { systemFailing, systemWith } from '../../support/systems'

const REQUEST: Request = {
  ...{ version: 1, bootId: 'this-boot', pid: 812, startTicks: '5', at: '2026-03-01T10:00:00.000Z' },
  nics: [
    { virtio: 'virtio2', ifindex: 2, name: 'eth2', irqs: [24, 25] },
    { virtio: 'virtio3', ifindex: 3, name: 'eth3', irqs: [34, 35] },
  ],
  others: [24],
  missing: [],
}
const fields = Array.from({ length: 18 }, () => '0').join(' ')
const machine = (startTicks = '5') =>
  systemWith({
    '/proc/sys/kernel/random/boot_id': 'this-boot\n',
    '/proc/812/stat': `812 (irqbalance) S ${fields} ${startTicks} 0\n`,
  })

it('what is written is one line below /run, and read back', () => {
  const system = machine()
  expect(readRequest(system)).toBeUndefined()
  writeRequest(system, REQUEST)
  const path = `${system.paths.root}/run/vqtune/irqbalance.json`
  expect(requestPath(system)).toBe(path)
  expect(readFileSync(path, 'utf8').split('\n')).toHaveLength(2)
  expect(readRequest(system)).toEqual(REQUEST)
  removeRequest(system)
  expect(existsSync(path)).toBe(false)
  removeRequest(system)
})

it('it is of this boot, and stands as long as that irqbalance runs', () => {
  const system = machine()
  writeRequest(system, { ...REQUEST, bootId: 'another-boot' })
  expect(readRequest(system)).toBeUndefined()
  writeRequest(system, REQUEST)
  expect(readStanding(system)).toEqual(REQUEST)
  const later = machine('6')
  writeRequest(later, REQUEST)
  expect(readRequest(later)).toEqual(REQUEST)
  expect(readStanding(later)).toBeUndefined()
})

it('another irqbalance is another PID or start; a start that nobody knows is no other', () => {
  expect(isOf(REQUEST, 812, '5')).toBe(true)
  expect(isOf(REQUEST, 812, '')).toBe(true)
  expect(isOf({ ...REQUEST, startTicks: '' }, 812, '5')).toBe(true)
  expect([isOf(REQUEST, 812, '6'), isOf(REQUEST, 812, undefined), isOf(REQUEST, 813, '5')]).toEqual([
    ...[false, false, false],
  ])
})

it.each<[string, object]>([
  ['another version', { version: 2 }],
  ['a PID that is none', { pid: 1.5 }],
  ['no time', { at: undefined }],
  ['numbers that are none', { others: [-1] }],
  ['texts for numbers', { missing: ['24'] }],
  ['no NICs', { nics: {} }],
  ['a NIC without its device', { nics: [{ ifindex: 2, name: 'eth2', irqs: [] }] }],
  ['a NIC without a name', { nics: [{ virtio: 'v', ifindex: 2, irqs: [] }] }],
  ['a NIC without an index', { nics: [{ virtio: 'v', name: 'eth2', irqs: [] }] }],
  ['a NIC without interrupts', { nics: [{ virtio: 'v', ifindex: 2, name: 'eth2' }] }],
  ['a NIC that is none', { nics: [null] }],
])('a record with %s is none', (_, wrong) => {
  const system = machine()
  mkdirSync(system.paths.runDir, { recursive: true })
  writeFileSync(requestPath(system), JSON.stringify({ ...REQUEST, ...wrong }))
  expect(readRequest(system)).toBeUndefined()
})

it.each(['', '{', '[]', 'null', '1'])('a record that is %j is none', (text) => {
  const system = machine()
  mkdirSync(system.paths.runDir, { recursive: true })
  writeFileSync(requestPath(system), text)
  expect(readRequest(system)).toBeUndefined()
})

it('what irqbalance did not take is not confirmed, and told', () => {
  expect(confirmedOf(REQUEST)).toEqual(REQUEST.nics)
  expect(missingProblem(REQUEST)).toBeUndefined()
  const some = { ...REQUEST, missing: [25, 34, 35] }
  expect(confirmedOf(some).map(({ irqs }) => irqs)).toEqual([[24], []])
  expect(missingProblem(some)).toBe(
    'irqbalance took 1 of 4 interrupts: its version reads no longer list; vqtune explain has other ways',
  )
})

it('what cannot be written or removed is an error that names the file', () => {
  const system = systemFailing('ENOSPC')
  expect(() => writeRequest(system, REQUEST)).toThrow(
    expect.objectContaining({
      kind: 'state',
      message: '/t/run/vqtune/irqbalance.json: cannot record what irqbalance was asked for (ENOSPC)',
    }),
  )
  const denied = Object.assign(Object.create(systemFailing('EACCES')), {
    removeFile: systemFailing('EACCES').replaceFile,
  })
  expect(() => removeRequest(denied)).toThrow(
    expect.objectContaining({
      kind: 'permission',
      message: '/t/run/vqtune/irqbalance.json: cannot remove (EACCES)',
    }),
  )
})
