import { describe, expect, it } from 'vitest'
import { resolveNicArgument } from '../../../src/commands/nic-argument'
import { capturedGuest } from '../../support/captured-guest'
import { commandOn } from '../../support/command-context'

const resolved = (...positionals: string[]) => {
  const { system, calls } = capturedGuest('renamed-altnames')
  return resolveNicArgument(commandOn(system, { positionals }).context).then((name) => ({ name, calls }))
}

describe('the NIC of a command line', () => {
  it('is none where none is named, and nothing is looked at', async () => {
    expect(await resolved()).toEqual({ name: undefined, calls: [] })
  })

  it.each(['uplink0', 'storage-a', 'enp0s9'])('is told by its present name, also of %s', async (named) => {
    expect((await resolved(named)).name).toBe('uplink0')
  })

  it('has to be there', async () => {
    await expect(resolved('eth99')).rejects.toMatchObject({
      kind: 'usage',
      message: expect.stringMatching(/^eth99: no such virtio-net NIC; there are /),
    })
  })
})
