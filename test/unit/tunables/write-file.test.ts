import { describe, expect, it } from 'vitest'
import type { Step } from '../../../src/model'
import { writeSettingFile } from '../../../src/tunables/write-file'
import { thrownBy, writingSystem } from '../../support/nic-context'

const FILE = '/proc/irq/26/smp_affinity_list'
const STEP: Step = {
  ...{ tunable: 'irq-affinity', nic: 'eth2', ifindex: 2, key: 'queue 1 rx', label: 'queue 1 rx IRQ 26' },
  ...{ file: FILE, old: '0', new: '2-3', reason: '' },
}
const failing = (code: string) =>
  writingSystem(() => {
    throw Object.assign(new Error(`${code}: told by the kernel`), { code })
  }).system

describe('a write to a kernel file', () => {
  it('goes to that file', () => {
    const { system, written } = writingSystem()
    writeSettingFile(system, STEP, '2-3')
    expect(written).toEqual([[FILE, '2-3']])
  })

  it.each([
    ['EACCES', `permission: eth2: queue 1 rx IRQ 26: ${FILE} is not writable (EACCES)`],
    ['EROFS', `permission: eth2: queue 1 rx IRQ 26: ${FILE} is not writable (EROFS)`],
    ['ENOENT', 'vanished: eth2: queue 1 rx IRQ 26 disappeared before it could be written'],
    ['EIO', 'refused as refused: eth2: queue 1 rx IRQ 26: the kernel does not allow a change (kernel: EIO)'],
    [
      'EPERM',
      'refused as refused: eth2: queue 1 rx IRQ 26: the kernel does not allow a change (kernel: EPERM)',
    ],
    ['EINVAL', 'tool-failed: eth2: queue 1 rx IRQ 26: 2-3 not accepted: EINVAL: told by the kernel'],
  ])('that fails with %s is explained', async (errno, thrown) => {
    expect(await thrownBy(() => writeSettingFile(failing(errno), STEP, '2-3'))).toBe(thrown)
  })

  it('keeps the system error as the cause, and names an empty value', async () => {
    for (const errno of ['EACCES', 'ENOENT', 'EINVAL']) {
      expect(() => writeSettingFile(failing(errno), STEP, '2-3')).toThrow(
        expect.objectContaining({ cause: expect.objectContaining({ code: errno }) }),
      )
    }
    const cleared = await thrownBy(() => writeSettingFile(failing('EINVAL'), { ...STEP, new: '' }, '0'))
    expect(cleared).toContain('none not accepted')
  })
})
