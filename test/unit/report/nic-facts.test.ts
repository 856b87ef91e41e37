import { describe, expect, it } from 'vitest'
import { answer, readNicFacts } from '../../../src/report/nic-facts'
import type { System } from '../../../src/system/system'
import { NIC } from '../../support/nic-context'
import { systemWith } from '../../support/systems'

const RINGS = `Ring parameters for eth2:
Pre-set maximums:
RX:\t\t1024
RX Mini:\tn/a
TX:\t\t512
Current hardware settings:
RX:\t\t256
RX Mini:\tn/a
TX:\t\t128
`
const OFFLOADS = `Features for eth2:
rx-checksumming: on
tx-checksumming: off
tcp-segmentation-offload: off [fixed]
generic-receive-offload: on
`
const NOTHING = { rings: undefined, offloads: { off: [], fixed: [] } }

/** ethtool by its first argument; an exit status in place of a text fails. */
function guest(answers: Readonly<Record<string, string | number>>, more: Partial<System> = {}): System {
  return Object.assign(Object.create(systemWith({})) as System, {
    findTool: (tool: string) => `/usr/sbin/${tool}`,
    run: async (_: string, [option = '', name]: readonly string[]) => {
      const said = answers[option]
      if (said === undefined || name !== 'eth2') throw new Error(`unexpected: ${option} ${name}`)
      const [code, stdout] = typeof said === 'number' ? [said, RINGS] : [0, said]
      return { code, stdout, stderr: '' }
    },
    ...more,
  })
}

describe('rings and offloads', () => {
  it('are what ethtool tells of the NIC', async () => {
    expect(await readNicFacts(guest({ '-g': RINGS, '-k': OFFLOADS }), [NIC])).toEqual(
      new Map([
        [
          'eth2',
          {
            rings: { rx: 256, rxMaximum: 1024, tx: 128, txMaximum: 512 },
            offloads: { off: ['tx-checksumming'], fixed: ['tcp-segmentation-offload'] },
          },
        ],
      ]),
    )
  })

  it('are not known where ethtool fails, cannot be started, or is missing', async () => {
    const unknown = new Map([['eth2', NOTHING]])
    expect(await readNicFacts(guest({ '-g': 95, '-k': 1 }), [NIC])).toEqual(unknown)
    expect(await readNicFacts(guest({}), [NIC])).toEqual(unknown)
    expect(await readNicFacts(guest({ '-g': RINGS }, { findTool: () => undefined }), [NIC])).toEqual(unknown)
  })
})

it('an answer is what a program prints; of one that fails, nothing', async () => {
  const system = guest({ '-k': OFFLOADS, '-g': 1 })
  expect(await answer(system, 'ethtool', ['-k', 'eth2'])).toBe(OFFLOADS)
  expect(await answer(system, 'ethtool', ['-g', 'eth2'])).toBe('')
  expect(await answer(system, 'ethtool', ['-x', 'eth2'])).toBe('')
})
