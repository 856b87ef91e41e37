import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { WriteWatch } from '../../../src/system/write-watch'
import { until } from '../../support/until'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'vqtune-watch-'))
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

it('tells of writes in the directories it follows, and of no others', async () => {
  for (const name of ['30', '31']) mkdirSync(`${root}/${name}`)
  const told = new Set<string>()
  const watch = new WriteWatch((path) => void told.add(path))
  watch.follow([`${root}/30`, `${root}/missing`])
  expect(watch.size).toBe(1)
  writeFileSync(`${root}/31/smp_affinity`, '1')
  writeFileSync(`${root}/30/smp_affinity`, '1')
  await until(() => told.size > 0)
  expect([...told]).toEqual([`${root}/30`])
  watch.follow([`${root}/31`])
  told.clear()
  writeFileSync(`${root}/30/smp_affinity`, '2')
  writeFileSync(`${root}/31/smp_affinity`, '2')
  await until(() => told.size > 0)
  expect([...told]).toEqual([`${root}/31`])
  watch.close()
  expect(watch.size).toBe(0)
})

it('tells of writes in a directory that went and came back, by the same name', async () => {
  const directory = `${root}/tx-3`
  mkdirSync(directory)
  const told: string[] = []
  const watch = new WriteWatch((path) => void told.push(path))
  watch.follow([directory])
  rmSync(directory, { recursive: true })
  mkdirSync(directory)
  watch.follow([directory])
  expect(watch.size).toBe(1)
  writeFileSync(`${directory}/xps_cpus`, 'f')
  await until(() => told.length > 0)
  watch.close()
})

it('names the file, and is silent about what is only read', async () => {
  writeFileSync(`${root}/smp_affinity`, '1')
  writeFileSync(`${root}/other`, '1')
  const told: (string | null)[] = []
  const watch = new WriteWatch((_, file) => void told.push(file))
  watch.follow([root])
  readFileSync(`${root}/other`)
  writeFileSync(`${root}/smp_affinity`, '2')
  await until(() => told.length > 0)
  expect(new Set(told)).toEqual(new Set(['smp_affinity']))
  watch.close()
})

it('follows a directory once, however often it is named, and none after its end', async () => {
  const told: string[] = []
  const watch = new WriteWatch((path) => void told.push(path))
  watch.follow([root, root])
  watch.follow([root])
  expect(watch.size).toBe(1)
  watch.close()
  writeFileSync(`${root}/smp_affinity`, '1')
  const other = new WriteWatch((path) => void told.push(`other ${path}`))
  other.follow([root])
  writeFileSync(`${root}/smp_affinity`, '2')
  await until(() => told.length > 0)
  expect(new Set(told)).toEqual(new Set([`other ${root}`]))
  other.close()
})
