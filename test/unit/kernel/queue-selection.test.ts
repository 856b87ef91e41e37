import { describe, expect, it } from 'vitest'
import { selectsQueueByCpu } from '../../../src/kernel/queue-selection'
import { writingSystem } from '../../support/nic-context'

function on(release: string | undefined): boolean {
  const { system } = writingSystem()
  Object.assign(system, {
    readText: (path: string) => (path === '/t/proc/sys/kernel/osrelease' ? release : undefined),
  })
  return selectsQueueByCpu(system)
}

describe('the transmit queue', () => {
  it.each(['3.10.0-1062.el7.x86_64\n', '3.12.74\n', '2.6.32-754.el6.x86_64\n'])(
    'is selected by CPU number by the driver of %s',
    (release) => {
      expect(on(release)).toBe(true)
    },
  )

  it.each(['3.13.0\n', '4.18.0-553.66.1.el8_10.x86_64\n', '6.12.0-55.24.1.el10_0.x86_64\n', '10.1.0\n'])(
    'is selected by XPS on %s',
    (release) => {
      expect(on(release)).toBe(false)
    },
  )

  it.each([undefined, '', 'unknown'])('is taken for selected by XPS where the version is %j', (release) => {
    expect(on(release)).toBe(false)
  })
})
