import { expect, it } from 'vitest'
import { bySeverity, type Finding, needsAction } from '../../../../src/hypervisor/check/finding'

const finding = (severity: Finding['severity'], text: string): Finding => ({
  ...{ severity, who: 'host', domain: 'g', nic: undefined, code: 'transient', text, remedy: undefined },
})

it('the worst comes first, else as found; what is given stays as it is', () => {
  const found = [finding('info', 'a'), finding('error', 'b'), finding('warning', 'c'), finding('error', 'd')]
  expect(bySeverity(found).map(({ text }) => text)).toEqual(['b', 'd', 'c', 'a'])
  expect(found.map(({ text }) => text)).toEqual(['a', 'b', 'c', 'd'])
  expect(bySeverity([])).toEqual([])
})

it('errors and warnings need action, what is only worth knowing does not', () => {
  expect(needsAction([])).toBe(false)
  expect(needsAction([finding('info', 'a'), finding('info', 'b')])).toBe(false)
  expect(needsAction([finding('info', 'a'), finding('warning', 'b')])).toBe(true)
  expect(needsAction([finding('error', 'a')])).toBe(true)
})
