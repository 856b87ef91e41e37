/** A virtual machine's netX is changed as asked, or is what it was: qm's part is played by a configuration in memory. */
import { expect, it } from 'vitest'
import { listBackups } from '../../../../src/hypervisor/change/backup'
import { changeProxmox } from '../../../../src/hypervisor/proxmox/change'
import { Qm } from '../../../../src/hypervisor/proxmox/qm'
import type { System, ToolResult } from '../../../../src/system/system'
import { systemWith } from '../../../support/systems'

const OLD = 'virtio=BC:24:11:00:00:01,bridge=vmbr0'
const NEW = `${OLD},queues=4`
const locked: ToolResult = { code: 4, stdout: '', stderr: "can't lock file - got timeout\n" }

/** @param set what qm makes of a value that is to be set, or its refusal */
function proxmox(
  net0: string,
  set: (value: string, calls: number) => string | ToolResult = (value) => value,
) {
  let now = net0
  const calls: string[] = []
  const system: System = Object.assign(Object.create(systemWith({})) as System, {
    run: async (_: string, args: readonly string[]): Promise<ToolResult> => {
      if (args[0] === 'set') {
        calls.push(args.join(' '))
        const result = set(args.at(-1) ?? '', calls.length)
        if (typeof result !== 'string') return result
        now = result
      }
      return { code: 0, stdout: `cores: 4\nname: web01\nnet0: ${now}\nnet1: e1000=A\n`, stderr: '' }
    },
  })
  const change = () =>
    changeProxmox(system, new Qm(system), {
      ...{ action: 'set-queues', vmid: '100', name: 'web01' },
      ...{ before: `net0: ${OLD}\n`, after: `net0: ${NEW}\n` },
    })
  return { system, change, calls, now: () => now }
}

it('only the keys that change are set and backed up', async () => {
  const { system, change, calls, now } = proxmox(OLD)
  const backup = await change()
  expect(calls).toEqual([`set 100 --net0 ${NEW}`])
  expect(now()).toBe(NEW)
  expect(listBackups(system)).toEqual([backup])
  expect(backup).toMatchObject({
    ...{ action: 'set-queues', target: { kind: 'proxmox', vmid: '100', name: 'web01' } },
    ...{ before: `net0: ${OLD}\n`, after: `net0: ${NEW}\n` },
  })
})

it('a configuration that is another one than was read is left alone', async () => {
  const { system, change, calls } = proxmox(`${OLD},tag=7`)
  await expect(change()).rejects.toMatchObject({
    kind: 'busy',
    message: '100: modified concurrently; nothing was changed, try again',
  })
  expect([calls, listBackups(system)]).toEqual([[], []])
})

it('what qm refuses changes nothing, and leaves no backup', async () => {
  const { system, change, calls } = proxmox(OLD, () => locked)
  await expect(change()).rejects.toMatchObject({
    kind: 'tool-failed',
    message: "qm set: can't lock file - got timeout; it is as it was",
  })
  expect([calls.length, listBackups(system)]).toEqual([1, []])
})

it('what qm takes but does not store is told; what it stores otherwise is put back', async () => {
  const forgetful = proxmox(OLD, () => OLD)
  await expect(forgetful.change()).rejects.toMatchObject({
    kind: 'not-converged',
    message: '100: qm took the change, but the configuration has not got it; it is as it was',
  })
  const { system, change, calls, now } = proxmox(OLD, (value) => (value === NEW ? `${OLD},queues=2` : value))
  await expect(change()).rejects.toThrow('has not got it; it is as it was')
  expect([calls.at(-1), now(), listBackups(system)]).toEqual([`set 100 --net0 ${OLD}`, OLD, []])
})

it('the backup stays where the old values do not come back', async () => {
  const wrong = proxmox(OLD, () => `${OLD},queues=2`)
  await expect(wrong.change()).rejects.toThrow(
    /has not got it; the old values are in backup \S+: vqtune host undo$/,
  )
  expect(listBackups(wrong.system)).toHaveLength(1)
  const once = proxmox(OLD, (_, calls) => (calls === 1 ? `${OLD},queues=2` : locked))
  await expect(once.change()).rejects.toThrow(
    /putting the old values back failed too \(qm set: can't lock file - got timeout\); they are in backup \S+: vqtune host undo$/,
  )
  expect(listBackups(once.system)).toMatchObject([{ before: `net0: ${OLD}\n` }])
})
