import { describe, expect, it } from 'vitest'
import { reloadDaemon } from '../../../src/commands/reload-daemon'
import { VqtuneError } from '../../../src/errors'
import type { System } from '../../../src/system/system'
import { systemWith } from '../../support/systems'

const WARNING = 'could not reload vqtuned.service; run systemctl reload vqtuned.service'

/** @returns what was run, then what was warned of */
async function reload(run: () => Promise<{ code: number; stderr?: string }>, isThere = true) {
  const seen: string[] = []
  const system: System = Object.assign(Object.create(systemWith({})) as System, {
    findTool: () => (isThere ? '/usr/bin/systemctl' : undefined),
    run: async (tool: string, args: readonly string[]) => {
      seen.push([tool, ...args].join(' '))
      return { stdout: '', stderr: '', ...(await run()) }
    },
  })
  await reloadDaemon({ system, warn: (line) => void seen.push(line) })
  return seen
}
const CALL = 'systemctl try-reload-or-restart vqtuned.service'

describe('a daemon that has an older configuration', () => {
  it('is reloaded where it runs', async () => {
    expect(await reload(async () => ({ code: 0 }))).toEqual([CALL])
  })

  it.each([
    ['the unit is not installed', { code: 5, stderr: 'Unit vqtuned.service not found.' }],
    ['systemd is not running', { code: 1, stderr: 'System has not been booted with systemd as init system' }],
  ])('is none where %s', async (_, answer) => {
    expect(await reload(async () => answer)).toEqual([CALL])
  })

  it('is none without systemctl, which is then not run', async () => {
    expect(await reload(async () => ({ code: 0 }), false)).toEqual([])
  })

  it('that cannot be told is a warning', async () => {
    expect(await reload(async () => ({ code: 1, stderr: 'Access denied' }))).toEqual([CALL, WARNING])
    const hangs = async () => Promise.reject(new VqtuneError('timeout', 'systemctl: no answer'))
    expect(await reload(hangs)).toEqual([CALL, WARNING])
  })

  it('does not hide an error of vqtune itself', async () => {
    await expect(reload(async () => Promise.reject(new TypeError('bug')))).rejects.toThrow('bug')
  })
})
