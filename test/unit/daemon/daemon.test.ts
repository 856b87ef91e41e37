import { closeSync, mkdirSync, openSync, rmSync } from 'node:fs'
import { afterEach, expect, it, vi } from 'vitest'
import { DEFAULT_SETTINGS } from '../../../src/config/settings'
import { Daemon } from '../../../src/daemon/daemon'
import { createLogger } from '../../../src/daemon/logger'
import { ServiceManager } from '../../../src/daemon/notify'
import { openSystem, type System } from '../../../src/system/system'
import { type GeneratedTree, generateTree } from '../../support/generated-tree'

const trees: GeneratedTree[] = []
afterEach(() => {
  for (const tree of trees.splice(0)) tree.remove()
})

it('outlives a bug in reading its configuration again', async () => {
  const tree = generateTree(4, [{ name: 'eth0', maximum: 4, current: 2, counts: [4] }])
  trees.push(tree)
  let isBroken = false
  const plain = openSystem(tree.root)
  const system: System = Object.create(plain, {
    paths: {
      get: () => {
        if (isBroken) throw new TypeError('a bug')
        return plain.paths
      },
    },
  })
  const nowhere = openSync('/dev/null', 'w')
  const logger = createLogger(DEFAULT_SETTINGS.daemon, false, nowhere)
  const error = vi.spyOn(logger.log, 'error')
  const stop = new AbortController()
  const manager = new ServiceManager(system, {}, () => {})
  const daemon = new Daemon(system, DEFAULT_SETTINGS, undefined, logger, manager, stop.signal)
  const run = daemon.run()
  const status = () => JSON.parse(plain.readText(`${plain.paths.runDir}/status.json`) ?? '{}')
  await vi.waitFor(() => expect(status()).toMatchObject({ configValid: true, problems: [] }), 20_000)
  isBroken = true
  const reloaded = daemon.reload()
  isBroken = false
  await reloaded
  const why = expect.stringMatching(
    /^configuration reload failed, the previous configuration stays in effect: TypeError: a bug\n/,
  )
  expect(error.mock.calls).toEqual([[{ kind: 'bug' }, why]])
  await vi.waitFor(() => expect(status()).toMatchObject({ configValid: false, problems: [] }), 20_000)
  await daemon.reload()
  await vi.waitFor(() => expect(status()).toMatchObject({ configValid: true, problems: [] }), 20_000)
  stop.abort()
  await run
  expect(status()).toEqual({})
  closeSync(nowhere)
})

it('tells, while it lasts, that procfs hides other processes from it', async () => {
  const tree = generateTree(4, [{ name: 'eth0', maximum: 4, current: 4, counts: [4] }])
  trees.push(tree)
  const system = openSystem(tree.root)
  const { proc, runDir } = system.paths
  rmSync(`${proc}/1`, { recursive: true, force: true })
  mkdirSync(`${proc}/${process.pid}`, { recursive: true })
  const nowhere = openSync('/dev/null', 'w')
  const logger = createLogger(DEFAULT_SETTINGS.daemon, false, nowhere)
  const stop = new AbortController()
  const manager = new ServiceManager(system, {}, () => {})
  const daemon = new Daemon(system, DEFAULT_SETTINGS, undefined, logger, manager, stop.signal)
  const run = daemon.run()
  const problems = () => JSON.parse(system.readText(`${runDir}/status.json`) ?? '{}').problems
  const told = expect.stringMatching(
    /^\/proc hides other processes .*SupplementaryGroups= of vqtuned\.service$/,
  )
  await vi.waitFor(() => expect(problems()).toEqual([told]), 20_000)
  mkdirSync(`${proc}/1`)
  await daemon.reload()
  await vi.waitFor(() => expect(problems()).toEqual([]), 20_000)
  stop.abort()
  await run
  closeSync(nowhere)
})
