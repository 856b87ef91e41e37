/** Texts of qm and a command line made from Proxmox VE's documentation: nothing here was recorded on a node. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { observeProxmox } from '../../../../src/hypervisor/check/observe-proxmox'
import { Qm } from '../../../../src/hypervisor/proxmox/qm'
import type { System, ToolResult } from '../../../../src/system/system'
import { processFiles, systemWith } from '../../../support/systems'

const documented = (name: string) =>
  readFileSync(
    fileURLToPath(new URL(`../../../fixtures/host/proxmox-documented/${name}`, import.meta.url)),
    'utf8',
  )
const CONFIGS: Readonly<Record<string, string>> = { 100: documented('100.conf'), 101: documented('101.conf') }
const RUNNING = processFiles(4711, 'kvm', { cmdline: documented('100.cmdline').replaceAll('\n', '\0') })

/** @param answer instead of the documented one; undefined: the documented one */
function proxmox(
  files: Readonly<Record<string, string>>,
  answer: (command: string) => Partial<ToolResult> | undefined = () => undefined,
) {
  const system: System = Object.assign(Object.create(systemWith(files)) as System, {
    run: async (_: string, args: readonly string[]): Promise<ToolResult> => {
      const list = ['100 web01 running 2048 32.00 4711', '101 win stopped 4096 64.00 0'].join('\n')
      const stdout = args[0] === 'list' ? list : (CONFIGS[args[1] ?? ''] ?? '')
      return { code: 0, stdout, stderr: '', ...answer(args.join(' ')) }
    },
  })
  return { system, qm: new Qm(system) }
}

it('a running machine is what its command line says, in the words of its configuration', async () => {
  const { system, qm } = proxmox(RUNNING)
  const told: string[] = []
  const seen = await observeProxmox(system, qm, undefined, (done, total) => told.push(`${done}/${total}`))
  expect(told).toEqual(['1/2', '2/2'])
  expect(seen).toMatchObject({ uri: 'Proxmox VE', unanswered: [], links: undefined, maxFiles: undefined })
  const [web, win] = seen.domains
  expect(web).toMatchObject({
    ...{ stack: 'proxmox', name: '100', title: 'web01', uuid: '8b1c5c5e-0000-4000-8000-000000000100' },
    process: { pid: 4711, vectors: new Map([['bc:24:11:00:00:02', 6]]) },
  })
  const facts = (domain = web?.live) =>
    domain?.interfaces.map(({ alias, type, model, driver, queues, source }) => [
      ...[alias, type, model, driver, queues, source],
    ])
  expect(facts()).toEqual([
    ['net0', 'bridge', 'virtio', 'vhost', undefined, 'vmbr0'],
    ['net1', 'bridge', 'virtio', 'vhost', 2, 'vmbr1'],
    ['net2', 'bridge', 'e1000', undefined, undefined, 'vmbr0'],
  ])
  // Nothing waits for a power-off.
  expect(facts(web?.inactive)).toEqual(facts())
  expect(win).toMatchObject({ name: '101', title: 'win', live: undefined, process: undefined })
})

it('a queue count that waits for a power-off differs', async () => {
  const changed = documented('100.conf').replace('queues=2', 'queues=4')
  const { system, qm } = proxmox(RUNNING, (command) =>
    command === 'config 100' ? { stdout: changed } : undefined,
  )
  const [web] = (await observeProxmox(system, qm, '100')).domains
  expect([web?.live?.interfaces[1]?.queues, web?.inactive?.interfaces[1]?.queues]).toEqual([2, 4])
})

it('a running machine whose process is not to be seen is what qm says of it', async () => {
  const { system, qm } = proxmox({}, (command) =>
    command === 'config 100 --current 1'
      ? { stdout: 'net0: virtio=BC:24:11:00:00:01,queues=8\n' }
      : undefined,
  )
  const { domains } = await observeProxmox(system, qm, 'web01')
  expect(domains).toHaveLength(1)
  expect(domains[0]).toMatchObject({ live: { interfaces: [{ queues: 8 }] }, process: undefined })
})

it('a machine of which qm tells nothing is named with the reason; one that went away is none', async () => {
  const failing = (command: string) =>
    command.startsWith('config 101') ? { code: 2, stdout: '', stderr: 'no quorum\n' } : undefined
  const { system, qm } = proxmox(RUNNING, failing)
  const seen = await observeProxmox(system, qm)
  expect(seen.domains.map(({ name }) => name)).toEqual(['100'])
  expect(seen.unanswered).toEqual([{ name: '101', why: 'qm config: no quorum' }])
  let lists = 0
  const going = proxmox(RUNNING, (command) =>
    command === 'list' && lists++ > 0 ? { stdout: '100 web01 running 2048 32.00 4711\n' } : failing(command),
  )
  expect((await observeProxmox(going.system, going.qm)).unanswered).toEqual([])
})

it('a machine that is not there is an error, and so is a qm that tells nothing', async () => {
  const { system, qm } = proxmox({})
  await expect(observeProxmox(system, qm, '999')).rejects.toMatchObject({ kind: 'usage' })
  const silent = proxmox({}, () => ({ code: 255, stdout: '', stderr: 'please run as root\n' }))
  await expect(observeProxmox(silent.system, silent.qm)).rejects.toMatchObject({ kind: 'permission' })
})
