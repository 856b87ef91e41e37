import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { WriteWatch } from '../../../src/system/write-watch'
import { until } from '../../support/until'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'vqtune-sources-'))
})
afterEach(() => {
  rmSync(root, { recursive: true, force: true })
})

describe('WriteWatch', () => {
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
})
