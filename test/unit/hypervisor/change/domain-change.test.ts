/** A guest's stored XML is changed as asked, or is what it was: virsh's part is played by a libvirt of one guest. */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { expect, it } from 'vitest'
import { VqtuneError } from '../../../../src/errors'
import { backupDirectory, listBackups } from '../../../../src/hypervisor/change/backup'
import { changeDomain } from '../../../../src/hypervisor/change/domain-change'
import { Virsh } from '../../../../src/hypervisor/libvirt/virsh'
import type { System, ToolResult } from '../../../../src/system/system'
import { systemWith } from '../../../support/systems'

const GUEST = { name: 'web01', uuid: '54011aac-140d-4ccc-a6f0-02f74d2d65b9' }
const refused: ToolResult = { code: 1, stdout: '', stderr: 'error: XML error: no\n' }

/** @param store what libvirt makes of the XML that it is given, or its refusal */
function libvirt(stored: string, store: (xml: string) => string | ToolResult = (xml) => xml) {
  let now = stored
  const modes: number[] = []
  const system: System = Object.assign(Object.create(systemWith({})) as System, {
    run: async (_: string, [, , , command = '']: readonly string[]): Promise<ToolResult> => {
      const file = /^define --validate --file (\S+); dumpxml /.exec(command)?.[1]
      if (file !== undefined) {
        modes.push(statSync(file).mode & 0o777)
        const result = store(readFileSync(file, 'utf8'))
        if (typeof result !== 'string') return result
        now = result
      }
      return { code: 0, stdout: now, stderr: '' }
    },
  })
  const change = (verify: (xml: string) => string | undefined = () => undefined) =>
    changeDomain(system, new Virsh(system), {
      ...{ action: 'set-queues', domain: GUEST, before: 'old', after: 'new', verify },
    })
  return { system, change, modes, now: () => now }
}

it('the new XML is defined from a file for root only, which goes again; the backup has both', async () => {
  const { system, change, modes, now } = libvirt('old')
  const backup = await change()
  expect(now()).toBe('new')
  expect(backup).toMatchObject({
    action: 'set-queues',
    target: { kind: 'domain', uri: 'qemu:///system', ...GUEST },
    ...{ before: 'old', after: 'new', byUndo: false },
  })
  expect(modes).toEqual([0o600])
  expect(readdirSync(backupDirectory(system))).toEqual([`${backup.id}.json`])
})

it('the backup has what libvirt made of the XML: with that an undo compares', async () => {
  const { system, change } = libvirt('old', (xml) => `<${xml}/>`)
  expect((await change()).after).toBe('<new/>')
  expect(listBackups(system)).toMatchObject([{ before: 'old', after: '<new/>' }])
})

it('XML that is another one than was read is left alone', async () => {
  const { system, change, modes } = libvirt('of somebody else')
  await expect(change()).rejects.toMatchObject({
    kind: 'busy',
    message: 'web01: modified concurrently; nothing was changed, try again',
  })
  expect([modes, listBackups(system)]).toEqual([[], []])
})

it('XML that libvirt refuses changes nothing, and leaves no backup', async () => {
  const { system, change, now } = libvirt('old', () => refused)
  await expect(change()).rejects.toMatchObject({
    kind: 'tool-failed',
    message: 'virsh qemu:///system: XML error: no; nothing was changed',
  })
  expect([now(), listBackups(system)]).toEqual(['old', []])
})

it('what cannot be written is told once', async () => {
  const { system, change } = libvirt('old')
  const { replaceFile } = system
  const full = (path: string, ...rest: [string]) => {
    if (path.endsWith('.xml')) throw Object.assign(new Error('full'), { code: 'ENOSPC' })
    replaceFile.call(system, path, ...rest)
  }
  Object.assign(system, { replaceFile: full })
  await expect(change()).rejects.toThrow(
    /\.xml: cannot write: no space left on the file system; nothing was changed$/,
  )
  expect(listBackups(system)).toEqual([])
})

it('XML that libvirt took, but that is not as wanted, gives way to the old one', async () => {
  const { system, change, now } = libvirt('old')
  await expect(change((xml) => `${xml} has 1 queue`)).rejects.toMatchObject({
    kind: 'not-converged',
    message: 'web01: libvirt accepted the XML, but new has 1 queue; the old XML was restored',
  })
  expect([now(), listBackups(system)]).toEqual(['old', []])
  const broken = () => {
    throw new TypeError('not a domain')
  }
  await expect(libvirt('old').change(broken)).rejects.toMatchObject({
    kind: 'tool-failed',
    message: 'not a domain; the old XML was restored',
  })
})

it('the backup stays where libvirt spells the old XML anew, or does not take it back', async () => {
  const wrong = () => 'it is wrong'
  const spelling = libvirt('old', (xml) => `<${xml}/>`)
  const error = await spelling.change(wrong).catch((thrown: VqtuneError) => thrown)
  const [backup] = listBackups(spelling.system)
  expect(error).toMatchObject({
    message: `web01: libvirt accepted the XML, but it is wrong; the old XML was restored, as reformatted by libvirt; the exact text: vqtune host undo ${backup?.id}`,
  })
  const once = libvirt('old', (xml) => (xml === 'new' ? xml : refused))
  const failed = await once.change(wrong).catch((thrown: VqtuneError) => thrown)
  const [kept] = listBackups(once.system)
  expect(failed).toBeInstanceOf(VqtuneError)
  expect(failed).toMatchObject({
    kind: 'not-converged',
    message: `web01: libvirt accepted the XML, but it is wrong; restoring the old XML failed, too (virsh qemu:///system: XML error: no); it is in backup ${kept?.id}: vqtune host undo`,
  })
  expect(kept?.before).toBe('old')
})
